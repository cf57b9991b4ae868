"""The static index: from a catalog to files, and their publication."""
