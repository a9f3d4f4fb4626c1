"""The command line `alliance`."""
