"""Bots that were configured by hand: read, and proposed as what to declare."""
