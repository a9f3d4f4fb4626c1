"""The service: what members, dispatchers and devices reach over HTTP."""
