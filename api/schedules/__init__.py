"""Slice: schedules."""
