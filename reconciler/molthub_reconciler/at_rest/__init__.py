"""Bots of which nothing has moved since they were last judged, and which need no look."""
