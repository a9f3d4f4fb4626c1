"""The rules of the storage alliance: values and rules only; no clock, no I/O, no float (protocol 0)."""
