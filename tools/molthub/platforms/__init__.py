"""One module per agent program: desired state and that program's files."""
