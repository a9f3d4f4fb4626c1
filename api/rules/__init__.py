"""Slice: rules."""
