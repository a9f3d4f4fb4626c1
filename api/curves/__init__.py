"""Slice: curves."""
