"""The link: what goes to the platform and what comes back (protocol 4.1, 10.2 to 10.4)."""
