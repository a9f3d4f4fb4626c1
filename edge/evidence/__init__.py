"""Evidence: from a sample to signed segments that wait on disk until the platform has them (protocol 2 to 4)."""
