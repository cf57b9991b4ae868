"""Units as systemd itself reads, judges and runs them: systemd-analyze(1), and a systemd of the test's own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from molthub_reconciler.startup import systemd
from molthub_reconciler.startup.job import Job
from tests.peers.debian_programs import debian_program
from tests.reconciler.running import wait_for
from tests.reconciler.world import World, run_molthub
from tests.remote.fleet import Fleet, level

pytestmark = pytest.mark.peers

EXPOSURE = 2.5
"""What systemd-analyze calls OK is below 4.5 of 10; without any hardening a unit has 9.6."""
TARGETS = "basic local-fs multi-user network network-online paths shutdown slices sockets sysinit timers umount"


def program(name: str) -> Path:
    """Return a program of systemd's package; `systemd` itself is not on anybody's PATH."""
    place = debian_program("systemd", f"usr/bin/{name}")
    found = [place, *(place.parents[2] / folder / name for folder in ("bin", "lib/systemd", "usr/lib/systemd"))]
    return next(one for one in found if one.exists())


def libraries() -> str:
    shared = debian_program("libsystemd-shared", "usr/lib").parents[1]
    own = debian_program("systemd", "usr").parent
    return ":".join(sorted({str(path.parent) for place in (shared, own) for path in place.rglob("libsystemd-*.so")}))


def analyze(folder: Path, *arguments: str | Path, user: bool = False) -> subprocess.CompletedProcess[str]:
    kept = "systemd/user" if user else "systemd/system"
    own = [path for path in debian_program("systemd", "usr").parent.rglob(kept) if path.is_dir()]
    environment = {
        "PATH": os.environ["PATH"],
        "LD_LIBRARY_PATH": libraries(),
        "SYSTEMD_UNIT_PATH": ":".join(map(str, own)),
        "XDG_RUNTIME_DIR": str(folder),
        "HOME": str(folder),
    }
    command = [program("systemd-analyze"), *(["--user"] if user else []), "--man=no", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("user", [None, "root"])
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path, user: str | None) -> None:
    home = tmp_path / "my bots"
    command = ["/bin/sh", "-c", 'echo "$1" 100%; exit', "--bot", "prod/ada", "--target", str(home)]
    job = Job(
        "molthub-agent-prod.ada", "an agent", command, user, {"--token-file": tmp_path / "ada.token"}, (home,), 443
    )
    place = tmp_path / f"{job.name}.service"
    place.write_text(systemd.unit(job))
    options = ("--recursive-errors=no", "verify", place)
    done = analyze(tmp_path, *options, user=user is None)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    place.write_text(systemd.unit(job).replace("Restart=always", "Restart=now and then"))
    assert "Failed to parse service restart specifier" in analyze(tmp_path, *options, user=user is None).stderr


def test_systemd_calls_a_unit_of_the_system_well_guarded(tmp_path: Path) -> None:
    job = Job("molthub-agent-prod.ada", "an agent", ["/bin/true"], "nobody", {}, (tmp_path,))
    place = tmp_path / f"{job.name}.service"
    place.write_text(systemd.unit(job))
    done = analyze(tmp_path, "security", "--offline=yes", "--no-pager", place)
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d)", done.stdout)
    assert found is not None, done
    assert float(found[1]) <= EXPOSURE, done.stdout


# --- a systemd of its own --------------------------------------------------------------------------------------------

START = """
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/cache
mkdir -p /run/lock /var/lib/systemd
mount -t tmpfs tmpfs /var/lib/systemd
mount -t tmpfs tmpfs /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
mount --make-rshared /
exec env -i PATH=$PATH LD_LIBRARY_PATH=$1 container=molthub SYSTEMD_UNIT_PATH=$2 \\
  $3 --system --unit=multi-user.target --log-target=console --show-status=no
"""


@dataclass
class Machine:
    """A systemd that is the first process of a machine made of namespaces; ``units`` is its /etc/systemd/system."""

    process: subprocess.Popen[bytes]
    units: Path
    log: Path

    def control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run systemctl in there."""
        first = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().strip() or "none"
        enter = ["nsenter", "--target", first, "--mount", "--pid", "--ipc", "--uts", "--cgroup"]
        environment = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries()}
        return subprocess.run([*enter, str(program("systemctl")), *arguments], env=environment, capture_output=True,
                              text=True, check=False)  # fmt: skip

    def told(self, unit: str, *names: str) -> dict[str, str]:
        shown = self.control("show", unit, f"--property={','.join(names)}").stdout
        return dict(line.split("=", 1) for line in shown.splitlines())


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Start one. Only root makes such namespaces: on a machine of one's own, `sudo make test-peers` in a container."""
    units, own = folder / "system-units", program("systemd")
    units.mkdir()
    kept = next(path for path in debian_program("systemd", "usr").parent.rglob("lib/systemd/system") if path.is_dir())
    for name in TARGETS.split():
        shutil.copy(kept / f"{name}.target", units)
    log = folder / "systemd.log"
    apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--uts", "--ipc", "--cgroup"]
    command = [*apart, "sh", "-ec", START, "sh", libraries(), str(units), str(own)]
    with log.open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        found = Machine(process, units, log)
        try:
            wait_for(lambda: process.poll() is not None or found.control("is-system-running").stdout.strip()
                     in ("running", "degraded"))  # fmt: skip
            assert process.poll() is None, log.read_text()
            yield found
        finally:
            process.kill()


def test_controller_and_agent_live_as_units_until_they_are_taken_away(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.site.fleet("prod")
    world.site.bot("prod/ada", {"env/LEVEL": "debug"})
    world.site.publish()
    fleet = Fleet(world, port=18_443)
    fleet.token("prod/ada")
    for place in (world.target, world.state, fleet.machine("prod/ada") / "bots", fleet.machine("prod/ada") / "state"):
        place.mkdir(exist_ok=True)
    places = ["--index", str(world.site.folder), *fleet.places]
    log = tmp_path / "said.log"
    with machine(tmp_path) as systemd_here:
        for options in ([*places, "--listen", f"127.0.0.1:{fleet.port}"], fleet.agent_options("prod/ada")):
            shown = json.loads(run_molthub("reconcile", *options, "--interval", "1", "--install", "--json").stdout)
            (systemd_here.units / shown["name"]).write_text(shown["unit"])
            more = systemd_here.units / f"{shown['name']}.d/said.conf"  # there is no journal in there
            more.parent.mkdir()
            more.write_text(f"[Service]\nStandardOutput=append:{log}\nStandardError=inherit\n")
        controller, agent = sorted((path.name for path in systemd_here.units.glob("molthub-*.service")), reverse=True)
        systemd_here.control("daemon-reload")
        for unit in (controller, agent):
            done = systemd_here.control("enable", "--now", unit)
            assert done.returncode == 0, (done, systemd_here.control("status", unit).stdout)
        wait_for(lambda: '"LEVEL": "debug"' in level(fleet.home("prod/ada")))
        wait_for(lambda: fleet.state_of("prod/ada") == "in-sync")

        before = systemd_here.told(agent, "MainPID")
        systemd_here.control("kill", "--signal=SIGKILL", agent)
        wait_for(
            lambda: systemd_here.told(agent, "ActiveState", "NRestarts") == {"ActiveState": "active", "NRestarts": "1"}
        )
        assert systemd_here.told(agent, "MainPID") != before
        for unit in (agent, controller):
            assert systemd_here.control("disable", "--now", unit).returncode == 0
            assert systemd_here.told(unit, "ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"}
