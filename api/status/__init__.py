"""Slice: status."""
