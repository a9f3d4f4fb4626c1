"""Why no plan keeps all limits, and what would have to give way: records that anyone can check (protocol 9.10)."""
