"""Telling others when a bot's state changes: webhooks, chats, commit statuses."""
