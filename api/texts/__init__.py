"""Slice: texts."""
