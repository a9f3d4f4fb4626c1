"""Faults of the station's parts (protocol 10.16): catalogue, thresholds, engine, causes, the board."""
