"""A pack as a plugin of other programs: a folder with its skills and its MCP servers, in each program's own words."""
