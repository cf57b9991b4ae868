"""Skills on their way to bots: which versions there are, who signed them, each fetched once a pass."""
