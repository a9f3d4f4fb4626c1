"""Forecasts: the like-day rule, and ridge models with conformal intervals, scenarios and their skill (protocol 9.6)."""
