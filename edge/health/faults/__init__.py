"""Faults of the station's parts (protocol 10.15): catalogue, thresholds, engine, causes, the board."""
