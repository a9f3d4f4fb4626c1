"""Limits that a fleet keeps on all but an agreed share of days, whatever law the errors follow (protocol 9.19)."""
