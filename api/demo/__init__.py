"""Slice: demo."""
