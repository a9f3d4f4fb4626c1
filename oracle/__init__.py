"""Evidence: bytes, signatures, hash trees, manifests and archives (protocol 1 to 4)."""
