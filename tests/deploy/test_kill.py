"""``molthub deploy`` is killed at random moments: the place always holds a whole index, and the next run completes it.

``MOLTHUB_KILLS`` says how often (default 8).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from molthub.index.folder import TEMPORARY
from tests.deploy.places import generation
from tests.index import walk
from tests.index.made import site

KILLS = int(os.environ.get("MOLTHUB_KILLS", "8"))


def stamps(folder: Path) -> list[int]:
    return [
        (folder / name).stat().st_mtime_ns for name in ("", "archives", "shards", "api/v1") if (folder / name).exists()
    ]


def test_a_killed_deployment_leaves_a_whole_index(tmp_path: Path) -> None:
    sites = [site(generation(number), tmp_path / f"site-{number}", fleets=True) for number in range(3)]
    www = tmp_path / "www"
    command = [sys.executable, "-m", "molthub.cli.main", "deploy", "--to", str(www), "--index"]
    subprocess.run([*command, str(sites[0])], check=True, capture_output=True)
    chance = random.Random(20261121)  # noqa: S311 (moments, not secrets)
    killed = 0
    for turn in range(1, KILLS + 1):
        before = stamps(www)
        arguments = [*command, str(sites[turn % 3])]
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and stamps(www) == before:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
        killed += process.returncode < 0
        walk.verify(www)
    assert killed > 0
    subprocess.run([*command, str(sites[2])], check=True, capture_output=True)
    ours = {path: content for path, content in walk.contents(sites[2]).items() if not path.startswith(".molthub")}
    there = walk.contents(www)
    assert {path: there[path] for path in ours} == ours
    assert not list(www.rglob(TEMPORARY))
