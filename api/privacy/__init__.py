"""Slice: privacy."""
