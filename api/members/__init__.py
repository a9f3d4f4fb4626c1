"""Slice: members."""
