"""Where an operator's indexes and bots are: named contexts in a file of one's own, as kubeconfig keeps clusters.

Git says what bots shall have; ``contexts.yaml`` says where they are. Author time and run time both read it.
"""
