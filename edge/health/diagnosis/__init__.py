"""Diagnosis of the battery (protocol 9.22): health, spread, believable energy, test cycle, reduced cell data."""
