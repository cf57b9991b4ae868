"""What is declared: from a git commit to a catalog, to desired state."""
