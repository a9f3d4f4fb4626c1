"""Slice: directives."""
