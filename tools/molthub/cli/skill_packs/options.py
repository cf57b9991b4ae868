"""What the commands on packs share: options that say what is in a pack, the time, signatures of new versions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from molthub.cli import completing

if TYPE_CHECKING:
    from molthub.registry.authoring.pack_edits import PackEdits

Command = TypeVar("Command", bound=Callable[..., Any])

sign_option = click.option(
    "--sign", "key", metavar="KEY", help="Sign what is new: a key of gpg, or the file of a secret key (OpenPGP or SSH)."
)


def content_options(command: Command) -> Command:
    """Add the options that say what a pack holds; the command gets ``edits``, without names."""

    @click.option(
        "--skills",
        multiple=True,
        metavar="NAME[@RANGE],...",
        shell_complete=completing.listed(completing.skills),
        help="The skills; may be given several times.",
    )
    @click.option("--mcp", multiple=True, metavar="NAME=COMMAND", help="An MCP server: its command, or its URL.")
    @click.option("--env", multiple=True, metavar="KEY=VALUE", help="A variable; a secret is written ${secrets.name}.")
    @click.option(
        "--extends",
        multiple=True,
        metavar="PACK[@N],...",
        shell_complete=completing.listed(completing.packs),
        help="Packs that this one builds on.",
    )
    @click.option("--description", default="", metavar="TEXT", help="What the pack is for.")
    @functools.wraps(command)
    def with_edits(
        *args: Any,
        skills: tuple[str, ...],
        mcp: tuple[str, ...],
        env: tuple[str, ...],
        extends: tuple[str, ...],
        description: str,
        **kwargs: Any,
    ) -> Any:
        from molthub.registry.authoring.pack_edits import PackEdits
        from molthub.registry.authoring.pack_items import base_item, server_item, skill_item, variable

        edits = PackEdits(
            skills=[skill_item(item) for item in words(skills)],
            mcps=[server_item(item) for item in mcp],
            env=dict(variable(item) for item in env),
            extends=[base_item(item) for item in words(extends)],
            description=description,
        )
        return command(*args, edits=edits, **kwargs)

    return with_edits  # type: ignore[return-value] # functools.wraps keeps the command's own signature for click


def words(given: tuple[str, ...]) -> list[str]:
    """Return what stands between commas."""
    return [word.strip() for text in given for word in text.split(",") if word.strip()]


def now() -> str:
    """Return the time as documents hold it: RFC 3339 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def signatures(files: Mapping[str, bytes], key: str | None) -> dict[str, bytes]:
    """Return the signature by ``key`` of every new version among ``files``. Raises :class:`SignatureError`."""
    if key is None:
        return {}
    from molthub.documents import file_entry, tree_digest
    from molthub.publisher_signatures import Release, Signing

    signing, made = Signing(key), {}
    for path, content in files.items():
        _, name, file = path.split("/")
        number = file.removesuffix(".yaml")
        if number.isdecimal():
            digest = tree_digest([file_entry(file, content, executable=False)])
            release = Release("pack", name, number, digest, len(content))
            made[release.file] = signing.sign(release)
    return made


def spec_of(edits: PackEdits) -> dict[str, Any]:
    """Return the arguments of a new pack's text."""
    return {
        "description": edits.description,
        "skills": edits.skills,
        "mcps": edits.mcps,
        "env": edits.env,
        "extends": edits.extends,
    }
