"""The options of `molthub reconcile` for other machines: being an agent, listening for agents, keeping it running."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.console import Console, counted
from molthub.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    uninstall: bool = False

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
        if self.write and not self.install:
            raise UsageError("--write says where --install puts its unit", remedy="add --install")
        if self.install and self.uninstall:
            raise UsageError("--install and --uninstall exclude each other", remedy="choose one of them")
        if (self.install or self.uninstall) and once:
            raise UsageError("what the machine keeps running is no single pass", remedy="leave --once out")
        if self.uninstall and (len(asked.bots) > 1 or (asked.bots and "/" not in asked.bots[0])):
            raise UsageError("an agent keeps one bot", remedy="name it by --bot FLEET/BOT")
        if self.install and asked.bots and not self.is_agent:
            raise UsageError("the machine keeps all bots of a target, or an agent of one", remedy="leave --bot out")
        is_run = not (self.install or self.uninstall)
        if self.listen is not None and (once or (dry_run and is_run) or asked.bots or asked.selector):
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

    def checked_port(self) -> int | None:
        """Return the port to listen at, if it is to listen at one. Raises :class:`UsageError` for no such address."""
        from molthub_reconciler.remote.listen import listen_at

        if self.listen is None:
            return None
        return listen_at(self.listen, self.tls_certificate, self.tls_key, insecure=self.insecure_listen,
                         client_ca=self.tls_client_ca).port  # fmt: skip

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
    @click.option(
        "--install", is_flag=True, help="Print the systemd unit (macOS: launchd's list) that keeps this running."
    )
    @click.option("--write", is_flag=True, help="With --install: put it in its place.")
    @click.option("--uninstall", is_flag=True, help="Remove it: that of --bot's agent, or of who keeps --target.")
    @functools.wraps(command)
    def with_remote(*args: Any, **kwargs: Any) -> Any:
        remote = Remote(**{field.name: kwargs.pop(field.name) for field in fields(Remote)})
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
