"""Gates, each kind on real processes and a real HTTP server: it passes, fails, and is cut off in time."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from hmac import digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from molthub.model.rollouts import Gate
from molthub_reconciler.rollout.gates import BotPlace, GateRunner
from molthub_reconciler.rollout.records import Answer, Ask
from tests.reconciler.running import wait_for

RUNNER = GateRunner("prod", "0123456789", "Progressing", may_run=True)


@pytest.fixture
def place(tmp_path: Path) -> BotPlace:
    home = tmp_path / "prod/ada"
    skill = home / ".agents/skills/git"
    (skill / "scenarios").mkdir(parents=True)
    (skill / "scenarios/checks.yaml").write_text(
        "- {name: Commit, prompt: Commit this., expect: [It commits.]}\n"
        "- {name: Push, prompt: Push this., expect: [It asks.]}\n"
    )
    return BotPlace(home, {"git": skill})


def command(kind: str, code: str, timeout: int = 20) -> Gate:
    return Gate("gate", kind, command=(sys.executable, "-c", code), timeout=timeout)  # type: ignore[arg-type] # a kind


def asked(gate: Gate, place: BotPlace | None = None, runner: GateRunner = RUNNER) -> Answer:
    return runner.ask(Ask("gate", "canary", gate.hook, "ada"), gate, place)


# --- commands ------------------------------------------------------------------------------------------------------


def test_a_probe_runs_in_the_bots_home_and_its_status_decides(place: BotPlace) -> None:
    code = (
        "import os,pathlib; pathlib.Path('was').write_text(' '.join((os.environ['HOME'], os.environ['MOLTHUB_BOT'])))"
    )
    assert asked(command("probe", code), place).passed
    assert (place.home / "was").read_text() == f"{place.home} ada"
    failed = asked(command("probe", "print('a secret'); raise SystemExit(3)"), place)
    assert (failed.passed, failed.detail) == (False, f"{Path(sys.executable).name} ended with status 3")


def test_a_probe_sees_no_variables_of_the_controller(place: BotPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROLLER_TOKEN", "x")
    assert asked(command("probe", "import os; assert 'CONTROLLER_TOKEN' not in os.environ"), place).passed


def is_gone(process: Path) -> bool:
    """Whether a process ended; it does so some moments after it was killed."""
    try:
        return (process / "stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_probe_that_hangs_is_killed_with_what_it_started(place: BotPlace) -> None:
    code = (
        "import subprocess,pathlib,time; child = subprocess.Popen(['sleep', '60']);"
        "pathlib.Path('child').write_text(str(child.pid)); time.sleep(60)"
    )
    assert asked(command("probe", code, timeout=2), place) == Answer(passed=False, detail="no answer within 2 s")
    wait_for(lambda: is_gone(Path("/proc", (place.home / "child").read_text())))


def test_a_probe_finds_its_programs_and_speaks_the_controllers_language(place: BotPlace, monkeypatch: Any) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    code = f"import os; assert (os.environ['PATH'], os.environ['LANG']) == ({os.environ['PATH']!r}, 'de_DE.UTF-8')"
    assert asked(command("probe", code), place).passed


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("import os,signal; os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL"),
        ("import os,signal; os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        ("import os; os.kill(os.getpid(), 40)", "was ended by signal 40"),
        ("import sys; sys.stdin.close(); raise SystemExit(255)", "ended with status 255"),
    ],
)
def test_how_a_probe_ended_is_said(place: BotPlace, code: str, detail: str) -> None:
    answer = asked(command("probe", code), place)
    assert (answer.passed, answer.detail.removeprefix(f"{Path(sys.executable).name} ")) == (False, detail)


def test_a_probe_that_prints_a_megabyte_is_not_held_up_and_nothing_of_it_is_kept(place: BotPlace) -> None:
    code = "import sys; sys.stdout.write('x' * 2**20); sys.stderr.write('y' * 2**20)"
    assert asked(command("probe", code), place) == Answer(passed=True)


def test_a_scenario_that_nobody_reads_is_no_failure_of_itself(place: BotPlace) -> None:
    (place.skills["git"] / "scenarios/long.yml").write_text(f"- {{name: Long, prompt: {'x' * 200_000}}}\n")
    code = "import sys; sys.stdin.close()"
    assert asked(command("scenarios", code), place) == Answer(passed=True, detail="3 scenarios")


def test_a_probe_that_is_not_there_fails(place: BotPlace) -> None:
    answer = asked(Gate("gate", "probe", command=("no-such-program",)), place)
    assert (answer.passed, "No such file" in answer.detail) == (False, True)


def test_no_command_runs_unless_whoever_started_the_controller_said_so(place: BotPlace) -> None:
    answer = asked(command("probe", ""), place, GateRunner("prod", "0", "Progressing"))
    assert (answer.passed, "--run-gates" in answer.detail) == (False, True)
    assert not asked(command("probe", ""), None).passed


def test_each_scenario_of_the_skills_that_changed_is_run(place: BotPlace) -> None:
    code = "import sys,json; s=json.load(sys.stdin); open('seen','a').write(f\"{s['skill']} {s['scenario']['name']};\")"
    assert asked(command("scenarios", code), place) == Answer(passed=True, detail="2 scenarios")
    assert (place.home / "seen").read_text() == "git Commit;git Push;"
    failed = asked(command("scenarios", "import sys; raise SystemExit('Push' in sys.stdin.read())"), place)
    assert (failed.passed, failed.detail.startswith("git: Push: ")) == (False, True)


def test_scenarios_that_cannot_be_read_fail(place: BotPlace) -> None:
    (place.skills["git"] / "scenarios/checks.yaml").write_text("- {name: [")
    answer = asked(command("scenarios", ""), place)
    assert (answer.passed, "cannot be read" in answer.detail) == (False, True)


# --- webhooks ------------------------------------------------------------------------------------------------------


class Hooks:
    """A server of webhooks that does as ``answer`` says and notes what it was sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.headers: list[Any] = []
        self.bodies: list[bytes] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = lambda request: reply(request, 200)
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hooks.headers.append(self.headers)
                hooks.bodies.append(body)
                hooks.sent.append((self.path, self.headers["Content-Type"], json.loads(body)))
                hooks.answer(self)

            def log_message(self, *_said: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/gate"


def reply(request: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    with contextlib.suppress(OSError):  # whoever asks need not read on
        request.wfile.write(body)


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    made = Hooks()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def webhook(hooks: Hooks, timeout: int = 20, **fields: Any) -> Gate:
    return Gate("gate", "http", url=hooks.url, timeout=timeout, **fields)


def test_a_webhook_is_sent_what_flagger_sends(hooks: Hooks) -> None:
    assert asked(webhook(hooks, hook="confirm-promotion", metadata={"team": "infra"})).passed
    metadata = {"wave": "canary", "hook": "confirm-promotion", "team": "infra"}
    body = {
        "name": "prod",
        "namespace": "molthub",
        "phase": "Progressing",
        "checksum": "0123456789",
        "metadata": metadata,
    }
    assert hooks.sent == [("/gate", "application/json", body)]


@pytest.mark.parametrize("status", [203, 204, 400, 404, 500, 503])
def test_a_webhook_that_refuses_fails(hooks: Hooks, status: int) -> None:
    hooks.answer = lambda request: reply(request, status)
    assert asked(webhook(hooks)) == Answer(passed=False, detail=f"status {status}")


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("body", [b"", b"<html>not \xff JSON", b"x" * 2**20])
def test_a_webhook_that_agrees_passes_whatever_else_it_says(hooks: Hooks, status: int, body: bytes) -> None:
    hooks.answer = lambda request: reply(request, status, body)
    assert asked(webhook(hooks)) == Answer(passed=True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"error rate 12 % > 1 %\nmore of it", "status 403: error rate 12 % > 1 %"),
        (b"\n\x1b[31mred\x07 token=abcdefgh1234", "status 403: [31mred  token=***"),
        (b"no. " * 2**18, f"status 403: {'no. ' * 50}"),
        (b"\xff\xfe", "status 403: \ufffd\ufffd"),
    ],
)
def test_why_a_webhook_refuses_is_told_in_a_line_without_secrets(hooks: Hooks, body: bytes, said: str) -> None:
    hooks.answer = lambda request: reply(request, 403, body)
    assert asked(webhook(hooks)) == Answer(passed=False, detail=said)


def test_what_git_sends_along_counts_before_what_is_sent_by_itself(hooks: Hooks) -> None:
    asked(webhook(hooks, metadata={"wave": "mine"}))
    assert hooks.sent[0][2]["metadata"] == {"wave": "mine", "hook": "rollout"}


def test_a_webhook_that_hangs_up_fails(hooks: Hooks) -> None:
    hooks.answer = lambda request: request.connection.close()
    assert asked(webhook(hooks)).detail.startswith("it cannot be asked:")


def test_a_webhook_that_says_what_is_no_http_fails(hooks: Hooks) -> None:
    def speak(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n")

    hooks.answer = speak
    assert asked(webhook(hooks)).detail.startswith("it cannot be asked:")


def test_a_webhook_is_signed_where_there_is_a_secret_for_it(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(webhook(hooks))
    monkeypatch.setenv("MOLTHUB_GATE_SECRET", f"whsec_{b64encode(b'a canary of a secret').decode()}")
    answer = asked(webhook(hooks))
    plain, signed = hooks.headers
    assert "webhook-signature" not in plain
    said = f"{signed['webhook-id']}.{signed['webhook-timestamp']}.".encode() + hooks.bodies[1]
    expected = b64encode(digest(b"a canary of a secret", said, "sha256")).decode()
    assert signed["webhook-signature"] == f"v1,{expected}"
    assert "canary of" not in f"{answer} {signed} {hooks.bodies[1]!r}"


def test_a_redirect_is_not_followed(hooks: Hooks) -> None:
    hooks.answer = lambda request: reply(request, 302, Location=hooks.url + "/elsewhere")
    assert asked(webhook(hooks)) == Answer(passed=False, detail="status 302")
    assert len(hooks.sent) == 1


def test_a_webhook_that_drips_is_given_up_in_time(hooks: Hooks) -> None:
    over = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        with contextlib.suppress(OSError):
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
                if over.wait(0.2):
                    return
                request.wfile.write(bytes([byte]))
                request.wfile.flush()

    hooks.answer = drip
    assert asked(webhook(hooks, timeout=1)) == Answer(passed=False, detail="no answer within 1 s")
    over.set()


def test_a_webhook_that_nobody_answers_fails(hooks: Hooks) -> None:
    hooks.server.server_close()
    answer = asked(webhook(hooks))
    assert (answer.passed, answer.detail.startswith("it cannot be asked:")) == (False, True)
