"""Control: what the station shall do, what it may do, and how punctually it did (protocol 9.13 to 9.16)."""
