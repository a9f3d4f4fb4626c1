"""Slice: documents."""
