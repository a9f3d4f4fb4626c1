"""Slice: instructions."""
