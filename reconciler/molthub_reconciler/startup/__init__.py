"""Having the machine keep an agent or a controller running: what systemd and launchd are told, and where that lies."""
