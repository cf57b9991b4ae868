"""The rules of the check, one module per subject. Each takes what was read and yields problems; none raises."""
