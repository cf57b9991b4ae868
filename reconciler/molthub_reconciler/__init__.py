"""Brings every bot from its observed to its desired state, and says what it did."""
