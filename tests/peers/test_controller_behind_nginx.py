"""A controller behind nginx, configured as docs/REMOTE.md says: agents hear of changes and tell, as without it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.peers.debian_programs import debian_program
from tests.peers.test_web_servers import free_port, started
from tests.reconciler.running import holds, program, wait_for
from tests.reconciler.world import World
from tests.remote.fleet import level
from tests.remote.inside import Inside, inside

pytestmark = pytest.mark.peers

ADA = "prod/ada"
GUIDE = Path(__file__).parents[2] / "docs/REMOTE.md"
AROUND = """
daemon off; master_process off; pid nginx.pid; error_log stderr;
events {{ }}
http {{
  access_log off;
  client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
  {server}
}}
"""


@pytest.fixture
def controlled(world: World) -> Iterator[Inside]:
    world.site.bot(ADA, {"env/LEVEL": "debug"})
    world.site.publish()
    with inside(world) as found:
        found.token_file(ADA, found.enrol(ADA))
        found.look()
        yield found


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@contextmanager
def nginx(controlled: Inside, authority: Authority, **changed: str) -> Iterator[str]:
    """Run nginx in front of a controller, as the guide says; return its address."""
    found = re.search(r"^```text\n(server \{.*?^\})\n```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    port, (certificate, key) = free_port(), authority.issue("fleet")
    said = {"listen 8443": f"listen 127.0.0.1:{port}", "fleet.pem": str(certificate), "fleet.key": str(key),
            "127.0.0.1:8000": f"127.0.0.1:{controlled.server.listen.port}", **changed}  # fmt: skip
    server = found[1]
    for old, new in said.items():
        assert old in server
        server = server.replace(old, new)
    folder = controlled.world.folder / "nginx"
    folder.mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(AROUND.format(server=server))
    command = [str(debian_program("nginx", "usr/sbin/nginx")), "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    with started(command, port, folder):
        yield f"https://127.0.0.1:{port}/"


def options(controlled: Inside, url: str, authority: Authority) -> list[str]:
    machine = controlled.machine(ADA)
    return ["--bot", ADA, "--controller", url, "--token-file", str(machine / "token"), "--controller-ca",
            str(authority.ca), "--target", str(machine / "bots"), "--state", str(machine / "state"),
            "--interval", "60"]  # fmt: skip


def change(controlled: Inside, value: str) -> None:
    controlled.world.site.bot(ADA, {"env/LEVEL": value})
    controlled.world.site.publish()
    controlled.look()


def test_an_agent_hears_of_changes_at_once_and_tells(controlled: Inside, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    home = controlled.machine(ADA) / "bots" / ADA
    with nginx(controlled, authority) as url, program(tmp_path / "log", *options(controlled, url, authority)) as agent:
        wait_for(lambda: '"LEVEL": "debug"' in level(home), agent)
        wait_for(lambda: controlled.look().bots[0].state == "in-sync", agent)
        change(controlled, "info")
        wait_for(lambda: '"LEVEL": "info"' in level(home), agent)  # well before the minute is over
        agent.kill()
        seen = controlled.place.agents.presence
        wait_for(lambda: (found := seen.seen(ADA)) is not None and found.left)  # nginx tells that it went


def test_a_proxy_that_cuts_questions_off_is_got_along_with(controlled: Inside, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    home, log = controlled.machine(ADA) / "bots" / ADA, tmp_path / "log"
    impatient = {"proxy_read_timeout 310s": "proxy_read_timeout 7s"}
    with nginx(controlled, authority, **impatient) as url, program(log, *options(controlled, url, authority)) as agent:
        wait_for(lambda: '"LEVEL": "debug"' in level(home), agent)
        wait_for(holds(tmp_path / "nginx/log", "upstream timed out"), agent)
        change(controlled, "info")
        wait_for(lambda: '"LEVEL": "info"' in level(home), agent)
        assert "cannot be read" not in agent.said()
