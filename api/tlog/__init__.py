"""The log as static tiles, signed checkpoints, and proofs."""
