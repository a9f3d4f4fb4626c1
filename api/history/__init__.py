"""Slice: history."""
