"""Taking in packs that another service exported: the files of one commit, and what became of every record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from molthub.errors import Problem, RegistryError, ResolutionError
from molthub.model import Json
from molthub.registry.authoring.attach import ALREADY, BotOutcome, attach_to_bots
from molthub.registry.authoring.attachments import Attachment
from molthub.registry.authoring.pack_export import ExportedAttachment, ExportedPack
from molthub.registry.authoring.pack_files import new_pack
from molthub.registry.authoring.packs import PackChange, create_pack, next_number, next_version
from molthub.registry.catalog import read_catalog
from molthub.registry.resolve import latest_pack
from molthub.registry.rules.packs import difference
from molthub.registry.source import Source
from molthub.registry.trees.overlay import Overlay
from molthub.yaml_text import parse


@dataclass(frozen=True)
class Taken:
    """What became of one pack, and what is not as it was."""

    pack_id: str
    change: PackChange
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Return the shape that ``--json`` prints."""
        return {"id": self.pack_id, **self.change.to_json(), "notes": list(self.notes)}


@dataclass
class Import:
    """The files so far, and what became of packs and attachments. ``bots`` are by pack."""

    files: dict[str, bytes] = field(default_factory=dict)
    packs: list[Taken] = field(default_factory=list)
    bots: list[tuple[str, BotOutcome]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def import_packs(
    source: Source,
    packs: Iterable[ExportedPack],
    attachments: Sequence[ExportedAttachment],
    *,
    owner: str | None,
    published: str,
) -> Import:
    """Take in packs, then their attachments; what is wrong with one stops no other.

    A pack that is here already gets its next version where it declares something else. One that is built in there is
    owned by the registry's owner, any other by ``owner``.
    """
    done = Import()
    names: dict[str, str] = {}
    for pack in packs:
        tree = Overlay(source, done.files)
        if pack.name in names.values():
            message = f"another pack of this import is called {pack.name} too"
            twice = Problem("MH101", message, "give one of them another name")
            done.packs.append(Taken(pack.id, PackChange(pack.name, None, None, problems=(twice,)), pack.notes))
            continue
        try:
            files, change, notes = _taken(tree, pack, owner, published)
            done.files |= files
        except (RegistryError, ResolutionError) as error:
            problems = tuple(error.problems) or (Problem("MH202", error.message, error.remedy),)
            change, notes = PackChange(pack.name, None, None, problems=problems), ()
        if not change.problems:
            names[pack.id] = pack.name
        done.packs.append(Taken(pack.id, change, (*pack.notes, *notes)))
    _attach(source, attachments, names, published, done)
    return done


def _taken(
    source: Overlay, pack: ExportedPack, owner: str | None, published: str
) -> tuple[dict[str, bytes], PackChange, tuple[str, ...]]:
    if pack.problems:
        return {}, PackChange(pack.name, None, None, problems=pack.problems), ()
    catalog = read_catalog(source)
    text = new_pack(pack.name, **pack.content)
    known = catalog.packs.get(pack.name)
    latest = latest_pack(known) if known is not None else None
    if known is None:
        theirs = catalog.registry.owner if pack.builtin or owner is None else owner
        files, version = create_pack(source, pack.name, text, owner=theirs, published=pack.published or published)
        note = "it is not built in there, and is here: --owner names another publisher"
        notes = (note,) if pack.builtin is False and theirs == catalog.registry.owner else ()
        return files, PackChange(pack.name, None, 1, difference({}, version.resolved)), notes
    if latest is not None and _declared(source.read(latest.file).decode()) == _declared(text):
        return {}, PackChange(pack.name, latest.number, None), ()
    number = next_number(known)
    files, version = next_version(source, pack.name, number, text, owner=None, published=published)
    before = latest.resolved if latest is not None else {}
    moved = difference(before, version.resolved) or "what it declares"
    return files, PackChange(pack.name, latest.number if latest else None, number, moved), ()


def _declared(text: str) -> Json:
    value = parse(text, "").value
    spec = {key: item for key, item in value["spec"].items() if key not in ("version", "resolved")}
    return {"labels": value["metadata"].get("labels", {}), **spec}


def _attach(
    source: Source, attachments: Sequence[ExportedAttachment], names: dict[str, str], published: str, done: Import
) -> None:
    by_pack: dict[str, dict[str, Attachment]] = {}
    for one in attachments:
        tree = read_catalog(Overlay(source, done.files)).packs if one.pack_id not in names else {}
        name = names.get(one.pack_id) or (one.pack_id if one.pack_id in tree else None)
        done.notes += [f"{one.bot}: {note}" for note in one.notes]
        if name is None:
            error = f"Pack {one.pack_id} not found"
            done.bots.append((one.pack_id, BotOutcome(one.bot, error=error, remedy="import it too, in the same file")))
            continue
        attachment = Attachment(name, env=one.env, attached_at=one.attached_at or published)
        if by_pack.setdefault(name, {}).setdefault(one.bot, attachment) is not attachment:
            done.bots.append((name, BotOutcome(one.bot, error=ALREADY, remedy="it is here twice: the first counts")))
    for name, wanted in by_pack.items():
        tree_now = Overlay(source, done.files)
        edited = attach_to_bots(tree_now, read_catalog(tree_now), wanted)
        done.files |= edited.files
        done.bots += [(name, outcome) for outcome in edited.outcomes]
