"""Writes the reference pages of `docs/` from what they describe: schemas, commands, problems. Not shipped."""
