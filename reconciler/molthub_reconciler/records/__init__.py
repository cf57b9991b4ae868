"""What is remembered between passes, outside of every bot: receipts, state, history, versions of secrets."""
