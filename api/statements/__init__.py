"""Slice: statements as the chain tells them (their documents stand in `api.settlements`)."""
