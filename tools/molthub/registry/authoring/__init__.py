"""What authors write with commands: new registries, skills, packs, withdrawals, one style, and the commit."""
