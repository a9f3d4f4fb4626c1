"""The fleet planner: arrays, Pyomo blocks, stamping, prices, rounding and certificate."""
