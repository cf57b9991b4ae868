"""One home, and an agent program that is run in it: offline, with no account, and the one secret in its environment."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.peers.agent_homes import environment
from tests.peers.npm_programs import npm_program

HERE = Path(__file__).parent


class ProgramHome:
    """A home and the command that runs the program. ``variables`` are set for every run."""

    def __init__(self, command: Sequence[str], folder: Path, **variables: str) -> None:
        self.command = tuple(command)
        self.folder = folder
        self.environment = environment(folder, **variables)

    def done(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the program to its end, whatever that is."""
        return subprocess.run([*self.command, *arguments], cwd=self.folder, env={**self.environment, **variables},
                              timeout=120, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)  # fmt: skip

    def run(self, *arguments: str) -> str:
        """Return what the program prints; it must succeed."""
        done = self.done(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """Return the JSON that the program prints."""
        return json.loads(self.run(*arguments))


def claude_command() -> list[str]:
    """Return the launcher that Claude Code's package has for installations without scripts."""
    program = npm_program("claude", HERE / "claude-code")
    return ["node", str(program.parent.parent / "@anthropic-ai" / "claude-code" / "cli-wrapper.cjs")]
