"""Slice: stations."""
