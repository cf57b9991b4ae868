"""One skill of a commit, from its files to everything an index says of it alone: its archives, views and rows.

A function of the skill's tree, and of its publisher's keys where it is signed, so that a skill none of which changed
need not be looked at, and that skills may be made in any order, in as many processes as there are.
"""

from __future__ import annotations

from typing import NamedTuple

from molthub.documents import canonical
from molthub.documents.signatures import signatures_to_json
from molthub.errors import Problem
from molthub.index.archive_skills import archive_skill
from molthub.index.listings import Listed, entry_views, listed
from molthub.index.publishers import watched
from molthub.index.releases import Archived, latest_skill
from molthub.index.signatures import signature_files
from molthub.index.views import Files, Views
from molthub.model import Registry, Skill
from molthub.registry.publisher_keys import SignatureJudge
from molthub.registry.reading.gathered import Reading, Reference
from molthub.registry.reading.read_skills import read_skills
from molthub.registry.trees.git_source import GitSource
from molthub.registry.trees.skill_folders import skill_part
from molthub.registry.trees.tree_part import TreePart
from molthub.registry.upstreams.content import NO_UPSTREAMS, Upstreams
from molthub.registry.upstreams.upstream import Imported


class SkillRows(NamedTuple):
    """What is remembered of a skill. ``listed`` is None where nothing of it can be offered.

    ``readable`` says whether it stands in the catalog, ``latest`` whether one of its versions is that, ``broken`` what
    of it could not be read. ``archives`` are the
    hex names of what it offers, ``removed`` the digests of its removed versions, ``unfetched`` the versions that it
    would offer if their upstreams had been fetched. ``signed`` are the signatures that count, as
    ``molthub.signatures/1``, and ``watched`` says whose keys they depend on; empty where none was there.
    """

    name: str
    tree: str
    readable: bool
    latest: bool
    listed: Listed | None
    archives: tuple[str, ...]
    removed: tuple[str, ...]
    problems: tuple[Problem, ...]
    broken: dict[str, str]
    references: tuple[Reference, ...]
    unfetched: tuple[Imported, ...] = ()
    signed: bytes = b""
    watched: tuple[str, ...] = ()


class ReadSkill(NamedTuple):
    """One skill of a commit, read: its files, what reading them gathered, and the skill, None where it is broken."""

    name: str
    tree: str
    part: TreePart
    reading: Reading
    skill: Skill | None


def read_one(source: GitSource, name: str, tree: str) -> ReadSkill:
    """Read what one skill declares, given with the id of its tree."""
    part = skill_part(source, name, tree)
    reading = Reading(part)
    return ReadSkill(name, tree, part, reading, read_skills(reading).get(name))


def make_skill(
    read: ReadSkill,
    registry: Registry,
    *,
    judge: SignatureJudge,
    upstreams: Upstreams = NO_UPSTREAMS,
    views: Views = Views.ALL,
) -> tuple[SkillRows, Files]:
    """Return what an index holds of one skill: what to remember, and its files. ``judge`` judges its signatures."""
    name, tree, part, reading, skill = read
    archived = Archived(judge=judge)
    if skill is not None:
        archive_skill(skill, reading.broken, part, archived, upstreams)
    entry = archived.skills.get(name)
    files = {f"archives/{hex_name}.tar.gz": content for hex_name, content in archived.archives.items()}
    if entry is not None:
        files |= entry_views(registry, archived, entry, views)
    files |= signature_files(archived, archived.signed)
    has_signatures = skill is not None and any(path.endswith(".sig") for path in part.files)
    rows = SkillRows(
        name=name,
        tree=tree,
        readable=skill is not None,
        latest=entry is not None and latest_skill(entry) is not None,
        listed=listed(archived, entry, views) if entry is not None else None,
        archives=tuple(archived.archives),
        removed=archived.removed_digests(),
        problems=(*reading.problems, *archived.problems),
        broken=dict(reading.broken),
        references=tuple(reading.references),
        unfetched=tuple(archived.unfetched),
        signed=canonical(signatures_to_json(archived.signed, f"skill/{name}")) if has_signatures else b"",
        watched=tuple(watched(name, skill.project.owners)) if skill is not None and has_signatures else (),
    )
    return rows, files
