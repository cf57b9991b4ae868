"""LOG_LEVEL, declared by a pack and overridden by profile, overlay and bot, from YAML in git to desired state."""

from __future__ import annotations

from pathlib import Path

import pytest

from molthub.documents import digest_of
from molthub.model import AttachedPack, Origin
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.resolve import Resolution, resolve_bots, resolve_pack
from molthub.registry.source import FolderSource

STORY = Path(__file__).parents[1] / "cases" / "story" / "registry"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return read_catalog(FolderSource(STORY))


@pytest.fixture(scope="module")
def ada(catalog: Catalog) -> Resolution:
    return resolve_bots(catalog)["prod/ada"]


def test_the_registry_is_clean(catalog: Catalog) -> None:
    assert catalog.problems == ()


def test_desired_state_is_flat_and_whole(catalog: Catalog, ada: Resolution) -> None:
    def digest(skill: str, version: str) -> str:
        return catalog.skills[skill].project.versions[version].digest

    assert ada.resolved
    assert ada.problems == ()
    assert ada.desired == {
        "config/postgres": {"schema": "public"},
        "env/GITHUB_TOKEN": "${secrets.github_token}",
        "env/LOG_LEVEL": "debug",
        "mcp/github": {
            "command": "npx",
            "args": ["-y", "@modelcontextprotocol/server-github"],
            "env": {"GITHUB_TOKEN": "${secrets.github_token}", "LOG_LEVEL": "debug"},
        },
        "skill/code-review": digest("code-review", "2.1.0"),
        "skill/docker": digest("docker", "2.0.1"),
        "skill/git": digest("git", "1.2.0"),
        "skill/postgres": digest("postgres", "1.4.0"),
        "skill/shell-safety": digest("shell-safety", "1.0.3"),
    }
    assert list(ada.desired) == sorted(ada.desired)


def test_labels_packs_and_sync(ada: Resolution) -> None:
    assert ada.labels == {
        "env": "prod",
        "molthub.dev/fleet": "prod",
        "molthub.dev/platform": "openclaw",
        "team": "payments",
    }
    assert ada.packs == {"standard-dev": AttachedPack(3, "2026-11-19T10:00:00Z")}
    assert (ada.sync.mode, ada.sync.prune, ada.sync.orphans, ada.sync.interval) == ("correct", True, None, "60s")
    assert (ada.bot.home, ada.bot.agent) == ("ada", None)


def test_every_value_keeps_its_origin_and_what_it_overrode(ada: Resolution) -> None:
    pack = "pack/standard-dev@3"
    three = "packs/standard-dev/3.yaml"

    def said(layer: str, at: str, value: str | None) -> Origin:
        return Origin(layer, at, value, has_value=True)

    assert ada.origins == {
        "config/postgres": (Origin(pack, f"{three}:11"),),
        "env/DATABASE_URL": (
            said("overlay/prod", "overlays/prod.yaml:8", None),
            said(pack, f"{three}:20", "${secrets.database_url}"),
        ),
        "env/GITHUB_TOKEN": (said(pack, f"{three}:19", "${secrets.github_token}"),),
        "env/LOG_LEVEL": (
            said("bot", "fleets/prod/bots/ada.yaml:11", "debug"),
            said("overlay/prod", "overlays/prod.yaml:9", "error"),
            said("profile/backend", "profiles/backend.yaml:6", "warning"),
            said(pack, f"{three}:21", "info"),
        ),
        "mcp/github": (Origin(pack, f"{three}:13"),),
        "mcp/postgres": (said("overlay/prod", "overlays/prod.yaml:6", None), Origin(pack, f"{three}:15")),
        "skill/code-review": (Origin("profile/backend", "profiles/backend.yaml:5"),),
        "skill/docker": (Origin(pack, f"{three}:10"),),
        "skill/git": (Origin(pack, f"{three}:9"),),
        "skill/postgres": (Origin(pack, f"{three}:11"),),
        "skill/shell-safety": (Origin(pack, f"{three}:9", via="git@1.2.0"),),
    }


def test_the_packs_locks_are_those_that_are_derived(catalog: Catalog) -> None:
    newest = catalog.packs["standard-dev"].versions[3]
    assert resolve_pack(catalog, newest) == newest.resolved


def test_a_line_that_moves_changes_no_digest(ada: Resolution, tmp_path: Path) -> None:
    for path in FolderSource(STORY).files:
        copy = tmp_path / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((STORY / path).read_bytes())
    overlay = tmp_path / "overlays" / "prod.yaml"
    overlay.write_text("# A comment on top.\n" + overlay.read_text())
    moved = resolve_bots(read_catalog(FolderSource(tmp_path)))["prod/ada"]
    assert digest_of(dict(moved.desired)) == digest_of(dict(ada.desired))
    assert moved.origins != ada.origins
