"""Health: alarms, counters and the status that the box tells of itself (protocol 10.2)."""
