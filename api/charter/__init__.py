"""Slice: charter."""
