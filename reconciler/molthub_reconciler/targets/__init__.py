"""Where bots live: a target observes and changes them."""
