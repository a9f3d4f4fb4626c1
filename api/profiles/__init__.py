"""Slice: profiles."""
