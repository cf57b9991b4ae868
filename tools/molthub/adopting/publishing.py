"""Publishing the skills of bots that a registry does not have: which folders become which versions. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from molthub.adopting.home import Left
from molthub.adopting.skills import judge_skill
from molthub.documents import file_entry, tree_digest
from molthub.errors import ManifestError, Problem
from molthub.model import bare_name
from molthub.registry.authoring.loose_skills import Found, read_skill
from molthub.registry.authoring.new_files import NewFile
from molthub.registry.authoring.package import package
from molthub.registry.authoring.publish import Outcome, Wishes, plan_publish
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.source import Source
from molthub.registry.trees.overlay import Overlay


@dataclass
class Published:
    """What becomes of folders: the files of new versions in ``source``, and each folder's outcome."""

    source: Source
    files: dict[str, NewFile] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def new(self) -> tuple[Outcome, ...]:
        """The new versions."""
        return tuple(outcome for outcome in self.outcomes if outcome.state == "new")

    @property
    def tree(self) -> Source:
        """The registry with the new versions."""
        contents = {path: file.content for path, file in self.files.items()}
        return Overlay(self.source, contents) if contents else self.source


def publish_folders(
    source: Source, folders: Iterable[Path], *, owner: str | None, edited: bool, published: str
) -> Published:
    """Return what publishing ``folders`` comes to, which are skills of bots that the registry does not have.

    Of several contents under one name the one that most bots have is the first version. The others, and edited copies
    of what the registry has, become next versions only with ``edited``.
    """
    done = Published(source)
    catalog = read_catalog(source)
    ordered = [*_in_order(folders)]
    first = [folder for is_first, folder in ordered if is_first and _is_unknown(folder, catalog, source)]
    _publish(done, catalog, first, Wishes(owner=owner), published)
    for _, folder in ordered if edited else ():
        tree = done.tree
        catalog = read_catalog(tree)
        judged = judge_skill(folder, catalog, tree)
        if isinstance(judged, Left) and judged.near:
            _publish(done, catalog, [folder], Wishes(owner=owner, bump="patch"), published)
    return done


def _is_unknown(folder: Path, catalog: Catalog, source: Source) -> bool:
    """Whether the registry has nothing of that name."""
    judged = judge_skill(folder, catalog, source)
    return isinstance(judged, Left) and not judged.near


def _publish(done: Published, catalog: Catalog, folders: Sequence[Path], wishes: Wishes, published: str) -> None:
    source = done.tree
    misnamed = {folder: name for folder in folders if (name := _name_inside(folder)) != folder.name}
    for folder, name in misnamed.items():
        message = f"its SKILL.md names it {name or 'nothing'}, so its folder would be another one"
        remedy = f"rename the folder, or write name: {folder.name} into SKILL.md"
        done.outcomes.append(Outcome(str(folder), "refused", problems=(Problem("MH501", message, remedy),)))
    plan = plan_publish(
        Found(tuple((folder, str(folder)) for folder in folders if folder not in misnamed), (), ()),
        lambda shown: read_skill(Path(shown), shown),
        catalog,
        wishes,
        published=published,
        contents=lambda path: source.read(path).decode() if path in source.files else None,
    )
    done.files |= plan.files
    done.outcomes += plan.outcomes


def _name_inside(folder: Path) -> str:
    """Return the bare name that a folder's version would have; empty where it cannot be published."""
    try:
        return bare_name(package(read_skill(folder, str(folder))).name)
    except ManifestError:
        return folder.name  # publishing says what is wrong


def _in_order(folders: Iterable[Path]) -> Iterator[tuple[bool, Path]]:
    """Yield one folder of each content: by name, of one name the content first that is there most often."""
    contents: dict[tuple[str, str], list[Path]] = {}
    for folder in sorted(folders):
        if folder.is_symlink():
            continue
        try:
            files = read_skill(folder, str(folder)).files
        except ManifestError:
            continue
        entries = (file_entry(path, file.content, executable=file.executable) for path, file in files.items())
        contents.setdefault((folder.name, tree_digest(entries)), []).append(folder)
    seen: Counter[str] = Counter()
    for (name, _), paths in sorted(contents.items(), key=lambda one: (one[0][0], -len(one[1]), one[1][0])):
        seen[name] += 1
        yield seen[name] == 1, paths[0]
