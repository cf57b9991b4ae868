"""The options of `molthub reconcile` for other machines: being an agent, listening for agents, the systemd unit."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.console import Console, counted
from molthub.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from molthub_reconciler.agent.unit import Unit
    from molthub_reconciler.commands.asked import Asked
    from molthub_reconciler.remote.link import ControllerLink
    from molthub_reconciler.workplace import Workplace

Wrapped = TypeVar("Wrapped", bound="Callable[..., Any]")


@dataclass(frozen=True)
class Remote:
    """What the options say. ``is_agent``: it follows a ``controller``."""

    controller: str | None = None
    token_file: Path | None = None
    listen: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    tls_client_ca: str | None = None
    insecure_listen: bool = False
    controller_ca: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    install: bool = False
    write: bool = False

    @property
    def is_agent(self) -> bool:
        """Whether this is an agent."""
        return self.controller is not None

    def check(self, asked: Asked, *, once: bool, dry_run: bool) -> None:
        """Raise :class:`UsageError` for options that do not go together."""
        if self.is_agent and (len(asked.bots) != 1 or "/" not in asked.bots[0] or asked.fleets):
            raise UsageError("an agent keeps one bot", remedy="add --bot FLEET/BOT; one agent for each bot")
        if self.is_agent and self.listen is not None:
            remedy = "an agent follows, a controller listens: run both"
            raise UsageError("--controller and --listen exclude each other", remedy=remedy)
        if self.token_file is not None and not self.is_agent:
            raise UsageError("--token-file is an agent's", remedy="add --controller URL")
        if (self.install or self.write) and not self.is_agent:
            raise UsageError("--install makes the unit of an agent", remedy="add --controller URL and --bot FLEET/BOT")
        if self.write and not self.install:
            raise UsageError("--write says where --install puts its unit", remedy="add --install")
        if self.install and (once or dry_run):
            raise UsageError("the unit's agent keeps running", remedy="leave --once and --dry-run out")
        if self.listen is not None and (once or dry_run or asked.bots or asked.selector):
            remedy = "leave --once, --dry-run, --bot and --selector out: agents come at any time, and for any bot"
            raise UsageError("--listen is for whoever keeps all bots", remedy=remedy)
        self._check_certificates()

    def _check_certificates(self) -> None:
        if self.listen is None and (self.tls_certificate or self.tls_key or self.tls_client_ca or self.insecure_listen):
            raise UsageError("nobody listens", remedy="add --listen ADDR:PORT")
        if self.tls_key is not None and self.tls_certificate is None:
            raise UsageError("a key goes with its certificate", remedy="add --tls-certificate FILE")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            remedy = "add --tls-certificate FILE: over plain http nobody shows a certificate"
            raise UsageError("a CA of clients goes with a certificate", remedy=remedy)
        if (self.controller_ca or self.client_certificate or self.client_key) and not self.is_agent:
            raise UsageError("these certificates are an agent's", remedy="add --controller URL")
        if self.client_key is not None and self.client_certificate is None:
            raise UsageError("a key goes with its certificate", remedy="add --client-certificate FILE")

    def link(self) -> ControllerLink:
        """Return the way to the controller. Raises :class:`UsageError`."""
        from molthub.client.access.environment import CertificateFiles
        from molthub_reconciler.remote.link import Certificates, ControllerLink, read_token

        token = functools.partial(read_token, self.token_file) if self.token_file is not None else None
        shown = CertificateFiles(self.client_certificate, self.client_key) if self.client_certificate else None
        return ControllerLink(str(self.controller), token, certificates=Certificates(self.controller_ca, shown))


def remote_options(command: Wrapped) -> Wrapped:
    """Add the options; the command gets a :class:`Remote`."""

    @click.option("--controller", metavar="URL", help="Be the agent of the one --bot: follow this controller.")
    @click.option("--token-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                  help="The agent's token (else $MOLTHUB_TOKEN_<HOST>, or a login for that host).")  # fmt: skip
    @click.option("--listen", metavar="ADDR:PORT", help="Be the controller of agents on other machines.")
    @click.option("--tls-certificate", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
                  help="Certificate to listen with (PEM).")  # fmt: skip
    @click.option("--tls-key", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Its key (PEM).")
    @click.option("--tls-client-ca", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
                  help="Let in only who shows a certificate of this CA (PEM), besides a token.")  # fmt: skip
    @click.option("--insecure-listen", is_flag=True, help="Listen over plain http on more than this machine.")
    @click.option("--controller-ca", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
                  help="Trust this CA (PEM) at the controller, besides the system's.")  # fmt: skip
    @click.option("--client-certificate", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
                  help="Certificate that the agent shows (PEM).")  # fmt: skip
    @click.option("--client-key", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
                  help="Its key, where that is another file.")  # fmt: skip
    @click.option("--install", is_flag=True, help="Print the agent's systemd unit.")
    @click.option("--write", is_flag=True, help="With --install: put the unit in its place.")
    @functools.wraps(command)
    def with_remote(
        *args: Any, controller: str | None, token_file: Path | None, listen: str | None, tls_certificate: str | None,
        tls_key: str | None, tls_client_ca: str | None, insecure_listen: bool, controller_ca: str | None,
        client_certificate: str | None, client_key: str | None, install: bool, write: bool, **kwargs: Any,
    ) -> Any:  # fmt: skip
        remote = Remote(controller, token_file, listen, tls_certificate, tls_key, tls_client_ca, insecure_listen,
                        controller_ca, client_certificate, client_key, install, write)  # fmt: skip
        return command(*args, remote=remote, **kwargs)

    return with_remote  # type: ignore[return-value] # functools.wraps keeps the command's own signature for click


@contextlib.contextmanager
def listening(remote: Remote, place: Workplace, console: Console) -> Iterator[None]:
    """Answer agents meanwhile, where that was asked for; or listen to the controller, where this is an agent."""
    if remote.is_agent:
        from molthub_reconciler.agent.follower import AgentWorkplace

        assert isinstance(place, AgentWorkplace)  # noqa: S101 (it was made so)
        with place.listening():
            yield
        return
    if remote.listen is None:
        yield
        return
    from molthub.client.fetch import open_fetcher
    from molthub_reconciler.operators.operations import Operations
    from molthub_reconciler.remote.desk import Desk
    from molthub_reconciler.remote.known import known_bots
    from molthub_reconciler.remote.listen import listen_at
    from molthub_reconciler.remote.relay import Relay
    from molthub_reconciler.remote.server import AgentServer

    listen = listen_at(remote.listen, remote.tls_certificate, remote.tls_key, insecure=remote.insecure_listen,
                       client_ca=remote.tls_client_ca)  # fmt: skip
    relay = Relay(open_fetcher(place.index.where), place.store, place.agents)
    desk = Desk(place.agents, news=place.news, warn=console.warn, observed=lambda: known_bots(place.state), relay=relay,
                operate=Operations(place, console.say).do)  # fmt: skip
    server = AgentServer(listen, desk)
    server.start()
    count = len(place.agents.bots())
    known = f"{counted(count, 'bot')} with a token" if count else "no bot has a token: molthub agents token FLEET/BOT"
    console.say(f"listening for agents at {server.listen.url} ({known})")
    try:
        yield
    finally:
        server.close()


def install(remote: Remote, asked: Asked, interval: float, console: Console) -> ExitStatus:
    """Print the unit, or put it in its place."""
    from molthub_reconciler.agent.unit import put

    unit = _unit(remote, asked, interval)
    is_root = unit.user is not None
    control = "systemctl" if is_root else "systemctl --user"
    if not remote.write:
        console.result(unit.text().rstrip("\n"))
        console.json({"name": unit.name, "unit": unit.text()})
        console.say(f"--write puts it in place; then: {control} enable --now {unit.name}")
        return ExitStatus.DONE
    for folder in unit.writable:  # systemd starts no unit whose folders are missing
        if is_root and not folder.is_dir():
            remedy = "make it first, owned by whoever the bot's program runs as"
            raise UsageError("there is no such folder", place=str(folder), remedy=remedy)
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    place = put(unit, Path("/etc/systemd/system") if is_root else home / "systemd/user")
    console.result(f"wrote {place}")
    console.json({"name": unit.name, "path": str(place), "unit": unit.text()})
    console.say(f"next: {control} daemon-reload && {control} enable --now {unit.name}")
    if not is_root:
        console.say("to have it run while nobody is logged in: loginctl enable-linger")
    return ExitStatus.DONE


def _unit(remote: Remote, asked: Asked, interval: float) -> Unit:
    """Return the unit of the agent that was described. As root it runs as the owner of the bots' homes."""
    from molthub.client.paths import state_folder
    from molthub_reconciler.agent.unit import Unit

    program = Path(sys.argv[0])
    start = [str(program.resolve())] if program.name == "molthub" else [sys.executable, "-m", "molthub.cli.main"]
    index = asked.index if "://" in asked.index or not asked.index else str(Path(asked.index).resolve())
    source = ["--index", index] if index else []
    target, state = asked.target.resolve(), (asked.state or state_folder()).resolve()
    command = [*start, "reconcile", "--bot", asked.bots[0], "--controller", str(remote.controller), *source,
               "--target", str(target), "--state", str(state), "--interval", f"{interval:g}"]  # fmt: skip
    command += ["--root", str(asked.root.resolve())] if asked.root is not None else []
    command += ["--require-signature"] if asked.require_signatures else []
    files = {"--controller-ca": remote.controller_ca, "--client-certificate": remote.client_certificate,
             "--client-key": remote.client_key}  # fmt: skip
    command += [word for name, file in files.items() if file for word in (name, str(Path(file).resolve()))]
    token = remote.token_file.resolve() if remote.token_file is not None else None
    return Unit(asked.bots[0], str(remote.controller), command, token, _owner(target), (target, state))


def _owner(target: Path) -> str | None:
    """Return who runs a unit of the system: the owner of the target's folder. None: it is a user's own."""
    if os.name == "nt" or os.geteuid() != 0:
        return None
    import pwd

    try:
        return pwd.getpwuid(target.stat().st_uid).pw_name
    except (OSError, KeyError):
        return "root"
