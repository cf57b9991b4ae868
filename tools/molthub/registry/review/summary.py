"""The summary of a change for its reviewers, in Markdown that fits a comment. Pure.

What must not be missed comes first; diffs come last and are left out, by name, where there is no more room.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from molthub.errors import Problem
from molthub.model import Json
from molthub.problem_ids import PROBLEMS
from molthub.references.secrets import is_sensitive
from molthub.registry.reading.clear_secrets import token_shape
from molthub.registry.review.bot_changes import BotChange, KeyChange
from molthub.registry.review.file_diffs import file_diff
from molthub.registry.review.markdown_text import code, diff_block
from molthub.registry.review.merge_class import Facts, MergeClass
from molthub.registry.review.new_versions import FileChange, NewVersion

MARKER = "<!-- molthub summary -->"
"""The first line, by which the comment of an earlier run is found again."""

MAX_BYTES = 60_000
"""A comment on GitHub holds 65,536 characters."""

_MAX_ROWS = 50
_MAX_KEYS = 30
_MAX_DIFF_LINES = 120
_CREDENTIALS = ("MH105", "MH801")
_RISK = "MH8"


@dataclass(frozen=True)
class Review:
    """A checked change. ``problems`` come errors first."""

    revision: str
    base: str
    problems: tuple[Problem, ...]
    versions: tuple[NewVersion, ...]
    bots: tuple[BotChange, ...]
    facts: Facts
    merge: MergeClass


def summary(review: Review, max_bytes: int = MAX_BYTES) -> str:
    """Return the whole summary, no longer than ``max_bytes`` in UTF-8."""
    text = "\n".join([MARKER, *_head(review), *_problems(review), *_published(review), *_bots(review), *_rest(review)])
    room = max_bytes - len(text.encode()) - _FOR_NOTE
    if room < 0:
        return text.encode()[: max_bytes - len(_CUT)].decode(errors="ignore") + _CUT
    left_out = 0
    for block in _diffs(review):
        size = len(block.encode()) + 1
        if size > room:
            left_out += 1
            continue
        text += f"\n{block}"
        room -= size
    if left_out:
        text += f"\n\n{left_out} files are not shown here for want of room: see the files of the pull request."
    return text + "\n"


_FOR_NOTE = 120
_CUT = "\n\n(cut here for want of room)\n"


# --- sections ------------------------------------------------------------------------------------------------------

_CLASSES = {
    "at-once": "a version bump by its owner that asks for nothing more",
    "new-name": "a new name, which waits for a person",
    "person": "waits for a person",
    "refused": "refused by the check",
}


def _head(review: Review) -> Iterator[str]:
    errors = sum(problem.severity == "error" for problem in review.problems)
    warnings = len(review.problems) - errors
    yield f"## {_count(errors, 'error')}, {_count(warnings, 'warning')}"
    yield ""
    yield f"Class **{review.merge.name}**: {_CLASSES[review.merge.name]}."
    reasons = [reason for reason in review.merge.reasons if review.merge.name != "refused"]
    if reasons:
        yield ""
        yield from (f"- {code(reason)}" for reason in reasons[:_MAX_ROWS])
        yield from _more(len(reasons) - _MAX_ROWS)
    yield ""


def _problems(review: Review) -> Iterator[str]:
    risks = [problem for problem in review.problems if problem.id.startswith(_RISK)]
    others = [problem for problem in review.problems if problem not in risks]
    for title, found in (("Findings", others), ("Risks in what is new", risks)):
        if found:
            yield f"### {title}"
            yield ""
            yield "| | where | what |"
            yield "|---|---|---|"
            yield from map(_problem_row, found[:_MAX_ROWS])
            yield from _more(len(found) - _MAX_ROWS)
            yield ""


def _problem_row(problem: Problem) -> str:
    what = f"{PROBLEMS[problem.id]}: {code(problem.message)}"
    remedy = f"<br>{code(problem.remedy)}" if problem.remedy else ""
    return f"| {problem.severity} {problem.id} | {code(problem.place or '-')} | {what}{remedy} |"


def _published(review: Review) -> Iterator[str]:
    if not review.versions:
        return
    yield "### What is published"
    yield ""
    yield "| | version | before | files |"
    yield "|---|---|---|---|"
    for version in review.versions[:_MAX_ROWS]:
        before = code(version.previous) if version.previous else ("new name" if version.is_new_name else "none")
        yield f"| {code(version.label)} | {code(version.number)} | {before} | {_files(version)} |"
    yield from _more(len(review.versions) - _MAX_ROWS)
    yield ""


def _files(version: NewVersion) -> str:
    counts = {how: sum(file.how == how for file in version.files) for how in ("added", "changed", "removed")}
    return ", ".join(f"{count} {how}" for how, count in counts.items() if count) or "the same"


def _bots(review: Review) -> Iterator[str]:
    if not review.bots:
        return
    yield "### What bots get"
    yield ""
    for bot in review.bots[:_MAX_ROWS]:
        yield from _bot(bot)
    yield from _more(len(review.bots) - _MAX_ROWS)


def _bot(bot: BotChange) -> Iterator[str]:
    state = "is new" if bot.is_new else "is gone" if bot.is_gone else ""
    if bot.resolved != (True, True) and not bot.is_gone:
        state = "resolves again" if bot.resolved[1] else "<strong>does not resolve</strong>: it keeps what it has"
    yield f"<details><summary>{code(bot.path)} {state or _count(len(bot.keys), 'key')}</summary>"
    yield ""
    if bot.keys:
        yield "| key | before | after | from |"
        yield "|---|---|---|---|"
        yield from map(_key_row, bot.keys[:_MAX_KEYS])
        yield from _more(len(bot.keys) - _MAX_KEYS)
    yield from (f"- {problem.id} {code(problem.message)}" for problem in bot.problems[:_MAX_KEYS])
    yield ""
    yield "</details>"
    yield ""


def _key_row(change: KeyChange) -> str:
    cells = [code(change.key), _value(change.before), _value(change.after), code(change.at) if change.at else "-"]
    return f"| {' | '.join(cells)} |"


def _value(value: Json) -> str:
    if value is None:
        return "-"
    shown = _without_secrets(value)
    return code(shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False, sort_keys=True))


def _without_secrets(value: Json) -> Json:
    """Return a value in which texts with a token's shape are stars. Placeholders are no secrets."""
    if isinstance(value, dict):
        return {key: _without_secrets(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_secrets(one) for one in value]
    is_token = isinstance(value, str) and token_shape(value) is not None and not is_sensitive(value)
    return "***" if is_token else value


def _rest(review: Review) -> Iterator[str]:
    paths = [*review.facts.other, *review.facts.outside]
    if paths:
        yield "### What else is changed"
        yield ""
        yield from (f"- {code(path)}" for path in paths[:_MAX_ROWS])
        yield from _more(len(paths) - _MAX_ROWS)
        yield ""
    yield f"Commit {code(review.revision[:12])}, compared with {code(review.base[:12])}."


# --- diffs ---------------------------------------------------------------------------------------------------------


def _diffs(review: Review) -> Iterator[str]:
    secrets: dict[str, set[int]] = {}
    for problem in review.problems:
        if problem.id in _CREDENTIALS and problem.file and problem.line:
            secrets.setdefault(problem.file, set()).add(problem.line)
    for version in review.versions:
        against = f"against {code(version.previous)}" if version.previous else "new"
        yield f"\n### {code(version.label)} {code(version.number)}, {against}\n"
        for file in version.files:
            yield _file_block(file, sorted(secrets.get(file.at, ())))


def _file_block(file: FileChange, secret_lines: Sequence[int]) -> str:
    lines = file_diff(file, secret_lines=secret_lines)
    shown = lines[:_MAX_DIFF_LINES]
    more = f"\n\n{len(lines) - _MAX_DIFF_LINES} more lines" if len(lines) > _MAX_DIFF_LINES else ""
    marks = f"{file.how}{', can be run' if file.becomes_executable else ''}"
    head = f"<details><summary>{code(file.path)} {marks}</summary>"
    return f"{head}\n\n{diff_block(shown)}{more}\n\n</details>"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _more(number: int) -> Iterator[str]:
    if number > 0:
        yield ""
        yield f"and {number} more"
