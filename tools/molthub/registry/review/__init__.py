"""What reviewers of a change want to know: what it publishes, what bots get by it, and whether a person must look."""
