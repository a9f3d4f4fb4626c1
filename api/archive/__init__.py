"""Slice: archive."""
