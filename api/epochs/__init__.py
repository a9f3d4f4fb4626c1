"""Slice: epochs."""
