"""Slice: session."""
