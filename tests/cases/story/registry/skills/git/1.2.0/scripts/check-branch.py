#!/usr/bin/env python3
"""Print the branch of the repository here as JSON."""

import json
import subprocess

command = ["git", "rev-parse", "--abbrev-ref", "HEAD"]
branch = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
print(json.dumps({"branch": branch}))
