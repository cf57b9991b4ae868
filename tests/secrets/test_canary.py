"""Secrets that every provider holds come out in the environment of the program that needs them, and nowhere else.

The whole line is walked: declared, checked, built, planned, applied on every platform, drifted, damaged with the very
value, mended, told, started; then everything that can go wrong with secrets goes wrong, with tracebacks where they can
be had. Afterwards every file that was written and every word that was printed is searched.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend

from molthub.model import Json
from molthub.platforms import platforms
from molthub.platforms.base import MANIFEST_FILE
from tests import builders, loopback
from tests.registry.command import Command, Ran
from tests.secrets.leaks import forms, leaks
from tests.secrets.places import private, program
from tests.secrets.stores import Store, serving


def _canary(name: str) -> str:
    """Return a secret of which no part is another's, with whatever somebody might escape in it."""
    own = sha256(name.encode()).hexdigest()
    return f'{name}/{own[:10]}"ü%{own[10:18]}<{own[18:26]}>+{own[26:34]}'


PLACES = ("env", "dir", "lines", "json", "plugin", "keyring", "vault", "cluster")
CANARIES = {name: _canary(name) for name in PLACES}
LOGINS = {name: f"login-of-{name}-5b1c9f7e" for name in ("vault", "cluster")}
"""What lets molthub in at a provider is no less secret."""
SECRETS = {f"of_{name.replace('-', '_')}": value for name, value in CANARIES.items()}
SEEN = "import json, os, sys; json.dump([sys.argv[2:], dict(os.environ)], open(sys.argv[1], 'w'))"


class MemoryKeyring(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 5

    def get_password(self, service: str, username: str) -> str | None:
        return CANARIES["keyring"] if (service, username) == ("molthub-secrets", "of_keyring") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError(service, username, password)


@pytest.fixture(autouse=True)
def _keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())  # type: ignore[no-untyped-call] # the library's own constructor
    yield
    keyring.set_keyring(before)


class Chain:
    """A registry, its index, bots on every platform, providers with canaries; and all that commands say."""

    def __init__(self, folder: Path, home: Path, molthub: Command, stores: Mapping[str, Store]) -> None:
        self.folder, self.home, self._molthub = folder, home, molthub
        self.stores = stores
        self.said: list[str] = []
        self.site, self.bots = folder / "site", folder / "bots"
        self.config = home / ".config" / "molthub"
        self.planted = self._plant()

    def _plant(self) -> set[Path]:
        answer = json.dumps({"protocolVersion": 1, "values": {"of_plugin": CANARIES["plugin"]}})
        plugin = f"#!/bin/sh\ncat > {os.devnull}\ncat {self.config}/answer.json\ncat {self.config}/answer.json >&2\n"
        for name, store in self.stores.items():
            store.token = LOGINS[name]
            store.error = CANARIES[name]
        vault, cluster = self.stores["vault"], self.stores["cluster"]
        vault.vault_secret("secret", "bots", {"of_vault": CANARIES["vault"]})
        cluster.kubernetes_secret("bots", "canaries", {"of_cluster": CANARIES["cluster"].encode()})
        return {
            private(self.config / "kubeconfig", json.dumps(kubeconfig(cluster, LOGINS["cluster"]))),
            private(self.config / "secrets" / "of_dir", CANARIES["dir"]),
            private(self.config / "lines.env", f"OF_LINES='{CANARIES['lines']}'\n"),
            private(self.config / "deep.json", json.dumps({"a": {"b": CANARIES["json"]}})),
            private(self.config / "answer.json", answer),
            private(self.config / "plugin", plugin, 0o755),
        }

    def providers(self, **changed: str) -> None:
        """Write secrets.yaml; ``changed`` are whole lines in the place of a provider's."""
        lines = {
            "lines": "  lines: {kind: file, path: lines.env}",
            "deep": "  deep: {kind: file, path: deep.json}",
            "plugin": f"  plugin: {{kind: exec, command: [{self.config}/plugin]}}",
            "ring": "  ring: {kind: keyring}",
            "cluster": "  cluster: {kind: kubernetes, secret: canaries, kubeconfig: kubeconfig}",
            "vault": f"  vault: {{kind: vault, address: '{self.stores['vault'].address}', path: bots}}",
            **changed,
        }
        order = (
            "watch: true\norder: [environment, directory, lines, deep, plugin, ring, cluster, vault]\n"
            "names: {of_json: {deep: /a/b}}\n"
        )
        private(self.config / "secrets.yaml", "providers:\n" + "\n".join(lines.values()) + "\n" + order)

    def run(self, *words: object, status: int | None = 0) -> Ran:
        """Run a command; what it says is kept."""
        ran = self._molthub(*words)
        self.said += [ran.out, ran.err]
        assert status in (None, ran.status), (words, ran)
        return ran

    def everywhere(self, *words: object, status: int | None = 0) -> None:
        """Run a command as text and as JSON."""
        self.run(*words, status=status)
        self.run(*words, "--json", status=status)

    def publish(self) -> None:
        """Commit, check and build the registry."""
        builders.commit(registry(), self.folder / "registry")
        self.everywhere("check", "--registry", self.folder / "registry")
        self.everywhere("build", "--registry", self.folder / "registry", "--out", self.site, "--fleets")

    def spawned(self, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a process of its own; what it says is kept."""
        command = [sys.executable, "-m", "molthub.cli.door", *(str(word) for word in words)]
        environment = {**os.environ, **variables}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        self.said += [ran.stdout, ran.stderr]
        return ran

    def assert_no_leak(self) -> None:
        """Search everything."""
        secrets = [*SECRETS.values(), *LOGINS.values()]
        assert leaks(secrets, self.said, [self.folder, self.home], self.planted) == []


def kubeconfig(cluster: Store, token: str) -> dict[str, Json]:
    """Return how the cluster is reached."""
    return {
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": cluster.address}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "bots"}}],
    }


def registry() -> builders.Tree:
    """Declare a bot on every platform, whose servers and variables refer to every secret."""
    env = {name.upper(): f"${{secrets.{name}}}" for name in SECRETS}
    joined = {"JOINED": "a ${secrets.of_env} b"}
    arguments = ["-c", SEEN, "seen.json", "--key=${secrets.of_plugin}"]
    pack = {
        "skills": ["git"],
        "mcps": [{"name": "seeing", "command": sys.executable, "args": arguments}, {"name": "other", "command": "x"}],
        "envVars": env | joined,
    }
    bots = [builders.bot("prod", f"on-{name}", platform=name) for name in platforms()]
    return builders.registry(
        builders.skill("git"), builders.pack("dev", pack), builders.fleet("prod", packs=["dev"]), *bots
    )


@pytest.fixture
def chain(tmp_path: Path, home: Path, molthub: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    monkeypatch.setenv("OF_ENV", CANARIES["env"])
    monkeypatch.setenv("VAULT_TOKEN", LOGINS["vault"])
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with serving("X-Vault-Token") as vault, serving("Authorization") as cluster:
        chain = Chain(tmp_path, home, molthub, {"vault": vault, "cluster": cluster})
        chain.providers()
        yield chain


def test_the_whole_line_shows_no_secret(chain: Chain) -> None:
    chain.publish()
    place = ("--index", chain.site, "--target", chain.bots)
    chain.everywhere("explain", "on-openclaw", "--registry", chain.folder / "registry")
    chain.everywhere("plan", *place, status=None)
    told = Hook()
    with loopback.serving(told.server()) as server:
        notified = ("--notify", f"http://127.0.0.1:{server.server_port}/hook")
        chain.everywhere("reconcile", *place, "--once", *notified, status=None)
        unreadable = chain.bots / "prod" / "on-gemini-cli" / ".gemini" / "settings.json"
        whole = unreadable.read_bytes()
        private(unreadable, f'{{"{CANARIES["dir"]}"')
        chain.run("reconcile", *place, "--once", *notified, status=None)
        unreadable.write_bytes(whole)
    chain.run("drift", *place, status=None)
    assert told.bodies, "somebody was told"
    chain.said += told.bodies
    assert (chain.bots / "prod" / "on-agents-dir" / MANIFEST_FILE).is_file()
    assert paste_values(chain.bots) > len(platforms()), "in the programs' own files too"
    chain.everywhere("plan", *place, status=None)
    chain.everywhere("drift", *place, status=3)
    chain.everywhere("rollback", "prod/on-agents-dir", *place, "--dry-run", status=None)
    for form in ("sarif", "junit", "html", "markdown"):
        chain.run("drift", *place, "--format", form, status=3)
        chain.run("drift", *place, "--format", form, "--output", chain.folder / f"drift.{form}", status=3)
    chain.everywhere("reconcile", *place, "--once", status=None)
    chain.everywhere("drift", *place, status=None)
    rotated = private(chain.config / "secrets" / "of_dir", CANARIES["dir"] + " of tomorrow")
    chain.everywhere("drift", *place, status=None)
    chain.everywhere("reconcile", *place, "--once", status=None)
    assert rotated in chain.planted
    chain.everywhere("history", "prod/on-agents-dir", "--target", chain.bots, status=None)
    chain.everywhere("secrets", "check", "--all", *place[2:])
    chain.everywhere("secrets", "check", "prod", *place[:2])
    chain.everywhere("secrets", "list")
    chain.everywhere("secrets", "providers")
    chain.assert_no_leak()


def paste_values(bots: Path) -> int:
    """Do what people do: write the value where a reference should stand. Return in how many files."""
    count = 0
    for file in (path for path in sorted(bots.rglob("*")) if path.is_file() and "skills" not in path.parts):
        text = file.read_text()
        for name, secret in SECRETS.items():
            for reference in (f"${{secrets.{name}}}", f"${{{name.upper()}}}", f"${{env:{name.upper()}}}"):
                text = text.replace(reference, json.dumps(secret)[1:-1])
        count += text != file.read_text()
        file.write_text(text)
    return count


def test_the_program_that_needs_them_gets_them_and_leaves_nothing(chain: Chain) -> None:
    chain.publish()
    chain.run("reconcile", "--index", chain.site, "--target", chain.bots, "--once", status=None)
    chain.planted.add(chain.folder / "seen.json")
    home = chain.bots / "prod" / "on-agents-dir"
    chain.providers(ring="  ring: {kind: exec, command: [" + str(ring_as_program(chain)) + "]}")
    ran = chain.spawned("exec", "--home", home, "--server", "seeing")
    assert ran.returncode == 0, ran
    arguments, environment = json.loads((chain.folder / "seen.json").read_text())
    assert arguments == [f"--key={CANARIES['plugin']}"]
    assert {name: environment[name.upper()] for name in SECRETS} == SECRETS
    assert environment["JOINED"] == f"a {CANARIES['env']} b"
    ran = chain.spawned("exec", "--home", home, "--env", "--", "true")
    assert ran.returncode == 0, ran
    chain.assert_no_leak()


def ring_as_program(chain: Chain) -> Path:
    """Stand in for the keyring, which lives in this process, where another process asks."""
    answer = {"protocolVersion": 1, "values": {"of_keyring": CANARIES["keyring"]}}
    place = program(chain.config / "ring", f"print({json.dumps(json.dumps(answer))})")
    chain.planted.add(place)
    return place


class Hook:
    """Keeps what a webhook is sent."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def server(self) -> ThreadingHTTPServer:
        """Return a server that answers whatever is posted."""
        bodies = self.bodies

        class Keeping(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(str(self.headers) + self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        return ThreadingHTTPServer(("127.0.0.1", 0), Keeping)


def test_molthubs_own_process_shows_no_secret_that_it_was_not_started_with(chain: Chain) -> None:
    """Whoever may look at the process while it asks for secrets sees its words and its first environment."""
    seen = chain.folder / "seen-of-molthub"
    look = (
        "import json, os, sys\n"
        "json.load(sys.stdin)\n"
        "own = f'/proc/{os.getppid()}/'\n"
        f"open({str(seen)!r}, 'ab').write(open(own + 'cmdline', 'rb').read() + open(own + 'environ', 'rb').read())\n"
        "print(json.dumps({'protocolVersion': 1}))"
    )
    chain.providers(ring=f"  ring: {{kind: exec, command: [{program(chain.config / 'look', look)}]}}")
    server = {"command": "true", "env": {name.upper(): f"${{secrets.{name}}}" for name in SECRETS}}
    home = private(chain.folder / "bot" / MANIFEST_FILE, json.dumps({"mcp": {"seeing": server}})).parents[1]
    ran = chain.spawned("exec", "--home", home, "--server", "seeing")
    assert (ran.returncode, "of_keyring does not resolve" in ran.stderr) == (1, True), "the last was asked for too"
    assert b"exec" in seen.read_bytes()
    started_with = {CANARIES["env"], LOGINS["vault"]}
    others = [secret for secret in (*SECRETS.values(), *LOGINS.values()) if secret not in started_with]
    assert leaks(others, chain.said, [chain.folder, chain.home], chain.planted) == []


WORDS_FOR_A_CODE = (
    """print('{{"protocolVersion": 1, "errors": {{"of_plugin": {{"code": ' + repr({canary!r}) + '}}}}}}')"""
)
BROKEN: dict[str, tuple[str, str, Any]] = {
    "a file for others": ("lines", "lines.env", None),
    "a file that is no lines": ("lines", "broken.env", "{canary}\n"),
    "a file that is no text": ("lines", "broken.env", "OF_LINES={canary}\udcff"),
    "json that is none": ("deep", "broken.json", '{{"a": {{"b": "{canary}"'),
    "json of another shape": ("deep", "broken.json", '["{canary}"]'),
    "a program that fails": ("plugin", "broken", "import sys; print({canary!r}); sys.exit({canary!r})"),
    "a program that says something else": ("plugin", "broken", "print({canary!r})"),
    "a program with words for a code": ("plugin", "broken", WORDS_FOR_A_CODE),
    "a vault that says too much": ("vault", "/v1/secret/data/bots", 500),
    "a vault that answers something else": ("vault", "/v1/secret/data/bots", {"data": "{canary}"}),
    "a cluster that says too much": ("cluster", "/api/v1/namespaces/bots/secrets/canaries", 500),
    "a cluster that answers something else": ("cluster", "/api/v1/namespaces/bots/secrets/canaries", b"{canary}"),
}


def in_place(value: Any, canary: str) -> Any:
    """Return an answer with the canary in its place."""
    if isinstance(value, dict):
        return {key: in_place(item, canary) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode().format(canary=canary).encode()
    return value.format(canary=canary) if isinstance(value, str) else value


@pytest.mark.parametrize("case", BROKEN)
def test_whatever_goes_wrong_shows_no_secret(chain: Chain, case: str) -> None:
    provider, name, text = BROKEN[case]
    secret = CANARIES["json" if provider == "deep" else provider]
    if provider in chain.stores:
        chain.stores[provider].answers[name] = in_place(text, secret)
    elif text is None:
        (chain.config / name).chmod(0o644)
    else:
        content = str(text).format(canary=secret).encode("utf-8", "surrogateescape")
        place = (
            program(chain.config / name, content.decode("utf-8", "replace"))
            if provider == "plugin"
            else private(chain.config / name, content)
        )
        chain.planted.add(place)
        kind = f"exec, command: [{place}]" if provider == "plugin" else f"file, path: {name}"
        chain.providers(**{provider: f"  {provider}: {{kind: {kind}}}"})
    home = private(chain.folder / "bot" / MANIFEST_FILE, json.dumps({"env": {n: f"${{secrets.{n}}}" for n in SECRETS}}))
    ran = chain.run("secrets", "check", "--home", home.parents[1], "--debug", status=3)
    assert "does not resolve" in ran.err
    ran = chain.run("exec", "--debug", "--home", home.parents[1], "--env", "true", status=1)
    assert "Traceback" in ran.err, "the worst that can be asked for"
    chain.everywhere("secrets", "check", "--home", home.parents[1], status=3)
    chain.spawned("exec", "--home", home.parents[1], "--env", "--", "true")
    chain.run("secrets", "list", "--debug", status=None)
    chain.assert_no_leak()


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    secret = CANARIES["env"]
    for form, part in forms(secret).items():
        private(tmp_path / form.replace(" ", "-"), b"before " + part + b" after")
    found = leaks([secret], ["said " + secret], [tmp_path], [])
    assert len({line.split(": ")[0] for line in found if str(tmp_path) in line}) == len(forms(secret))
    assert any(line.startswith("what was printed") for line in found)
    assert leaks(["another"], ["said " + secret], [tmp_path], []) == []
