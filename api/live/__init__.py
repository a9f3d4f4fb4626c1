"""Slice: live."""
