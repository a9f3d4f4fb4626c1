"""Slice: devices."""
