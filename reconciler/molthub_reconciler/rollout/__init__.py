"""Rollouts: which document each bot of a fleet is kept at, while a change reaches the fleet in waves."""
