"""Bringing an index from one commit to the next: what changed, what follows from it, what is left over."""
