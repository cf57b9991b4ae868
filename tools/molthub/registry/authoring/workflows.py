"""What a registry on GitHub starts with: workflows that check, review, publish and refresh, and files for people.

Actions are pinned by commit, so that nobody who moves a tag runs code here; Dependabot moves the pins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from textwrap import indent

from molthub import __version__

ACTIONS: Mapping[str, str] = {
    "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "upload_artifact": "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "download_artifact": "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    "upload_pages_artifact": "actions/upload-pages-artifact@fc324d3547104276b827a68afc52ff2a11cc49c9 # v5.0.0",
    "deploy_pages": "actions/deploy-pages@cd2ce8fcbc39b97be8ca5fce6e763baed58fa128 # v5.0.0",
}
WORKFLOWS = ("check", "review", "publish", "refresh")

_RELEASED = (
    'python3 -m venv "$RUNNER_TEMP/molthub"\n'
    '"$RUNNER_TEMP/molthub/bin/pip" install --quiet --disable-pip-version-check -r .github/requirements.txt'
)
_PAGES = "https://${{ github.repository_owner }}.github.io/${{ github.event.repository.name }}/"
_OWNED = ("/.github/", "/CODEOWNERS", "/registry.yaml", "/trust/", "/profiles/", "/overlays/", "/fleets/")
"""What the registry's owner approves. Skills, packs and publishers belong to whom the check says they do."""


class _Filled(Template):
    delimiter = "@@"  # `$` is what shells and workflows are full of


@dataclass(frozen=True)
class Workflows:
    """What differs between registries.

    ``install`` are the commands that put molthub into ``$RUNNER_TEMP/molthub``, as the base branch says. ``live`` is
    where the index is published; ``below`` the registry's folder, where only changes in it count.
    """

    live: str = _PAGES
    install: str = _RELEASED
    strict: bool = False
    below: str = ""

    def files(self) -> dict[str, str]:
        """Return the workflows by path."""
        return {
            f".github/workflows/{name}.yml": filled(f"github/workflows/{name}.yml.in", **self._fields())
            for name in WORKFLOWS
        }

    def _fields(self) -> dict[str, str]:
        path = f'"{self.below}/**"'
        return {
            **ACTIONS,
            "install": indent(self.install, " " * 10),
            "live": self.live,
            "strict": " --strict" if self.strict else "",
            "paths": f"\n    paths: [{path}]" if self.below else "",
            "paths_of_pushes": f"\n    paths: [{path}]" if self.below else "",
        }


def github_files(live: str, github: Sequence[str]) -> dict[str, str]:
    """Return everything that a registry on GitHub starts with; ``github`` are the accounts of its owner."""
    who = " ".join(f"@{login}" for login in github)
    lines = "\n".join(f"{path} {who}" if who else f"# {path} @login" for path in _OWNED)
    return {
        **(Workflows(live) if live else Workflows()).files(),
        ".github/CODEOWNERS": filled("github/CODEOWNERS.in", lines=lines),
        ".github/ISSUE_TEMPLATE/skill.yml": filled("github/ISSUE_TEMPLATE/skill.yml.in"),
        ".github/PULL_REQUEST_TEMPLATE.md": filled("github/PULL_REQUEST_TEMPLATE.md.in"),
        ".github/dependabot.yml": filled("github/dependabot.yml.in"),
        ".github/requirements.txt": filled("github/requirements.txt.in", version=__version__),
    }


def filled(template: str, **fields: str) -> str:
    """Return a template's text with ``@@name`` filled in."""
    text = (files("molthub.registry.authoring") / "templates" / template).read_text(encoding="utf-8")
    return re.sub(r"[ ]+$", "", _Filled(text).substitute(fields), flags=re.MULTILINE)
