"""Taking installed versions away, unless somebody would miss them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from molthub.client.cache import Store
from molthub.client.dependents import dependents
from molthub.client.installed_state import look
from molthub.client.lockfile import Installed, InstalledVersion, in_order
from molthub.client.skills_folder import SkillsFolder
from molthub.client.steps import Report, Step
from molthub.client.wanted import Wanted, parse_wanted
from molthub.errors import MolthubError, NotFoundError, Problem


def uninstall(
    wanted: Sequence[Wanted],
    folder: SkillsFolder,
    store: Store,
    *,
    force: bool = False,
    dry_run: bool = False,
    on_wait: Callable[[], None] = lambda: None,
) -> Report:
    """Take versions away: all of a skill, one version, or what a pack brought.

    Without ``force`` it is refused, all of it, when another installed skill needs one of them or when files were
    edited; the error's problems name each. Raises :class:`NotFoundError`, :class:`MolthubError`.
    """
    with folder.writing(on_wait) as finished:
        installed = folder.installed()
        try:
            going = in_order({entry for request in wanted for entry in _meant(request, installed)})
        except NotFoundError as error:
            remedy = "an interrupted command was finished first; see `skills list`" if finished else error.remedy
            raise NotFoundError(error.message, remedy=remedy) from None
        staying = [entry for entry in installed.values() if entry not in going]
        if not force:
            _refuse(going, staying, folder, store)
        if not dry_run:
            with folder.change() as change:
                for entry in going:
                    change.remove(entry.name, entry.version)
                change.commit({(entry.name, entry.version): entry for entry in staying})
    return Report(tuple(Step("removed", entry) for entry in going), dry_run=dry_run)


def _meant(request: Wanted, installed: Installed) -> list[InstalledVersion]:
    if request.kind == "pack":
        found = [entry for entry in installed.values() if _came_with(entry, request)]
    else:
        found = [
            entry
            for entry in installed.values()
            if entry.name == request.name and request.range in (None, entry.version)
        ]
    if not found:
        versions = [entry.version for entry in in_order(installed.values()) if entry.name == request.name]
        remedy = f"installed: {', '.join(versions)}" if versions else "see `skills list`"
        raise NotFoundError(f"{request.text} is not installed", remedy=remedy)
    return found


def _came_with(entry: InstalledVersion, pack: Wanted) -> bool:
    if entry.requested is None:
        return False
    request = parse_wanted(entry.requested)
    return (request.kind, request.name) == (pack.kind, pack.name) and pack.range in (None, request.range)


def _refuse(
    going: Sequence[InstalledVersion], staying: Sequence[InstalledVersion], folder: SkillsFolder, store: Store
) -> None:
    problems = []
    for entry in going:
        needing = dependents(entry, staying, folder)
        if needing:
            problems.append(Problem("MH202", f"{entry} is needed by {', '.join(needing)}"))
        found = look(entry, folder, store)
        if found.state == "modified":
            files = ", ".join(map(str, found.differences))
            problems.append(Problem("MH608", f"{entry} was edited{': ' + files if files else ''}"))
    if problems:
        raise MolthubError(
            "nothing was uninstalled",
            place=str(folder.path),
            remedy="add --force to uninstall all the same",
            problems=problems,
        )
