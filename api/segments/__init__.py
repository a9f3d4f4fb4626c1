"""Slice: segments."""
