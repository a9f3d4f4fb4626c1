"""Drivers: how the station box reads and commands the devices of its station, whatever register map they speak."""
