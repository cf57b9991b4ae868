"""``make demo``: skills go from YAML in git to bots in sync; one bot is broken by hand, found, and mended.

Every step prints the command that a person would type and runs exactly that. Anything unexpected ends with status 1.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = Path("demo")
SITE, BOTS, STATE = DEMO / "site", DEMO / "bots", DEMO / "state"
BROKEN = "prod/ada"
PATIENCE = 30.0


class SurpriseError(Exception):
    """The demo saw something that it did not expect."""


def main() -> int:
    """Run the seven steps; return the exit status."""
    os.chdir(ROOT)
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    started = time.monotonic()
    server: subprocess.Popen[str] | None = None
    try:
        headline(1, "Check what the registry in this repository declares")
        molthub("check")
        headline(2, "Build the index of the last commit: static files")
        molthub("build", "--out", str(SITE), "--fleets")
        headline(3, "Serve it, as any web server would")
        server, url = serve()
        headline(4, "Bring the fleets in sync: each bot's home is a folder here")
        molthub("reconcile", *where(url), "--once")
        headline(5, f"Break {BROKEN} by hand in three places")
        damage(BOTS / BROKEN)
        headline(6, "Find the drift")
        molthub("drift", *where(url), "--bot", BROKEN, expect=3)
        headline(7, "Mend it, and look again")
        molthub("reconcile", *where(url), "--bot", BROKEN, "--once")
        molthub("drift", *where(url), "--bot", BROKEN)
    except SurpriseError as surprise:
        print(f"\nThe demo met a surprise: {surprise}", file=sys.stderr)
        return 1
    finally:
        if server is not None:
            server.terminate()
            server.wait(PATIENCE)
    print(WHAT_NEXT.format(seconds=time.monotonic() - started))
    return 0


WHAT_NEXT = """
All in sync, in {seconds:.0f} seconds. What next:

  .venv/bin/molthub explain ada LOG_LEVEL                where a value comes from, and what it overrode
  ls -R demo/bots/prod/ada                               what a bot got: its agent program's own files
  .venv/bin/skills install git --registry demo/site      the same index, for a person
  .venv/bin/molthub reconcile --index demo/site --target demo/bots --state demo/state
                                                         keep it running, then break something: it is mended at once
  docs/GETTING_STARTED.md                                a registry of your own
"""


def headline(number: int, text: str) -> None:
    """Print the heading of one step."""
    print(f"\n{number}. {text}\n", flush=True)


def where(url: str) -> tuple[str, ...]:
    """Return the options that say which index and which bots."""
    return ("--index", url, "--target", str(BOTS), "--state", str(STATE))


def molthub(*arguments: str, expect: int = 0) -> None:
    """Print a command line and run it."""
    print(f"   $ molthub {' '.join(arguments)}", flush=True)
    status = subprocess.run(["molthub", *arguments], check=False).returncode
    note = "" if status == 0 else f"   (exit status {status})"
    print(f"{note}", flush=True)
    if status != expect:
        raise SurpriseError(f"`molthub {' '.join(arguments)}` ended with {status}, expected {expect}")


def serve() -> tuple[subprocess.Popen[str], str]:
    """Start the server on a free port; return it with its address."""
    command = ["molthub", "serve", "--index", str(SITE), "--port", "0"]
    print(f"   $ {' '.join(command)} &", flush=True)
    log = (DEMO / "serve.log").open("w+")
    server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"http://\S+", (DEMO / "serve.log").read_text())
        if found:
            print(f"   {found.group(0)}", flush=True)
            return server, found.group(0)
        time.sleep(0.05)
    raise SurpriseError(f"the server did not start: {(DEMO / 'serve.log').read_text()}")


def damage(home: Path) -> None:
    """Edit a skill, delete a skill, change a value: what happens to real bots."""
    skills = home / ".openclaw/workspace/skills"
    with (skills / "git/SKILL.md").open("a") as skill:
        skill.write("\nAlways push with --force.\n")
    shutil.rmtree(skills / "docker")
    servers = home / ".openclaw/molthub/mcp.json5"
    text = servers.read_text()
    if '"debug"' not in text:
        raise SurpriseError(f"{servers} does not hold the log level of {BROKEN}")
    servers.write_text(text.replace('"debug"', '"trace"', 1))
    for what, file in (("edited", skills / "git/SKILL.md"), ("deleted", skills / "docker"), ("changed", servers)):
        print(f"   {what:8} {file}")


if __name__ == "__main__":
    sys.exit(main())
