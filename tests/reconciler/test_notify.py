"""Channels are told once of each change of state: signed, bundled, tried again, without a secret."""

from __future__ import annotations

import hmac
import json
import re
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from molthub.model import Json
from molthub_reconciler.notify.delivery import signature
from molthub_reconciler.notify.news import slack
from molthub_reconciler.notify.outbox import Outbox
from molthub_reconciler.notify.settings import Channel
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.report import BotReport, Report, RolloutReport
from tests.reconciler.test_commands import check_report
from tests.reconciler.world import World, run_molthub

KEY = "the key of the hook"
REVISION = "8c1e40d3a5f7b2960c4d18e95a7f3b6201d4c8e9"


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """An HTTP server on loopback that keeps what it is sent, and answers with ``statuses`` in turn, then 200."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    delay: float = 0.0


@pytest.fixture
def server() -> Iterator[Server]:
    known = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            time.sleep(known.delay)
            status = known.statuses.pop(0) if known.statuses else 200
            self.send_response(status)
            if status in (301, 307):
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        known.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield known
        running.shutdown()


@pytest.fixture
def config(home: Path) -> Path:
    folder = home / ".config/molthub"
    folder.mkdir(parents=True)
    return folder


def channels(config: Path, *items: dict[str, Any], mode: int = 0o600) -> None:
    file = config / "notify.yaml"
    file.write_text(json.dumps({"channels": list(items)}))
    file.chmod(mode)


def private(config: Path, name: str, content: str, mode: int = 0o600) -> str:
    (config / name).write_text(content)
    (config / name).chmod(mode)
    return name


def report(*states: str, revision: str | None = REVISION) -> Report:
    bots = tuple(BotReport(f"prod/b{number}", state) for number, state in enumerate(states))  # type: ignore[arg-type] # states
    return Report("reconcile", "2026-11-21T12:00:00Z", revision, bots)


def outbox(root: Path, *channels: Channel, now: float = 1000.0) -> Outbox:
    return Outbox(TargetState(root, "memory"), channels, clock=lambda: now)


def test_a_webhook_is_told_once_and_signed(
    world: World, desired: dict[str, Json], server: Server, config: Path
) -> None:
    channels(config, {"name": "ops", "kind": "webhook", "url": f"{server.url}/hook",
                      "secretFile": private(config, "hook.key", KEY + "\n")})  # fmt: skip
    world.site.bot("prod/ada", desired, platform="claude-code")
    world.site.bot("prod/bob", desired)
    world.site.publish()
    world.report("reconcile", status=0)
    assert server.received == []  # in sync from the first is no news
    (world.home("prod/ada") / ".claude.json").write_text("{")

    for _ in range(3):
        world.report("reconcile", status=4)

    (told,) = server.received
    assert told.path == "/hook"
    check_report(told.json)
    assert [(bot["bot"], bot["state"]) for bot in told.json["bots"]] == [("prod/ada", "failed")]
    signed = f"{told.headers['webhook-id']}.{told.headers['webhook-timestamp']}.".encode() + told.body
    expected = b64encode(hmac.new(KEY.encode(), signed, sha256).digest()).decode()
    assert told.headers["webhook-signature"] == f"v1,{expected}"
    (world.home("prod/ada") / ".claude.json").write_text("{}")
    world.report("reconcile", status=0)
    assert [bot["state"] for bot in server.received[1].json["bots"]] == ["in-sync"]


def test_the_signature_is_that_of_the_specification() -> None:
    # Standard Webhooks' own example: key, id, time, body and signature.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 (an example of a specification)
    body = b'{"test": 2432232314}'

    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_no_value_and_no_secret_is_sent(world: World, desired: dict[str, Json], server: Server) -> None:
    world.site.bot("prod/ada", {**desired, "env/WORD": "walrus"})
    world.site.publish()
    places = ["--index", str(world.site.folder), "--target", str(world.target), "--state", str(world.state), "--once"]
    run_molthub("reconcile", *places, "--notify", f"{server.url}/hook")
    file = world.home("prod/ada") / ".agents/molthub.json"
    file.write_text(file.read_text().replace("walrus", "otter").replace("${secrets.token}", "hunter2-hunter2"))
    world.site.bot("prod/ada", {}, platform="nonsense")
    world.site.publish()
    run_molthub("reconcile", *places, "--notify", f"{server.url}/hook")

    assert len(server.received) == 1
    assert not any(word in server.received[0].body for word in (b"walrus", b"otter", b"hunter2"))
    assert "webhook-signature" not in server.received[0].headers


def test_a_pass_is_one_message_and_channels_choose(tmp_path: Path, server: Server) -> None:
    every = Channel("every", "webhook", f"{server.url}/every")
    some = Channel("some", "webhook", f"{server.url}/some", states=frozenset({"failed"}))
    lab = Channel("lab", "webhook", f"{server.url}/lab", fleets=frozenset({"lab"}))
    box = outbox(tmp_path, every, some, lab)

    box.add(report("drifted", "failed", "in-sync"))
    box.flush()
    box.add(report("in-sync", "drifted", "in-sync"))
    box.flush()

    told = {(one.path, tuple(bot["bot"] for bot in one.json["bots"])) for one in server.received}
    assert told == {
        ("/every", ("prod/b0", "prod/b1")),
        ("/some", ("prod/b1",)),  # and its end, too
    }
    assert len(server.received) == 4


@pytest.mark.parametrize("ended", ["done", "superseded", "rolled-back", "undone"])
def test_a_change_that_ended_before_anybody_was_told_is_no_news(tmp_path: Path, server: Server, ended: str) -> None:
    box = outbox(tmp_path, Channel("hook", "webhook", server.url))

    for state, change in ((ended, "sha256:1"), ("in-wave", "sha256:2"), (ended, "sha256:2")):
        box.add(replace(report(), rollouts=(RolloutReport("prod", state, change),)))
        box.flush()

    told = [(one["state"], one["change"]) for message in server.received for one in message.json["rollouts"]]
    assert told == [("in-wave", "sha256:2"), (ended, "sha256:2")]


def test_what_is_not_answered_is_tried_again_by_the_same_id(tmp_path: Path, server: Server) -> None:
    channel = Channel("ops", "webhook", f"{server.url}/hook", secret=KEY)
    server.statuses = [500, 429]
    outbox(tmp_path, channel).add(report("failed"))
    outbox(tmp_path, channel).add(report("drifted"))  # waits behind the first
    times = (1000.0, 1001.0, 1005.0, 1010.0, 1015.0, 1015.5)
    attempts = [[problem.message for problem in outbox(tmp_path, channel, now=now).flush()] for now in times]

    assert attempts == [
        ["ops answered 500; tried again after 5 s"], [], ["ops answered 429; tried again after 10 s"], [], [], []
    ]  # fmt: skip
    ids = [one.headers["webhook-id"] for one in server.received]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert len({one.headers["webhook-timestamp"] for one in server.received}) == 3
    assert [one.json["bots"][0]["state"] for one in server.received[2:]] == ["failed", "drifted"]


def test_a_receiver_that_is_down_for_long_is_told_how_things_are_then(tmp_path: Path, server: Server) -> None:
    channel = Channel("ops", "webhook", "http://127.0.0.1:9/")
    states = ("failed", "drifted", "conflict", "pending")
    for hour in range(60):
        box = outbox(tmp_path, channel, now=1000.0 + hour * 3600)
        box.add(report(states[hour % 4], "in-sync" if hour % 2 else "failed", "failed"))
        box.flush()
    waiting = json.loads(box.state.note("", "outbox.json"))["waiting"]
    assert len(waiting) <= 10, "nothing piles up"
    box = outbox(tmp_path, Channel("ops", "webhook", f"{server.url}/hook"), now=1000.0 + 61 * 3600)
    box.flush()
    box.add(report("in-sync", "in-sync", "failed"))
    box.flush()
    known: dict[str, str] = {}
    for one in server.received:
        known |= {bot["bot"]: bot["state"] for bot in one.json["bots"]}
    assert known == {"prod/b0": "in-sync", "prod/b1": "in-sync", "prod/b2": "failed"}


def test_what_waited_for_a_day_is_told_as_it_is_then(tmp_path: Path, server: Server) -> None:
    box = outbox(tmp_path, Channel("ops", "webhook", "http://127.0.0.1:9/"))
    box.add(report("failed", "drifted"))
    (problem,) = outbox(tmp_path, *box.channels, now=90_000.0).flush()
    assert "let go of" in problem.message
    again = outbox(tmp_path, Channel("ops", "webhook", f"{server.url}/hook"), now=90_001.0)
    again.add(report("failed", "in-sync"))
    again.flush()
    assert [[bot["bot"] for bot in one.json["bots"]] for one in server.received] == [["prod/b0"]]


def test_where_it_died_between_sending_and_noting_the_same_id_is_sent_again(tmp_path: Path, server: Server) -> None:
    channel = Channel("ops", "webhook", f"{server.url}/hook", secret=KEY)
    box = outbox(tmp_path, channel)
    box.add(report("failed"))
    before = box.state.note("", "outbox.json")
    box.flush()
    box.state.keep_note("", "outbox.json", before)
    again = outbox(tmp_path, channel, now=1060.0)
    again.add(report("failed"))
    again.flush()
    first, second = server.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_where_it_died_before_noting_the_pass_tells_it_again(tmp_path: Path, server: Server) -> None:
    channel = Channel("ops", "webhook", f"{server.url}/hook")
    outbox(tmp_path, channel).add(report("in-sync"))
    for _ in range(2):  # the next pass finds the same
        outbox(tmp_path, channel).add(report("failed"))
    outbox(tmp_path, channel).flush()
    assert len(server.received) == 1


def test_a_bot_that_changes_all_the_time_is_told_now_and_then_and_in_the_end(tmp_path: Path, server: Server) -> None:
    channel = Channel("ops", "webhook", f"{server.url}/hook")
    for minute in range(60):
        box = outbox(tmp_path, channel, now=1000.0 + minute * 60)
        box.add(report("drifted" if minute % 2 else "failed", "failed" if minute > 30 else "in-sync"))
        box.flush()
    told = [bot["bot"] for one in server.received for bot in one.json["bots"]]
    assert (told.count("prod/b0"), told.count("prod/b1")) == (6, 1), "others are told as ever"
    box = outbox(tmp_path, channel, now=1000.0 + 2 * 3600)
    box.add(report("in-sync", "failed"))
    box.flush()
    assert server.received[-1].json["bots"][0]["state"] == "in-sync"


def test_what_is_refused_for_good_is_given_up(tmp_path: Path, server: Server) -> None:
    server.statuses = [410]
    box = outbox(tmp_path, Channel("ops", "webhook", f"{server.url}/hook"))
    box.add(report("failed"))

    assert [problem.id for problem in box.flush()] == ["MH720"]
    assert (box.next_due(), box.flush()) == (None, ())


def test_a_redirect_is_not_followed(tmp_path: Path, server: Server) -> None:
    server.statuses = [307]
    box = outbox(tmp_path, Channel("ops", "webhook", f"{server.url}/hook", secret=KEY))
    box.add(report("failed"))

    (problem,) = box.flush()

    assert "answered 307" in problem.message
    assert [one.path for one in server.received] == ["/hook"]


def test_an_answer_is_not_waited_for_longer_than_said(tmp_path: Path, server: Server) -> None:
    server.delay = 5.0
    box = outbox(tmp_path, Channel("ops", "webhook", f"{server.url}/hook", timeout=0.2))
    box.add(report("failed"))

    assert "did not answer in time" in box.flush()[0].message


def test_nobody_there_is_told_without_the_address(tmp_path: Path) -> None:
    box = outbox(tmp_path, Channel("chat", "slack", "http://127.0.0.1:9/secret/path"))
    box.add(report("failed"))

    (problem,) = box.flush()

    assert "secret" not in f"{problem}{box.channels}"
    assert "secret" not in (TargetState(tmp_path, "memory").note("", "outbox.json").decode())


def test_slack_is_told_in_words_that_are_no_markup(tmp_path: Path, server: Server) -> None:
    hostile: tuple[dict[str, Json], ...] = ({"key": "skill/<!channel>`", "action": "update", "cause": "drifted"},)
    bots = (BotReport("prod/b0", "drifted", changes=hostile), *report(*["failed"] * 60).bots[1:])
    box = outbox(tmp_path, Channel("chat", "slack", f"{server.url}/T/B/x"))
    box.add(Report("reconcile", "2026-11-21T12:00:00Z", REVISION, bots))
    box.flush()

    message = server.received[0].json
    assert message["text"] == "60 bots changed: 1 drifted, 59 failed"
    assert len(message["blocks"]) <= 50
    text = json.dumps(message["blocks"])
    assert "<!channel>" not in text
    assert "and 15 more" in text
    assert all(len(block.get("text", {}).get("text", "")) <= 3000 for block in message["blocks"])
    assert slack(report("failed"), report("failed").bots)["blocks"]


def test_slack_is_told_of_every_bot_within_what_a_message_may_hold() -> None:
    for key in ("skill/git", f"mcp/{'x' * 200}", f"env/{'&' * 200}"):
        changes: tuple[dict[str, Json], ...] = tuple({"key": f"{key}{number}"} for number in range(9))
        bots = tuple(BotReport(f"prod/{'b' * 50}{number:02}", "drifted", changes=changes) for number in range(45))
        blocks: Any = slack(Report("reconcile", "2026-11-21T12:00:00Z", REVISION, bots), bots)["blocks"]

        texts = [block["text"]["text"] for block in blocks if block["type"] == "section"]
        assert len(blocks) <= 50
        assert max(map(len, texts)) <= 3000
        assert all(f"`{bot.bot}` is *drifted*" in "\n".join(texts) for bot in bots)
        assert "and 4 more" in texts[-1]
        assert not re.search(r"&(?!amp;)", "".join(texts))


@pytest.mark.parametrize(
    ("states", "github", "gitlab"),
    [
        (["in-sync"], "success", "success"),
        (["in-sync", "drifted"], "pending", "pending"),
        (["failed"], "failure", "failed"),
    ],
)
def test_a_commit_gets_its_status(tmp_path: Path, server: Server, states: list[str], github: str, gitlab: str) -> None:
    token = "a token"  # noqa: S105 (of nothing)
    box = outbox(
        tmp_path,
        Channel("hub", "github-status", server.url, token=token, repository="acme/registry"),
        Channel("lab", "gitlab-status", f"{server.url}/api/v4", token=token, repository="acme/registry"),
    )
    for _ in range(2):
        box.add(report(*states))
        box.add(report("failed"), is_whole=False)
        box.flush()
    box.add(report(*states, revision="folder-123"))

    told = {one.path: one for one in server.received}
    assert len(server.received) == 2
    hub = told[f"/repos/acme/registry/statuses/{REVISION}"]
    assert (hub.json["state"], hub.json["context"]) == (github, "molthub/reconcile")
    assert hub.headers["authorization"] == "Bearer a token"
    lab = told[f"/api/v4/projects/acme%2Fregistry/statuses/{REVISION}"]
    assert (lab.json["state"], lab.json["name"], lab.headers["private-token"]) == (
        gitlab,
        "molthub/reconcile",
        "a token",
    )
    assert "of" in hub.json["description"]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"kind": "webhook", "url": "https://x.example.com"}, "has a name"),
        ({"name": "x", "kind": "fax", "url": "https://x.example.com"}, "kind is one of"),
        ({"name": "x", "kind": "webhook", "url": "http://x.example.com"}, "begins with https"),
        ({"name": "x", "kind": "webhook", "url": "https://me:pw@x.example.com"}, "holds no password"),
        ({"name": "x", "kind": "webhook", "url": "https://:pw@x.example.com"}, "holds no password"),
        ({"name": "x", "kind": "webhook"}, "address is needed"),
        ({"name": "x", "kind": "webhook", "url": "https://x.example.com", "secret": "clear"}, "secret has no place"),
        ({"name": "x", "kind": "slack", "urlEnv": "NO_SUCH_VARIABLE"}, "has no NO_SUCH_VARIABLE"),
        ({"name": "x", "kind": "webhook", "url": "https://x.example.com", "secretFile": "open.key"}, "others may read"),
        ({"name": "x", "kind": "webhook", "url": "https://x.example.com", "secretFile": "none.key"}, "no file"),
        ({"name": "x", "kind": "github-status", "url": "https://x.example.com"}, "needs repository"),
        ({"name": "x", "kind": "webhook", "url": "https://x.example.com", "urlEnv": "HOME"}, "exclude each other"),
    ],
)
def test_settings_that_are_wrong_are_refused_with_their_line(
    world: World, desired: dict[str, Json], config: Path, item: dict[str, str], said: str
) -> None:
    private(config, "open.key", KEY, 0o644)
    channels(config, item)
    world.site.bot("prod/ada", desired)
    world.site.publish()

    outcome = world.molthub("reconcile")

    assert (outcome.status, said in outcome.stderr, "notify.yaml" in outcome.stderr) == (1, True, True), outcome
    assert "me:pw" not in outcome.stderr
    assert not world.target.exists()


def test_settings_that_others_may_write_are_refused(world: World, desired: dict[str, Json], config: Path) -> None:
    channels(config, mode=0o666)
    world.site.bot("prod/ada", desired)
    world.site.publish()

    assert "others may write" in world.molthub("reconcile").stderr


def test_an_outbox_that_is_damaged_is_begun_anew(tmp_path: Path, server: Server) -> None:
    TargetState(tmp_path, "memory").keep_note("", "outbox.json", b'{"waiting": [1]}')
    box = outbox(tmp_path, Channel("ops", "webhook", f"{server.url}/hook"))

    box.add(report("failed"))
    box.flush()

    assert len(server.received) == 1
    assert b64decode(server.received[0].headers.get("webhook-signature", "")) == b""
