"""Secrets where a bot runs: found by name at spawn, kept in memory alone, never shown.

Declared values refer to secrets by name (:mod:`molthub.references.secrets`). Here the names become values, on the
machine and for the user that runs the bot: ``secrets.yaml`` says which providers are asked, in which order, and what a
secret is called there. ``molthub exec`` gives the values to the one program that needs them.
"""
