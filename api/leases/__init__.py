"""Slice: leases."""
