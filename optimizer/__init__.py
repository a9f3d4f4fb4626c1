"""The planner: problem, Pyomo model, solver, plan and certificate."""
