"""Where imported versions come from: addresses, what may be asked, and reading a folder of another repository."""
