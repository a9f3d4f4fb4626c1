"""The ledger: contracts on an Ethereum-compatible chain, seen from Python."""
