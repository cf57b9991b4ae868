"""Bots on other machines: what a controller gives their agents, keeps of them and answers them."""
