"""The agent of a bot on this machine: it follows a controller; and the commands that start either of them."""
