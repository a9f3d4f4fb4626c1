"""Slice: configurations."""
