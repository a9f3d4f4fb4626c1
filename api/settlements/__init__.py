"""Slice: settlements."""
