"""Clients who mean harm, over real sockets; tokens that end, change and are guessed; certificates of both sides."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from molthub.client.access.environment import CertificateFiles
from molthub.documents import hex_of
from molthub.errors import DeniedError, MolthubError, UnreachableError
from molthub_reconciler.remote import connection, refusals
from molthub_reconciler.remote.exchange import Assignment
from molthub_reconciler.remote.link import Certificates, ControllerLink
from molthub_reconciler.remote.listen import Listen
from molthub_reconciler.remote.token_files import Owner, TokenFiles
from tests.certificates import Authority
from tests.loopback import serving
from tests.reconciler.world import World, run_molthub
from tests.remote.inside import Inside, inside
from tests.remote.reports import DIGEST, report

ADA = "prod/ada"


def raw(controlled: Inside, sent: bytes) -> bytes:
    """Send bytes, and return all that comes back until the other side ends."""
    with socket.create_connection(("127.0.0.1", controlled.server.listen.port), timeout=30) as client:
        client.sendall(sent)
        found = b""
        try:
            while part := client.recv(65_536):
                found += part
        except ConnectionResetError:
            pass
        return found


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 4000 + b"\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET http://elsewhere.example/v1/bots HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v1/bots?" + b"a=b&" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n" * 20_000,
    ],
)
def test_what_is_no_good_request_is_refused_and_ended(controlled: Inside, sent: bytes) -> None:
    answer = raw(controlled, sent)
    assert answer == b"" or answer.split(b" ", 2)[1] in (b"400", b"401", b"431"), answer
    token = (controlled.machine(ADA) / "token").read_text()
    assert controlled.ask(f"/v1/bots/{ADA}/assignment", token)[0] == 200


def test_a_stranger_cannot_make_it_read_a_body(controlled: Inside) -> None:
    head = f"POST /v1/bots/{ADA}/report HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    assert raw(controlled, head.encode()).startswith(b"HTTP/1.1 401 ")


def test_a_client_that_sends_ahead_without_end_is_cut_off(controlled: Inside) -> None:
    token = (controlled.machine(ADA) / "token").read_text()
    first = controlled.ask(f"/v1/bots/{ADA}/assignment", token)[2]["etag"]
    head = (f"GET /v1/bots/{ADA}/assignment HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Prefer: wait=50\r\nIf-None-Match: {first}\r\n\r\n")  # fmt: skip
    assert raw(controlled, head.encode() + b"x" * 100_000) == b""


def test_whoever_guesses_is_slowed_down_and_named_and_nobody_else(
    controlled: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "IN_A_MINUTE", 5)
    token = (controlled.machine(ADA) / "token").read_text()
    path = f"/v1/bots/{ADA}/assignment"
    statuses = [controlled.ask(path, f"mh_guess{number}")[0] for number in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    assert int(controlled.ask(path, "mh_again")[2]["retry-after"]) <= 61
    assert controlled.ask(path, token)[0] == 200  # from the same address
    (warning,) = controlled.warned
    assert "with tokens that do not count from 127.0.0.1" in warning
    assert "mh_" not in warning


def test_one_who_reads_slowly_is_cut_off(controlled: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SECONDS", 1.0)
    monkeypatch.setattr(connection, "SLOWEST", 10**9)
    token = (controlled.machine(ADA) / "token").read_text()
    content = b"x" * 30_000_000
    given = Assignment(ADA, hex_of(content), DIGEST)
    controlled.place.state.keep_document(ADA, hex_of(content), content)
    controlled.place.agents.assign(given)
    with socket.create_connection(("127.0.0.1", controlled.server.listen.port), timeout=30) as client:
        client.sendall(f"GET /v1/bots/{ADA}/documents/{given.document} HTTP/1.1\r\nHost: x\r\n"
                       f"Authorization: Bearer {token}\r\n\r\n".encode())  # fmt: skip
        time.sleep(2.5)
        size = 0
        try:
            while part := client.recv(1 << 20):
                size += len(part)
        except ConnectionResetError:
            pass
        assert size < 30_000_000
    assert controlled.ask(f"/v1/bots/{ADA}/assignment", token)[0] == 200


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_ends_and_a_new_one_takes_over_while_the_old_still_counts(tmp_path: Path) -> None:
    now = [1_795_000_000.0]

    def write(place: Path, content: bytes) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    files = TokenFiles(tmp_path, write, clock=lambda: now[0])
    owner = Owner(bot=ADA)
    first = files.enrol(owner, expires=100)
    assert files.counts(owner, first)
    second = files.enrol(owner, overlap=50)
    assert files.counts(owner, first)
    assert files.counts(owner, second)
    assert files.counts(Owner(bot="prod/bob"), second) is None
    now[0] += 60
    assert files.counts(owner, first) is None
    assert files.counts(owner, second)
    third = files.enrol(owner, expires=10)
    assert files.counts(owner, second) is None
    now[0] += 10
    assert files.counts(owner, third) is None


def test_an_agent_reads_its_new_token_when_the_old_is_refused(controlled: Inside) -> None:
    place = controlled.machine(ADA) / "token"
    link = ControllerLink(controlled.url, place.read_text)
    assert link.assignment(ADA, 60)[0] is not None
    place.write_text(controlled.enrol(ADA))
    assert link.assignment(ADA, 60)[0] is not None
    controlled.place.agents.tokens.revoke(Owner(bot=ADA))
    with pytest.raises(DeniedError, match="knows no such token for prod/ada"):
        link.assignment(ADA, 60)


def test_a_revoked_agent_is_not_answered_although_it_was_let_in_before(controlled: Inside) -> None:
    token = (controlled.machine(ADA) / "token").read_text()
    link = ControllerLink(controlled.url, lambda: token)
    known = link.assignment(ADA, 60)[1]
    ended: list[Exception] = []

    def wait() -> None:
        try:
            link.assignment(ADA, 60, known=known, wait=50)
        except MolthubError as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.2)
    controlled.place.agents.tokens.revoke(Owner(bot=ADA))
    waiting.join(20)
    assert [type(error) for error in ended] == [DeniedError]


def test_operators_have_names_and_do_not_know_each_others_tokens(controlled: Inside) -> None:
    tokens = controlled.place.agents.tokens
    one, two = tokens.enrol(Owner(operator="ann")), tokens.enrol(Owner(operator="ben"))
    assert one.startswith("mho_ann_")
    assert controlled.ask("/v1/bots", one)[0] == controlled.ask("/v1/bots", two)[0] == 200
    forged = "mho_ben_" + one.removeprefix("mho_ann_")
    assert controlled.ask("/v1/bots", forged)[0] == 401
    assert controlled.ask("/v1/bots", "mho_../x_y")[0] == 401
    assert tokens.revoke(Owner(operator="ann"))
    assert controlled.ask("/v1/bots", one)[0] == 401
    assert [str(kept.owner) for kept in tokens.operators()] == ["the operator ben"]


def test_nothing_that_is_kept_or_said_holds_a_token(controlled: Inside) -> None:
    token = (controlled.machine(ADA) / "token").read_text()
    operator = controlled.place.agents.tokens.enrol(Owner(operator="ann"), may_operate=True)
    controlled.ask("/v1/bots", operator)
    controlled.ask("/v1/bots", token)
    controlled.ask(f"/v1/bots/{ADA}/report", token, method="POST", body=report(ADA))
    done = run_molthub(*controlled.agent(ADA), "--once")
    assert done.status == 0, done
    kept = [path for path in controlled.world.folder.rglob("*") if path.is_file() and path.name != "token"]
    said = [*(path.read_bytes() for path in kept), *(line.encode() for line in controlled.warned),
            done.stdout.encode(), done.stderr.encode()]  # fmt: skip
    assert not [one for one in said if token.encode() in one or operator.encode() in one]


# --- certificates ----------------------------------------------------------------------------------------------------


def test_only_certificates_of_the_ca_are_let_in_and_only_that_controller_is_believed(
    world: World, tmp_path: Path
) -> None:
    ours, others = Authority(tmp_path / "ours"), Authority(tmp_path / "others")
    certificate, key = ours.issue("controller")
    shown = CertificateFiles(*map(str, ours.issue("agent")))
    strange = CertificateFiles(*map(str, others.issue("eve")))
    world.site.bot(ADA, {"env/LEVEL": "debug"})
    world.site.publish()
    listen = Listen("127.0.0.1", 0, str(certificate), str(key), str(ours.ca))
    with inside(world, listen) as controlled:
        controlled.look()
        token = controlled.enrol(ADA)

        def asked(ca: Path | None, files: CertificateFiles | None) -> object:
            link = ControllerLink(controlled.url, lambda: token,
                                  certificates=Certificates(str(ca) if ca else None, files))  # fmt: skip
            try:
                return link.assignment(ADA, 60)[0]
            finally:
                link.close()

        assert asked(ours.ca, shown) is not None
        with pytest.raises(UnreachableError, match="no trusted connection"):
            asked(None, shown)
        with pytest.raises(UnreachableError, match="no trusted connection"):
            asked(others.ca, shown)
        for files in (None, strange):
            with pytest.raises(MolthubError):
                asked(ours.ca, files)
        old = ssl.create_default_context(cafile=str(ours.ca))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        old.load_cert_chain(shown.certificate, shown.key)
        plain = socket.create_connection(("127.0.0.1", controlled.server.listen.port))
        with old.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
            assert secure.version() == "TLSv1.2"


def test_a_token_is_shown_to_no_other_host_that_the_address_leads_to(controlled: Inside) -> None:
    asked: list[str] = []

    class Moved(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(308)
            self.send_header("Location", f"{controlled.url}{self.path[1:]}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_said: object) -> None:
            pass

    token = (controlled.machine(ADA) / "token").read_text()
    with serving(HTTPServer(("127.0.0.1", 0), Moved)) as server:
        link = ControllerLink(f"http://127.0.0.1:{server.server_port}/", lambda: token)
        with pytest.raises(UnreachableError, match="the controller's address leads to http:") as error:
            link.assignment(ADA, 60)
        link.close()
    assert "--controller" in error.value.remedy
    assert len(asked) == 1
