"""A new registry, ready to push: the files it starts with, and its first commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from molthub import schema_files
from molthub.documents import DNS_LABEL
from molthub.errors import UsageError
from molthub.model import Json
from molthub.registry.authoring import yaml_write
from molthub.registry.authoring.mend import slug
from molthub.registry.authoring.workflows import filled, github_files
from molthub.registry.ownership import parse_actor

_TEMPLATES: Mapping[str, str] = {
    "README.md": "README.md.in",
    "CONTRIBUTING.md": "CONTRIBUTING.md.in",
    ".gitattributes": "gitattributes.in",
    ".gitignore": "gitignore.in",
}
Host = Literal["github", "none"]


def registry_name(folder: str) -> str:
    """Return the name of a registry that is made in ``folder``."""
    return slug(folder)[:63].strip("-") or "registry"


def new_registry(
    name: str, *, owner: str, url: str = "", repository: str = "", github: Sequence[str] = (), host: Host = "github"
) -> dict[str, str]:
    """Return the files of a new registry by path. ``github`` are the accounts that act for its owner.

    ``host`` is where it will be pushed: of GitHub its workflows are among the files.

    Raises :class:`UsageError` for a name that is none.
    """
    for option, label in (("--name", name), ("--owner", owner)):
        if not DNS_LABEL.match(label):
            remedy = "use at most 63 lower-case letters, digits and hyphens"
            raise UsageError(f"{option} {label!r} is no name for it", remedy=remedy)
    for login in github:
        parse_actor(f"github:{login}", option="--github")
    if url and not url.startswith(("https://", "http://")):
        raise UsageError(f"--url {url!r} is no address", remedy="write it as https://skills.example.com/")
    fields: dict[str, Json] = {"name": name, "url": url, "repository": repository, "owner": owner}
    made = {path: filled(template, name=name) for path, template in _TEMPLATES.items()}
    if host == "github":
        made |= github_files(url, github)
    root = {key: value for key, value in fields.items() if value}
    made["registry.yaml"] = yaml_write.document(root, schema=_schema("registry"))
    publisher: dict[str, Json] = {"name": owner, **({"github": list(github)} if github else {})}
    made[f"publishers/{owner}/publisher.yaml"] = yaml_write.document(publisher, schema=_schema("publisher"))
    return dict(sorted(made.items()))


def write_registry(folder: Path, made: Mapping[str, str]) -> None:
    """Write the files of a new registry into ``folder``. Raises :class:`UsageError` unless it is empty or missing."""
    if folder.exists() and not folder.is_dir():
        raise UsageError("this is a file", place=str(folder), remedy="give a folder that does not exist yet")
    if folder.is_dir() and any(entry.name != ".git" for entry in folder.iterdir()):
        raise UsageError("the folder is not empty", place=str(folder), remedy="give one that is, or a new one")
    for path, text in made.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())


def _schema(kind: str) -> str:
    return f"{schema_files.BASE_URL}{kind}{schema_files.SUFFIX}"
