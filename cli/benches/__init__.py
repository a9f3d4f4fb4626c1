"""What `alliance bench` measures: a module a case, each against the least that its work could cost."""
