"""What is told of one bot after its pass: its report, and what is kept of it for the next pass and for history."""

from __future__ import annotations

from collections.abc import Mapping

from molthub.client.index_cache import timestamp
from molthub.errors import Problem
from molthub.model import Json
from molthub_reconciler.findings import Look, State, observed_digest, shown_changes, state_of
from molthub_reconciler.one_bot import CORRECTED, BotPass
from molthub_reconciler.policy.fights import FILE as FIGHTS_FILE
from molthub_reconciler.policy.fights import fights_to_bytes
from molthub_reconciler.policy.policy import Held
from molthub_reconciler.remarks import left_alone, of_withdrawn, rivalled
from molthub_reconciler.report import BotReport
from molthub_reconciler.taken_up import taken_up


def told_of(work: BotPass, revision: str | None) -> BotReport:
    """Look again if anything was written, and say what was found, what became of it, and what is left."""
    before = work.look
    work.comparing.unlearn(work.receipt)
    left = work.comparing.compare(work.receipt) if work.results else before
    work.problems += dict.fromkeys(left.observed.unreadable.values())
    _note_fights(work, before)
    is_exact = left.plan.in_sync and not left.wanted.refused and not left.wanted.withheld
    told = BotReport(
        bot=work.subject.bot,
        platform=work.desired.platform,
        state=_state(work, left),
        desired=work.desired.digest,
        observed=work.desired.digest if is_exact and work.desired.digest else observed_digest(left),
        problems=(*work.subject.problems, *_of_policy(work, left), *work.problems, *_notes(work, before, left)),
        changes=_changes(work, before),
        versions=_versions(work, before),
        held=_held(work, left),
        kept=work.policy.keeps,
        pinned=work.subject.pin.to_json() if work.subject.pin is not None else None,
        reload=_reload(work),
        home=work.home.folder,
        artifacts={artifact.digest: artifact for artifact in work.coming.values()},
    )
    if work.around.act and (told.differences or told.problems or work.has_new_document):
        _log(work, told, revision)
    _note_rest(work, told, left)
    return told


def _note_rest(work: BotPass, told: BotReport, left: Look) -> None:
    """Take note of a bot that is in sync with its document, and of which the same is to be told until it moves."""
    resting, document = work.around.resting, work.receipt.document
    if resting is None:
        return
    is_plain = told.state == "in-sync" and not (told.problems or work.subject.pin or work.fights.keys)
    is_plain = is_plain and all(change.is_extra for change in left.plan.changes)
    if is_plain and document is not None and document == work.subject.document:
        resting.see(document, work.desired, told.home, shown_changes(left), left.observed.statuses)
    else:
        resting.drop(told.bot)


def _reload(work: BotPass) -> str:
    keys = [key for key, result in work.results.items() if result == "applied"]
    found = taken_up(work.comparing.platform, keys)
    return found[0] if found is not None else ""


def _changes(work: BotPass, before: Look) -> tuple[Mapping[str, Json], ...]:
    reasons = ((change.key, work.holds(change)) for change in before.plan.changes if not change.is_extra)
    held = {key: reason for key, reason in reasons if reason is not None}
    told = shown_changes(before, work.results if work.around.act else None)
    if held:
        told = tuple({**change, "held": held[change["key"]]} if change["key"] in held else change for change in told)
    return told + (work.comparing.ignored_changes(work.receipt) if work.around.show_ignored else ())


def _held(work: BotPass, left: Look) -> Held | None:
    """Return why nothing that is left is mended, where policy wants it so."""
    changes = [change for change in left.plan.changes if not change.is_extra and not change.is_told]
    reasons = [work.policy.holds(change) if change.cause != "conflict" else None for change in changes]
    return reasons[0] if reasons and None not in reasons else None


def _of_policy(work: BotPass, left: Look) -> tuple[Problem, ...]:
    problem = work.policy.problem
    is_idle = work.policy.held == "window" and left.plan.in_sync
    return () if problem is None or is_idle else (problem,)


def _notes(work: BotPass, before: Look, left: Look) -> list[Problem]:
    """Say what is left alone although it differs, what was withdrawn, and who keeps undoing."""
    keys = {change.key for change in (*before.plan.changes, *left.plan.changes)}
    fights = work.fights.problems(keys, work.around.now.timestamp())
    rivals = rivalled(left, work.comparing.platform.searched(work.desired.agent))
    return [*left_alone(left), *rivals, *of_withdrawn(left, work.comparing.revoked), *fights]


def _note_fights(work: BotPass, before: Look) -> None:
    """Take note of what was corrected."""
    if not work.around.act:
        return
    drifted = [change for change in before.plan.changes if change.cause in ("drifted", "both")]
    done = {
        change.key: change.at.file
        for change in drifted
        if change.drift in CORRECTED and work.results.get(change.key) == "applied"
    }
    if not done and not work.fights.keys:
        return
    found = work.fights.after(done, {change.key for change in drifted}, work.around.now.timestamp())
    if found != work.fights:
        work.fights = found
        work.around.state.keep_note(work.subject.bot, FIGHTS_FILE, fights_to_bytes(found))


def _state(work: BotPass, left: Look) -> State:
    if any(problem.severity == "error" for problem in (*work.problems, *_of_policy(work, left))):
        return "failed"
    if work.policy.held == "suspended":
        return "suspended"
    found = work.subject.state or state_of(left.plan)
    if found == "in-sync" and left.wanted.withheld:
        return "revoked"
    return "rolled-back" if found == "in-sync" and work.subject.pin is not None else found


def _versions(work: BotPass, look: Look) -> dict[str, str]:
    """Return the numbers of the skill versions that changed, by digest, as far as they are known."""
    skills = [change for change in look.plan.changes if change.key.startswith("skill/")]
    if not skills:
        return {}
    named = {look.observed.standing.get(change.at) for change in skills if not change.is_extra}
    found = {digest: skill.version for digest, skill in work.desired.skills.items()}
    if named - {None} - found.keys():  # what stood there before is in a document that the bot had
        for document in work.comparing.documents_at_hand():
            found = {digest: skill.version for digest, skill in document.skills.items()} | found
    releases = work.around.releases
    for change in look.plan.changes:
        if change.drift == "stale" and releases is not None:
            found |= releases.versions(change.key.removeprefix("skill/"))
    return found


def _log(work: BotPass, told: BotReport, revision: str | None) -> None:
    line: dict[str, Json] = {"at": timestamp(), "revision": revision, "state": told.state}
    line |= {"command": work.around.command, "document": work.receipt.document}
    line |= {"desired": told.desired, "observed": told.observed}
    line |= {"forced": True} if work.policy.is_forced and work.results else {}
    line |= {"pinned": True} if work.subject.pin is not None else {}
    ours = (change for change in told.changes if "ignored" not in change and change.get("drift") != "extra")
    changes = [_logged(change, told.versions) for change in ours]
    if work.receipt.keys or work.subject.state != "orphaned":
        problems = [problem.to_json() for problem in told.problems]
        work.around.state.add_pass(told.bot, {**line, "changes": changes, "problems": problems})


def _logged(change: Mapping[str, Json], versions: Mapping[str, str]) -> dict[str, Json]:
    """Return what history keeps of a change: no value of configuration, which is in git or the owner's own."""
    kept = {key: change[key] for key in ("key", "action", "cause", "drift", "origin", "result") if key in change}
    if not change["key"].startswith("skill/"):
        return kept
    sides = {"from": change.get("before"), "to": change.get("after")}
    return kept | {side: versions.get(str(digest), digest) for side, digest in sides.items() if digest is not None}
