"""Reading an index: fetch, verify, keep, install."""
