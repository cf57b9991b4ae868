"""Sending a built index to where it is served: only what changed, in an order in which readers always find a whole."""
