"""Jobs: what the service does at every tick."""
