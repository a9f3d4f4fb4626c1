"""Black-start planning: two small MILPs in Pyomo, rounded to whole watts and checked exactly (protocol 9.23)."""
