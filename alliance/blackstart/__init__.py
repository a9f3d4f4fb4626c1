"""Black start: restart a dead network from a storage station; records, paths, check, reasons (protocol 9.23)."""
