"""Stations, profiles and clocks that behave physically, for the demo and the tests."""
