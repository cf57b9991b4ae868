"""How the rows of a large index are cut into search lists: from all rows, or from what changed since the last cut."""
