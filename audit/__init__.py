"""The auditor: everything recomputed from a chain and an archive."""
