"""Slice: readings."""
