"""Other people's planners asked the same as ours, in an environment of their own (`make bench-peers`)."""
