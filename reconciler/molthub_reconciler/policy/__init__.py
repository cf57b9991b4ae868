"""Whether now: what is left alone, pins, windows, who keeps undoing, when to come back. Pure."""
