"""Re-planning a fleet within the day: task, record and check, without a solver (protocol 9.12)."""
