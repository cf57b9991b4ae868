"""Options that the client's commands share, and the :class:`SkillManager` that they ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.console import Console
from molthub.errors import Problem, UsageError

if TYPE_CHECKING:
    from molthub.client.skill_manager import SkillManager

Command = TypeVar("Command", bound=Callable[..., Any])


def folder_options(command: Command) -> Command:
    """Add ``--project`` and ``--global``: which ``.skills`` folder counts."""
    command = click.option("--global", "use_home", is_flag=True, help="Use ~/.skills.")(command)
    text = "Use this project's .skills, and make one here if there is none."
    return click.option("--project", is_flag=True, help=text)(command)


def index_options(command: Command) -> Command:
    """Add ``--registry`` and ``--offline``: which index is asked, and how."""
    command = click.option("--offline", is_flag=True, help="Use only what was fetched before.")(command)
    text = "The index: a URL, a folder that `molthub build` wrote, or a configured name.  [env: MOLTHUB_REGISTRY]"
    return click.option("-r", "--registry", metavar="URL|DIR", help=text)(command)


def host_option(command: Command) -> Command:
    """Add ``--host``: applications that skills may depend on."""
    text = "An application that runs here, and its version; skills may depend on it. May be repeated."
    return click.option("--host", "hosts", multiple=True, metavar="NAME=VERSION", help=text)(command)


def signature_options(command: Command) -> Command:
    """Add ``--require-signature`` and ``--accept-signer``: what is asked of publishers' signatures."""
    text = "Let this key take the place of those seen before; `none`: let a skill be signed no longer. May be repeated."
    command = click.option("--accept-signer", "accept_signers", multiple=True, metavar="FINGERPRINT", help=text)(
        command
    )
    text = "Refuse versions that their publisher did not sign.  [config.json: requireSignatures]"
    return click.option("--require-signature", "require_signatures", is_flag=True, help=text)(command)


def open_skills(
    console: Console,
    *,
    project: bool = False,
    use_home: bool = False,
    registry: str | None = None,
    offline: bool = False,
    hosts: tuple[str, ...] = (),
    require_signatures: bool = False,
    accept_signers: tuple[str, ...] = (),
    progress: Callable[[int], None] = lambda _done: None,
) -> SkillManager:
    """Return the skills that a command works on. Raises :class:`UsageError`."""
    from molthub.client.paths import skills_folder
    from molthub.client.skill_manager import SkillManager

    if project and use_home:
        raise UsageError("--project and --global contradict each other", remedy="give one of them")
    return SkillManager(
        registry,
        skills_folder(Path.cwd(), project=project, use_home=use_home),
        hosts=_parsed(hosts),
        offline=offline,
        require_signatures=require_signatures,
        accept_signers=accept_signers,
        progress=progress,
        on_wait=lambda: console.say("waiting for another molthub that is working here ..."),
    )


def _parsed(hosts: tuple[str, ...]) -> dict[str, str]:
    if not hosts:
        return {}
    from molthub.client.config import parse_hosts

    return parse_hosts(hosts)


def show_warnings(console: Console, warnings: tuple[Problem, ...]) -> None:
    """Show findings that did not stop the work; with ``--json`` they are part of the result."""
    if not console.as_json:
        console.problems(warnings)


def shown_path(path: Path) -> str:
    """Return a path as people know it: from here, from home, or in full."""
    for base, prefix in ((Path.cwd(), "."), (Path.home(), "~")):
        if path.is_relative_to(base):
            return f"{prefix}/{path.relative_to(base).as_posix()}"
    return str(path)
