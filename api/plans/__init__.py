"""Slice: plans."""
