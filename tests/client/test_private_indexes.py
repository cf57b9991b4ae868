"""Private indexes: who gets in with what, and that nobody else ever sees it."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from molthub.client.access.credentials import Credentials, basic, bearer
from molthub.client.access.environment import from_environment, variable
from molthub.client.addresses import Origin, parse_address
from molthub.client.fetch import open_fetcher
from molthub.errors import UsageError
from tests.certificates import Authority
from tests.index_fixture import (
    Fault,
    IndexBuilder,
    IndexServer,
    everywhere,
    html,
    locked,
    redirect,
    serve,
    tampered,
    truncated,
    unavailable,
)
from tests.loopback import serving
from tests.registry.command import Ran, run_molthub, run_skills

TOKEN = "canary-7f3a9c51"  # noqa: S105 (it opens nothing)
AS_TOKEN = f"Bearer {TOKEN}"
AS_PASSWORD = "Basic " + base64.b64encode(f"ada:{TOKEN}".encode()).decode()
Skills = Callable[..., Ran]


class MemoryKeyring(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # the library's
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    found = MemoryKeyring()
    keyring.set_keyring(found)
    yield found
    keyring.set_keyring(before)


@pytest.fixture
def skills(capsys: pytest.CaptureFixture[str], project: Path) -> Skills:
    assert project.is_dir()
    return lambda *arguments: run_skills(capsys, *arguments)


def origin(server: IndexServer) -> Origin:
    return parse_address(server.url).origin


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


# --- where credentials come from -----------------------------------------------------------------------------------


def by_token_variable(server: IndexServer, monkeypatch: pytest.MonkeyPatch, _home: Path) -> str:
    monkeypatch.setenv(variable("TOKEN", origin(server)), TOKEN)
    return AS_TOKEN


def by_password_variables(server: IndexServer, monkeypatch: pytest.MonkeyPatch, _home: Path) -> str:
    monkeypatch.setenv(variable("USER", origin(server)), "ada")
    monkeypatch.setenv(variable("PASSWORD", origin(server)), TOKEN)
    return AS_PASSWORD


def by_netrc(_server: IndexServer, _monkeypatch: pytest.MonkeyPatch, home: Path) -> str:
    (home / ".netrc").write_text(f"machine 127.0.0.1 login ada password {TOKEN}\n")
    (home / ".netrc").chmod(0o600)
    return AS_PASSWORD


def by_helper(server: IndexServer, _monkeypatch: pytest.MonkeyPatch, home: Path) -> str:
    program = home / "helper.py"
    program.write_text(
        "import sys\n"
        "asked = sys.stdin.read().split()\n"
        f"assert 'host=127.0.0.1:{origin(server).port}' in asked and 'protocol={server.scheme}' in asked\n"
        f"print('username=ada\\npassword={TOKEN}')\n"
    )
    log_in(server, {"way": "helper", "helper": f"{sys.executable} {program}"})
    return AS_PASSWORD


def by_keyring(server: IndexServer, _monkeypatch: pytest.MonkeyPatch, _home: Path) -> str:
    keyring.set_password("molthub", server.url, TOKEN)
    log_in(server, {"way": "token"})
    return AS_TOKEN


def log_in(server: IndexServer, login: dict[str, str]) -> None:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "molthub" / "logins.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"format": "molthub.logins/1", "logins": {server.url: login}}))


WAYS = [by_token_variable, by_password_variables, by_netrc, by_helper, by_keyring]
Way = Callable[[IndexServer, pytest.MonkeyPatch, Path], str]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("ring")
def test_every_way_gets_in(
    way: Way, server: IndexServer, skills: Skills, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = everywhere(locked(way(server, monkeypatch, home)))
    said = skills("install", "git", "--registry", server.url)
    assert said.out.splitlines()[0] == "+ git 1.2.0", said


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("ring")
def test_no_way_shows_a_secret(
    way: Way, server: IndexServer, skills: Skills, capsys: pytest.CaptureFixture[str], home: Path, project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Whatever goes wrong and whatever is printed: no output, no file and no other host ever has it."""
    way(server, monkeypatch, home)
    own = {path for path in home.rglob("*") if path.is_file()}
    with serve({}) as elsewhere:
        faults: list[Fault] = [
            locked("nobody"), locked("nobody", 403), locked("nobody", 407), html, tampered, truncated,
            unavailable(99), unavailable(99, 429, "86400"), unavailable(99, 418), redirect(elsewhere.url + "x"),
            redirect(elsewhere.url.replace("//", "//me:canary@")), redirect("ftp://there/"),
        ]  # fmt: skip
        said = []
        for number, fault in enumerate(faults):
            server.faults = everywhere(fault) if number % 2 else {"archives/": fault}
            said += [skills("install", "git", "--registry", server.url, "--json", "--debug")]
            said += [skills("search", "git", "--registry", server.url, "--debug")] if number % 2 else []
        server.faults = everywhere(locked("nobody"))
        said += [skills("registry", "add", "private", server.url), skills("registry", "list", "--json")]
        plan = ("plan", "--index", server.url, "--target", project / "bots", "--json")
        said += [run_molthub(capsys, *plan)]
        assert [asked for asked in elsewhere.requests if "Authorization" in asked[1]] == []
    server.faults = {}
    said += [skills("install", "git", "--registry", server.url, "--json", "--debug")]
    assert said[-1].status == 0
    written = [path for root in (home, project) for path in root.rglob("*") if path.is_file() and path not in own]
    shown = [run.out + run.err for run in said] + [path.read_text(errors="replace") for path in written]
    secrets = (TOKEN, base64.b64encode(f"ada:{TOKEN}".encode()).decode())
    assert [text for text in shown if any(secret in text for secret in secrets)] == []


def test_the_nearest_word_wins(server: IndexServer, skills: Skills, home: Path, ring: MemoryKeyring,
                               monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    by_netrc(server, monkeypatch, home)
    server.faults = everywhere(locked(AS_PASSWORD))
    assert skills("search", "--registry", server.url).status == 0
    ring.set_password("molthub", server.url, "kept")
    log_in(server, {"way": "token"})
    server.faults = everywhere(locked("Bearer kept"))
    assert skills("search", "--registry", server.url).status == 0
    monkeypatch.setenv(variable("TOKEN", origin(server)), "now")
    server.faults = everywhere(locked("Bearer now"))
    assert skills("search", "--registry", server.url).status == 0


def test_a_redirect_to_another_host_takes_no_credentials_along(
    server: IndexServer, skills: Skills, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_token_variable(server, monkeypatch, Path())
    with serve(server.files) as elsewhere:
        elsewhere.faults = everywhere(locked(AS_TOKEN))
        server.faults = {"archives/": lambda handler, content: redirect(elsewhere.url + handler.path[1:])(
            handler, content)}  # fmt: skip
        said = skills("install", "docker", "--registry", server.url)
        assert said.status == 1
        assert "shown to no other host" in said.err
        assert elsewhere.url in said.err
        assert all("Authorization" not in headers for _, headers in elsewhere.requests)


# --- what is never done --------------------------------------------------------------------------------------------


def test_nothing_secret_goes_over_http_to_another_machine(monkeypatch: pytest.MonkeyPatch, server: IndexServer) -> None:
    """A proxy shows what is sent: a host of this name exists nowhere."""
    there = Origin("http", "skills.example.com", 80)
    monkeypatch.setenv(variable("TOKEN", there), TOKEN)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.faults = {"http:": locked(AS_TOKEN), "http:/": locked(AS_TOKEN)}
    with pytest.raises(UsageError) as error:
        open_fetcher("http://me:secret@skills.example.com/")
    assert "secret" not in str(error.value) + error.value.remedy
    fetcher = open_fetcher("http://skills.example.com/")
    with pytest.raises(Exception, match="everybody on the way could read the credentials") as denied:
        fetcher.get("registry.json", limit=100)
    assert "https://skills.example.com/" in getattr(denied.value, "remedy", "")
    assert [headers.get("Authorization") for _, headers in server.requests] == [None]


def test_a_local_index_behind_a_proxy_is_shown_nothing(monkeypatch: pytest.MonkeyPatch, server: IndexServer) -> None:
    monkeypatch.setenv(variable("TOKEN", Origin("http", "localhost", 80)), TOKEN)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    open_fetcher("http://localhost/").get("registry.json", limit=100)
    assert [headers.get("Authorization") for _, headers in server.requests] == [None]


def test_an_address_with_a_password_is_refused_everywhere(skills: Skills, project: Path) -> None:
    address = "https://me:s3cret@skills.example.com/"
    for arguments in (("registry", "add", address), ("search", "--registry", address), ("registry", "login", address)):
        said = skills(*arguments)
        assert said.status == 2
        assert "skills registry login https://skills.example.com/ --user NAME" in said.err
        assert "s3cret" not in said.err
    assert not (project / ".skills/config.json").exists()


def test_a_password_that_somebody_wrote_into_the_configuration_is_refused_and_not_shown(
    skills: Skills, project: Path
) -> None:
    entry = {"name": "old", "url": "https://me:s3cret@skills.example.com/"}
    (project / ".skills/config.json").write_text(json.dumps({"registries": [entry]}))
    for arguments in (("search",), ("registry", "list"), ("registry", "list", "--json"), ("registry", "remove", "old")):
        said = skills(*arguments)
        assert "s3cret" not in said.out + said.err, arguments
    assert json.loads((project / ".skills/config.json").read_text())["registries"] == []


def test_netrc_for_everybody_is_for_nobody(server: IndexServer, skills: Skills, home: Path) -> None:
    (home / ".netrc").write_text(f"default login ada password {TOKEN}\n")
    (home / ".netrc").chmod(0o600)
    assert skills("search", "--registry", server.url).status == 0
    assert "Authorization" not in server.requests[0][1]


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (f"machine 127.0.0.1 login ada password {TOKEN}\n", 0o644, "other users of this machine may read"),
        (f"machine 127.0.0.1 login ada passwrd {TOKEN}\n", 0o600, ".netrc:1: it cannot be read"),
    ],
)
def test_a_netrc_that_is_not_right_is_told_without_its_content(
    content: str, mode: int, message: str, server: IndexServer, skills: Skills, home: Path
) -> None:
    (home / ".netrc").write_text(content)
    (home / ".netrc").chmod(mode)
    said = skills("search", "--registry", server.url)
    assert said.status in (1, 2)
    assert message in said.err
    assert TOKEN not in said.err


def test_a_netrc_that_is_wrong_about_others_stops_nobody(server: IndexServer, skills: Skills, home: Path) -> None:
    (home / ".netrc").write_text("machine skills.example.com passwrd x\n")
    assert skills("search", "--registry", server.url).status == 0
    (home / ".netrc").unlink()
    (home / ".netrc").mkdir()
    assert skills("search", "--registry", server.url).status == 0


@pytest.mark.parametrize("seconds", ["soon", "0", "-1", "nan", "1e9"])
def test_a_timeout_that_is_none_is_refused(
    seconds: str, server: IndexServer, skills: Skills, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOLTHUB_TIMEOUT", seconds)
    said = skills("search", "--registry", server.url)
    assert (said.status, "MOLTHUB_TIMEOUT is no number of seconds" in said.err) == (2, True)


def test_a_project_cannot_give_a_name_that_has_a_token_to_another_host(
    server: IndexServer, skills: Skills, project: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring.set_password("molthub", "https://skills.example.com/", TOKEN)
    monkeypatch.setenv("MOLTHUB_TOKEN_COMPANY", TOKEN)
    (project / ".skills/config.json").write_text(json.dumps({"registries": [{"name": "company", "url": server.url}]}))
    assert skills("search", "--registry", "company").status == 0
    assert "Authorization" not in server.requests[0][1]


# --- what is told --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "known", "message", "remedy"),
    [
        (401, False, "no credentials are known for it (HTTP 401)", "skills registry login {url}; or set {variable}"),
        (403, False, "no credentials are known for it (HTTP 403)", "skills registry login {url}"),
        (401, True, "the credentials from {variable} are not accepted (HTTP 401)", "skills registry login {url}"),
        (403, True, "give no right to this file (HTTP 403)", "ask whoever runs this index"),
        (407, True, "the proxy wants a user", "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"),
    ],
)
def test_a_refusal_says_what_to_do(
    status: int, known: bool, message: str, remedy: str, server: IndexServer, skills: Skills,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if known:
        by_token_variable(server, monkeypatch, Path())
    server.faults = everywhere(locked("nobody", status))
    said = skills("search", "--registry", server.url)
    names = {"url": server.url, "variable": variable("TOKEN", origin(server))}
    assert said.status == 1
    assert message.format(**names) in said.err
    assert remedy.format(**names) in said.err


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TOKEN": f"{TOKEN}\n"}, "the token is empty, or holds characters"),
        ({"TOKEN": f'"{TOKEN} x"'}, "the token is empty, or holds characters"),
        ({"USER": "ada"}, "MOLTHUB_PASSWORD_SKILLS__EU_EXAMPLE_COM_8443 is missing"),
        ({"PASSWORD": TOKEN}, "MOLTHUB_USER_SKILLS__EU_EXAMPLE_COM_8443 is missing"),
        ({"USER": "a:b", "PASSWORD": TOKEN}, "no colon"),
        ({"USER": "ada", "PASSWORD": f"{TOKEN}\r\nX: y"}, "the password is empty, or holds characters"),
    ],
)
def test_what_no_header_can_hold_is_told_and_not_shown(environment: dict[str, str], message: str) -> None:
    there = Origin("https", "skills-eu.example.com", 8443)
    with pytest.raises(UsageError, match=message) as error:
        from_environment(there, {variable(kind, there): value for kind, value in environment.items()})
    assert TOKEN not in str(error.value) + error.value.remedy


def test_credentials_say_where_they_are_from_and_nothing_else() -> None:
    shown = [repr(found) for found in (bearer(TOKEN, "a test"), basic("ada", TOKEN, "a test"))]
    assert shown == ["Credentials(from a test)"] * 2
    assert not hasattr(Credentials("x", "y"), "__dict__")


# --- logging in and out --------------------------------------------------------------------------------------------


def test_logging_in_keeps_the_secret_in_the_keyring_alone(
    server: IndexServer, skills: Skills, ring: MemoryKeyring, home: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = everywhere(locked(AS_TOKEN))
    skills("registry", "add", "company", server.url)
    typed(monkeypatch, f"{TOKEN}\n")
    said = skills("registry", "login", "company", "--json")
    assert (said.status, said.json) == (0, {"url": server.url, "access": "token in the keyring"})
    assert ring.kept == {("molthub", server.url): TOKEN}
    assert skills("install", "git").status == 0
    assert skills("registry", "list", "--json").json[0]["access"] == "token in the keyring"
    assert "token in the keyring" in skills("registry", "list").out
    files = [path for root in (home, project) for path in root.rglob("*") if path.is_file()]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    (logins,) = [path for path in files if path.name == "logins.json"]
    assert logins.stat().st_mode & 0o777 == 0o600
    assert skills("registry", "logout", "company").err == f"logged out of {server.url}\n"
    assert ring.kept == {}
    assert skills("registry", "logout", "company", "--json").json["loggedOut"] is False
    assert skills("search").status == 1


def test_a_password_is_asked_for(
    server: IndexServer, skills: Skills, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = everywhere(locked(AS_PASSWORD))
    typed(monkeypatch, TOKEN)
    said = skills("registry", "login", server.url, "--user", "ada")
    assert said.out == f"{server.url}  password of ada in the keyring\n"
    assert ring.kept == {("molthub", server.url): TOKEN}
    assert skills("search", "--registry", server.url).status == 0


def test_what_is_not_accepted_is_not_kept(
    server: IndexServer, skills: Skills, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = everywhere(locked("Bearer another"))
    typed(monkeypatch, TOKEN)
    said = skills("registry", "login", server.url)
    assert said.status == 1
    assert "the credentials from what was typed are not accepted" in said.err
    assert ring.kept == {}
    assert skills("registry", "logout", server.url, "--json").json["loggedOut"] is False


@pytest.mark.usefixtures("ring")
def test_an_address_without_an_index_is_said(
    server: IndexServer, skills: Skills, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, TOKEN)
    said = skills("registry", "login", f"{server.url}elsewhere/")
    assert (said.status, "there is no registry.json at" in said.err) == (0, True)


def test_an_index_that_does_not_answer_is_said_and_the_login_kept(
    server: IndexServer, skills: Skills, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = everywhere(unavailable(9))
    typed(monkeypatch, TOKEN)
    said = skills("registry", "login", server.url)
    assert (said.status, "could not be tried" in said.err) == (0, True)
    assert ring.kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("company", "--token", "--user", "ada"), "exclude each other"),
        (("company",), "no registry at a web address"),
        (("http://skills.example.com/",), "over http anybody"),
        (("https://skills.example.com/", "--key", __file__), "--key belongs to a --certificate"),
    ],
)
def test_a_login_that_makes_no_sense_is_refused(arguments: tuple[str, ...], message: str, skills: Skills) -> None:
    said = skills("registry", "login", *arguments)
    assert (said.status, message in said.err) == (2, True), said


def test_a_keyring_that_keeps_clear_text_is_refused(
    server: IndexServer, skills: Skills, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring.priority = 0.5  # type: ignore[assignment] # a class property in the library
    typed(monkeypatch, TOKEN)
    said = skills("registry", "login", server.url)
    assert (said.status, ring.kept) == (1, {})
    assert "no keyring that keeps secrets safe" in said.err
    assert "MOLTHUB_TOKEN_<HOST>" in said.err


def test_a_keyring_that_is_locked_or_has_lost_it_is_told(
    server: IndexServer, skills: Skills, ring: MemoryKeyring
) -> None:
    log_in(server, {"way": "token"})
    lost = skills("search", "--registry", server.url)
    assert (lost.status, "the keyring no longer has the credentials" in lost.err) == (2, True)
    ring.locked = True
    said = skills("search", "--registry", server.url)
    assert (said.status, "gives nothing out (KeyringLocked)" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit(3)", "ended with status 3"),
        ("print('quit=1')", "names no username and password"),
        (None, "cannot be run (FileNotFoundError)"),
    ],
)
def test_a_helper_that_gives_nothing_is_told(
    program: str | None, message: str, server: IndexServer, skills: Skills, home: Path
) -> None:
    (home / "helper.py").write_text(program or "")
    command = "no-such-program" if program is None else f"{sys.executable} {home / 'helper.py'}"
    log_in(server, {"way": "helper", "helper": command})
    said = skills("search", "--registry", server.url)
    assert (said.status, message in said.err) == (1, True), said


def test_gits_own_helper_serves(server: IndexServer, skills: Skills, home: Path) -> None:
    """``git credential fill`` is the real program, with the store that git brings."""
    (home / ".git-credentials").write_text(f"http://ada:{TOKEN}@127.0.0.1%3a{origin(server).port}\n")
    with (home / ".gitconfig").open("a") as config:
        config.write("[credential]\n\thelper = store\n")
    server.faults = everywhere(locked(AS_PASSWORD))
    said = skills("registry", "login", server.url, "--helper", "git credential fill")
    assert said.out == f"{server.url}  helper git\n", said
    assert skills("install", "git", "--registry", server.url).status == 0


def test_a_login_file_that_is_damaged_is_told(server: IndexServer, skills: Skills) -> None:
    log_in(server, {"way": "whispering"})
    said = skills("search", "--registry", server.url)
    assert (said.status, "skills registry login" in said.err) == (1, True)


# --- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def test_a_server_of_an_unknown_ca_is_refused_and_shown_nothing(
    authority: Authority, index: IndexBuilder, skills: Skills, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(index.files(), authority.server()) as server:
        by_token_variable(server, monkeypatch, Path())
        said = skills("install", "git", "--registry", server.url)
        assert said.status == 1
        assert "no trusted connection" in said.err
        assert "--ca" in said.err
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
        assert skills("install", "git", "--registry", server.url).status == 0


def test_a_client_certificate_opens_an_index(
    authority: Authority, index: IndexBuilder, skills: Skills, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = authority.issue("ada")
    with serve(index.files(), authority.server(wants_certificate=True, says_why=True)) as server:
        said = skills("registry", "login", server.url, "--ca", authority.ca)
        assert said.status == 1, said
        assert "the server may want a client certificate (" in said.err
        assert "--certificate FILE" in said.err
    with serve(index.files(), authority.server(wants_certificate=True)) as server:
        said = skills("registry", "login", server.url, "--ca", authority.ca)
        assert "client certificate" in said.err
        login = ("registry", "login", server.url, "--certificate", certificate, "--key", key, "--ca", authority.ca)
        said = skills(*login)
        assert said.out == f"{server.url}  client certificate, own CA\n", said
        assert skills("install", "git", "--registry", server.url).status == 0
        skills("registry", "logout", server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
        monkeypatch.setenv(variable("CERTIFICATE", origin(server)), str(certificate))
        monkeypatch.setenv(variable("KEY", origin(server)), str(key))
        assert skills("install", "docker", "--registry", server.url).status == 0


def test_a_certificate_of_another_ca_is_not_accepted(
    authority: Authority, index: IndexBuilder, skills: Skills, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = Authority(tmp_path / "other", "Other CA").issue("eve")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    with serve(index.files(), authority.server(wants_certificate=True, says_why=True)) as server:
        said = skills("registry", "login", server.url, "--certificate", certificate, "--key", key)
        assert (said.status, "does not accept the client certificate" in said.err) == (1, True), said


def test_a_key_with_a_password_is_refused_without_asking(
    authority: Authority, index: IndexBuilder, skills: Skills
) -> None:
    certificate, key = authority.issue("locked", password=b"secret")
    with serve(index.files(), authority.server()) as server:
        said = skills("registry", "login", server.url, "--certificate", certificate, "--key", key)
        assert (said.status, "its key has a password" in said.err) == (2, True), said
        said = skills("registry", "login", server.url, "--ca", key)
        assert (said.status, "the CA certificate cannot be used" in said.err) == (2, True), said


def test_only_its_own_server_is_shown_the_certificate(
    authority: Authority, index: IndexBuilder, skills: Skills
) -> None:
    certificate, key = authority.issue("bea")
    files = index.files()
    own, other = authority.server(wants_certificate=True), authority.server(wants_certificate=True)
    with serve(files, own) as server, serve(files, other) as elsewhere:
        skills("registry", "login", server.url, "--certificate", certificate, "--key", key, "--ca", authority.ca)
        server.faults = {"archives/": lambda handler, content: redirect(elsewhere.url + handler.path[1:])(
            handler, content)}  # fmt: skip
        said = skills("install", "docker", "--registry", server.url)
        assert said.status == 1
        assert elsewhere.requests == []


def test_a_request_to_go_on_over_http_is_refused(
    authority: Authority, index: IndexBuilder, skills: Skills, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    with serve(index.files(), authority.server()) as server, serve(index.files()) as plain:
        by_token_variable(server, monkeypatch, Path())
        server.faults = everywhere(redirect(plain.url + "registry.json"))
        said = skills("install", "git", "--registry", server.url)
        assert (said.status, "redirects from https to http" in said.err) == (1, True)
        assert plain.requests == []


class Tunnel(BaseHTTPRequestHandler):
    """A proxy that wants a password and opens tunnels (RFC 9110, section 9.3.6)."""

    seen: ClassVar[list[bytes]] = []

    def do_CONNECT(self) -> None:
        if self.headers.get("Proxy-Authorization") != "Basic " + base64.b64encode(b"me:pass").decode():
            self.send_error(407)
            return
        host, _, port = self.path.partition(":")
        self.send_response(200)
        self.end_headers()
        with socket.create_connection((host, int(port))) as there:
            back = threading.Thread(target=self.carry, args=(there, self.connection), daemon=True)
            back.start()
            self.carry(self.connection, there)
            back.join()
        self.close_connection = True

    def carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                self.seen.append(content)
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the overridden method's name)
        """Say nothing."""


def test_a_proxys_tunnel_hides_what_goes_through_it(
    authority: Authority, index: IndexBuilder, skills: Skills, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    tunnel = ThreadingHTTPServer(("127.0.0.1", 0), Tunnel)
    tunnel.daemon_threads = True
    with serve(index.files(), authority.server()) as server, serving(tunnel) as proxy:
        by_token_variable(server, monkeypatch, Path())
        server.faults = everywhere(locked(AS_TOKEN))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_address[1]}")
        said = skills("install", "docker", "--registry", server.url)
        assert (said.status, "the proxy wants a user and a password" in said.err) == (1, True), said
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:pass@127.0.0.1:{proxy.server_address[1]}")
        assert skills("install", "docker", "--registry", server.url).out == "+ docker 2.0.1\n"
    assert len(Tunnel.seen) > 4
    assert TOKEN.encode() not in b"".join(Tunnel.seen)
