"""The server for agents against whoever comes: what it tells nobody, and what it does not let anybody do to others."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from molthub.documents import hex_of
from molthub.errors import MolthubError, UsageError
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.remote import connection
from molthub_reconciler.remote import server as served
from molthub_reconciler.remote.desk import Desk
from molthub_reconciler.remote.exchange import MAX_REPORT, Assignment
from molthub_reconciler.remote.listen import Listen, listen_at
from molthub_reconciler.remote.server import AgentServer
from molthub_reconciler.remote.store import AgentStore
from molthub_reconciler.remote.token_files import Owner
from tests.certificates import Authority
from tests.reconciler.running import wait_for
from tests.remote.inside import ask
from tests.remote.reports import report

ADA, BOB = "prod/ada", "prod/bob"
OPERATOR = Owner(operator="operator")


@pytest.fixture
def store(tmp_path: Path) -> AgentStore:
    return AgentStore(TargetState(tmp_path / "state", "/srv/bots"))


@pytest.fixture
def server(store: AgentStore) -> Iterator[AgentServer]:
    with running(store) as found:
        yield found


class running:  # noqa: N801 (reads as a verb)
    def __init__(self, store: AgentStore, listen: Listen | None = None) -> None:
        self.warned: list[str] = []
        self.news = threading.Event()
        desk = Desk(store, news=self.news, warn=self.warned.append, observed=list)
        self.server = AgentServer(listen or Listen("127.0.0.1", 0), desk)

    def __enter__(self) -> AgentServer:
        self.server.start()
        return self.server

    def __exit__(self, *_error: object) -> None:
        self.server.close()


def test_a_wrong_token_learns_nothing(server: AgentServer, store: AgentStore) -> None:
    ada, bob = store.tokens.enrol(Owner(bot=ADA)), store.tokens.enrol(Owner(bot=BOB))
    asked = [
        ("/v1/bots/prod/ada/assignment", ""),
        ("/v1/bots/prod/ada/assignment", bob),
        ("/v1/bots/prod/ada/assignment", ada[:-1]),
        ("/v1/bots/prod/nobody/assignment", ada),
        ("/v1/bots/prod/..%2f..%2foperator/assignment", ada),
        ("/v1/bots/../../operator/assignment", ada),
        ("/v1/bots/prod/ada/documents/" + "0" * 64, bob),
        ("/v1/bots/prod/ada/no-such-thing", bob),
        ("/v1/bots", ada),
        ("/v1/no-such-thing", ada),
        ("/", ada),
    ]
    answers = {
        (status, body, tuple(sorted((key, value) for key, value in headers.items() if key != "date")))
        for status, body, headers in (ask(server.listen.port, path, token) for path, token in asked)
    }
    assert [status for status, _, _ in answers] == [401]
    posted = ask(server.listen.port, "/v1/bots/prod/ada/report", bob, method="POST", body=report(ADA))
    assert (posted[0], posted[1]) == (401, next(iter(answers))[1])
    assert store.report(ADA) is None
    assert store.presence.seen(ADA) is None
    assert ask(server.listen.port, "/v1/bots/prod/ada/assignment", ada)[0] == 200


def test_a_token_is_for_its_own_bot_and_kept_as_a_hash(server: AgentServer, store: AgentStore) -> None:
    first = store.tokens.enrol(Owner(bot=ADA))
    second = store.tokens.enrol(Owner(bot=ADA))
    assert ask(server.listen.port, "/v1/bots/prod/ada/assignment", first)[0] == 401
    assert ask(server.listen.port, "/v1/bots/prod/ada/assignment", second)[0] == 200
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    assert all(second.encode() not in path.read_bytes() for path in files)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in store.folder.rglob("*") if path.is_dir()} == {0o700}
    assert store.tokens.revoke(Owner(bot=ADA))
    assert not store.tokens.revoke(Owner(bot=ADA))
    assert ask(server.listen.port, "/v1/bots/prod/ada/assignment", second)[0] == 401
    assert store.bots() == frozenset()


def test_an_assignment_has_an_etag_and_says_what_was_reported(server: AgentServer, store: AgentStore) -> None:
    token = store.tokens.enrol(Owner(bot=ADA))
    path = "/v1/bots/prod/ada/assignment"
    status, body, headers = ask(server.listen.port, f"{path}?interval=7", token)
    assert (status, json.loads(body)["document"], json.loads(body)["reported"]) == (200, None, None)
    assert ask(server.listen.port, path, token, If_None_Match=headers["etag"])[0] == 304
    seen = store.presence.seen(ADA)
    assert seen is not None
    assert seen.interval == 60.0
    assert ask(server.listen.port, path, token, User_Agent="a\x1b[2Jb")[0] == 200
    shown = store.presence.seen(ADA)
    assert shown is not None
    assert shown.version == "a[2Jb"
    name = hex_of(b"{}")
    store.assign(Assignment(ADA, name, "sha256:" + "b" * 64, 4, "c" * 40))
    status, body, _ = ask(server.listen.port, path, token, If_None_Match=headers["etag"])
    assert (status, json.loads(body)["generation"]) == (200, 4)
    assert ask(server.listen.port, f"/v1/bots/prod/ada/documents/{name}", token)[0] == 404  # it is not at hand
    store.state.keep_document(ADA, name, b"{}")
    store.state.keep_document(ADA, "d" * 64, b"{}")
    assert ask(server.listen.port, f"/v1/bots/prod/ada/documents/{name}", token)[1] == b"{}"
    assert ask(server.listen.port, f"/v1/bots/prod/ada/documents/{'d' * 64}", token)[0] == 404
    told = report(ADA)
    assert ask(server.listen.port, "/v1/bots/prod/ada/report", token, method="POST", body=told)[0] == 200
    assert server.desk.news.is_set()
    server.desk.news.clear()
    assert ask(server.listen.port, "/v1/bots/prod/ada/report", token, method="POST", body=told)[0] == 200
    assert not server.desk.news.is_set()
    _, body, _ = ask(server.listen.port, path, token)
    assert json.loads(body)["reported"] is not None


@pytest.mark.parametrize("interval", ["nan", "inf", "-1", "1e9", "", "x", "9" * 400])
def test_no_interval_keeps_an_agent_from_being_offline(server: AgentServer, store: AgentStore, interval: str) -> None:
    token = store.tokens.enrol(Owner(bot=ADA))
    assert ask(server.listen.port, f"/v1/bots/prod/ada/assignment?interval={interval}", token)[0] == 200
    seen = store.presence.seen(ADA)
    assert seen is not None
    assert seen.is_offline(seen.at + 4 * 86_400)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {"Content_Length": str(MAX_REPORT + 1)}, 413),
        (b"", {"Content_Length": "9" * 5000}, 400),
        (b"", {"Content_Length": "-1"}, 400),
        (b"", {"Transfer_Encoding": "chunked", "Content_Length": "x"}, 400),
        (b"no JSON", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"{}", {}, 400),
        (b'{"format": "molthub.report/2"}', {}, 400),
    ],
)
def test_a_body_that_is_no_report_is_refused(
    server: AgentServer, store: AgentStore, body: bytes, headers: dict[str, str], status: int
) -> None:
    token = store.tokens.enrol(Owner(bot=ADA))
    assert ask(server.listen.port, "/v1/bots/prod/ada/report", token, method="POST", body=body, **headers)[0] == status
    assert store.report(ADA) is None
    assert not server.desk.news.is_set()
    assert ask(server.listen.port, "/v1/bots/prod/ada/report", token, method="POST", body=report(ADA))[0] == 200


def test_slow_and_silent_clients_stop_nobody_and_are_cut_off(
    store: AgentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SECONDS", 2.0)
    token = store.tokens.enrol(Owner(bot=ADA))
    with running(store) as server:
        slow = [socket.create_connection(("127.0.0.1", server.listen.port)) for _ in range(30)]
        for number, one in enumerate(slow):
            one.sendall(b"" if number % 2 else b"GET /v1/bots HTTP/1.1\r\nX: ")
        assert ask(server.listen.port, "/v1/bots/prod/ada/assignment", token)[0] == 200
        deadline = time.monotonic() + 30
        open_ones = set(slow)
        while open_ones:
            assert time.monotonic() < deadline
            for one in list(open_ones):
                try:
                    one.sendall(b"x")  # a byte now and then buys no time
                    one.settimeout(0.05)
                    if one.recv(1024) == b"":
                        open_ones.discard(one)
                except TimeoutError:
                    continue
                except OSError:
                    open_ones.discard(one)
        for one in slow:
            one.close()
        assert ask(server.listen.port, "/v1/bots/prod/ada/assignment", token)[0] == 200


def test_strangers_cannot_crowd_out_who_has_a_token(store: AgentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "STRANGERS", 2)
    monkeypatch.setattr(served, "SILENT", -1.0)
    token = store.tokens.enrol(Owner(bot=ADA))
    with running(store) as server:
        known = http.client.HTTPConnection("127.0.0.1", server.listen.port, timeout=30)
        known.request("GET", "/v1/bots/prod/ada/assignment", headers={"Authorization": f"Bearer {token}"})
        assert known.getresponse().read()
        strangers = [socket.create_connection(("127.0.0.1", server.listen.port), timeout=30) for _ in range(5)]
        ends = []
        for one in strangers[:3]:  # each gave its place to one that came later
            try:
                ends.append(one.recv(1))
            except ConnectionResetError:
                ends.append(b"")
        assert ends == [b""] * 3
        assert ask(server.listen.port, "/v1/bots/prod/ada/assignment", token)[0] == 200
        known.request("GET", "/v1/bots/prod/ada/assignment", headers={"Authorization": f"Bearer {token}"})
        assert known.getresponse().status == 200
        known.close()
        for one in strangers:
            one.close()


def test_it_speaks_tls_and_outlasts_who_does_not(store: AgentStore, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("controller")
    token = store.tokens.enrol(Owner(bot=ADA))
    with running(store, Listen("127.0.0.1", 0, str(certificate), str(key))) as server:
        assert server.listen.url.startswith("https://127.0.0.1:")
        with socket.create_connection(("127.0.0.1", server.listen.port)) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            plain.settimeout(30)
            with contextlib.suppress(ConnectionResetError):
                assert b"HTTP/1" not in plain.recv(100)
        trusted = ssl.create_default_context(cafile=str(authority.ca))
        connection = http.client.HTTPSConnection("127.0.0.1", server.listen.port, timeout=30, context=trusted)
        connection.request("GET", "/v1/bots/prod/ada/assignment", headers={"Authorization": f"Bearer {token}"})
        assert connection.getresponse().status == 200
        connection.close()
    with pytest.raises(UsageError, match="the certificate cannot be used"):
        AgentServer(Listen("127.0.0.1", 0, str(key), str(key)), server.desk)


def test_a_certificate_that_is_renewed_is_shown_to_who_comes_next(store: AgentStore, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.issue("fleet")
    later = Authority(tmp_path / "later").issue("fleet")
    renewed = later[0].read_text().strip()
    warned: list[str] = []
    desk = Desk(store, news=threading.Event(), warn=warned.append, observed=list)
    server = AgentServer(Listen("127.0.0.1", 0, str(certificate), str(key)), desk)
    server.start()

    def shown() -> str:
        return ssl.get_server_certificate(("127.0.0.1", server.listen.port)).strip()

    try:
        before = shown()
        later[0].replace(certificate)
        wait_for(lambda: warned)  # its key is not there yet
        assert shown() == before
        later[1].replace(key)
        wait_for(lambda: shown() == renewed)
        assert len(warned) == 1
    finally:
        server.close()


def test_an_operators_token_sees_all_and_nudges(server: AgentServer, store: AgentStore) -> None:
    token = store.tokens.enrol(OPERATOR)
    status, body, _ = ask(server.listen.port, "/v1/bots", token)
    assert (status, json.loads(body)["bots"]) == (200, [])
    before = store.answer(ADA).nudge
    assert ask(server.listen.port, "/v1/nudge", token, method="POST", body=b"")[0] == 200
    assert store.answer(ADA).nudge != before
    assert ask(server.listen.port, "/v1/bots/prod/ada/assignment", token)[0] == 401
    assert ask(server.listen.port, "/v1/bots", token, method="POST", body=b"")[0] == 404
    assert store.tokens.revoke(OPERATOR)
    assert ask(server.listen.port, "/v1/bots", token)[0] == 401


def test_who_may_only_nudge_sees_nothing(server: AgentServer, store: AgentStore) -> None:
    token = store.tokens.enrol(OPERATOR, may_look=False, may_operate=True)
    before = store.answer(ADA).nudge
    assert ask(server.listen.port, "/v1/nudge", token, method="POST", body=b'{"ref": "main"}')[0] == 200
    assert store.answer(ADA).nudge != before
    for method, path in (("GET", "/v1/bots"), ("POST", "/v1/commands"), ("GET", "/v1/nudge")):
        assert ask(server.listen.port, path, token, method=method)[0] == 403
    kept = store.tokens.kept(OPERATOR)
    assert kept is not None
    assert (kept.may_look, kept.may_operate) == (False, False)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("8000", "http://127.0.0.1:8000/"),
        ("localhost:8000", "http://localhost:8000/"),
        ("[::1]:8000", "http://[::1]:8000/"),
        ("127.0.0.2:1", "http://127.0.0.2:1/"),
    ],
)
def test_where_it_listens(text: str, url: str) -> None:
    assert listen_at(text, None, None, insecure=False).url == url


def test_tokens_are_not_sent_for_all_to_read(server: AgentServer) -> None:
    for text in ("0.0.0.0:8000", "fleet.example.com:8000", "[::]:8000"):
        with pytest.raises(UsageError, match="could read the tokens"):
            listen_at(text, None, None, insecure=False)
        assert listen_at(text, None, None, insecure=True).certificate is None
        assert listen_at(text, "cert.pem", None, insecure=False).url.startswith("https://")
    for text in ("host", "host:x", "host:99999", ""):
        with pytest.raises(UsageError, match="no address"):
            listen_at(text, None, None, insecure=False)
    taken = Listen("127.0.0.1", server.listen.port)
    with pytest.raises(MolthubError, match="nobody can listen there"):
        AgentServer(taken, server.desk)
