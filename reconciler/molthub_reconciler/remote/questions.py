"""Gates that are asked where a bot lives: what its agent is asked, and what it answers. Pure.

A question is named by all that it is about: the gate, the wave, the step, and the very assignment of the bot. An answer
names its question, so that one from before says nothing of what was given since.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from molthub.documents import canonical_plain, hex_of
from molthub.documents.names import TIME
from molthub.documents.reading import as_size, as_text, checked
from molthub.model import Json

KINDS = ("probe", "scenarios")
MOST = 20
"""Questions at a time."""
_NAME = re.compile(r"[0-9a-f]{32}\Z")
_SKILL = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
_LONGEST = 500
_LONGEST_TIMEOUT = 3600


@dataclass(frozen=True, slots=True)
class Question:
    """One gate, to be asked for a bot: its ``command`` is to be run, within ``timeout`` seconds.

    ``skills`` are those that the change brings, by their bare names. ``about`` is the document and generation of the
    assignment that it is asked of.
    """

    gate: str
    kind: str
    command: tuple[str, ...]
    timeout: int
    wave: str
    stage: str
    step: str
    skills: tuple[str, ...] = ()
    about: str = field(default="", compare=True)

    @property
    def name(self) -> str:
        """What it is called in answers."""
        return hex_of(canonical_plain({**self.to_json(), "about": self.about}))[:32]

    def to_json(self) -> dict[str, Json]:
        """Return it as an assignment holds it, but for its name."""
        return {"gate": self.gate, "kind": self.kind, "command": list(self.command), "timeout": self.timeout,
                "wave": self.wave, "stage": self.stage, "step": self.step, "skills": list(self.skills)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answered:
    """What a question was answered, and when (RFC 3339)."""

    passed: bool
    detail: str
    at: str

    def to_json(self) -> dict[str, Json]:
        """Return it as a report holds it."""
        return {"passed": self.passed, "detail": self.detail, "at": self.at}


def question_from_json(said: Any, about: str) -> Question:
    """Read a question. Raises KeyError, TypeError or ValueError."""
    if said["kind"] not in KINDS:
        raise ValueError(f"{said['kind']!r} is no gate that runs a command")
    command = tuple(as_text(word) for word in _list(said["command"]))
    if not command:
        raise ValueError("it has no command")
    return Question(
        gate=as_text(said["gate"]),
        kind=said["kind"],
        command=command,
        timeout=min(as_size(said["timeout"]), _LONGEST_TIMEOUT),
        wave=as_text(said["wave"]),
        stage=as_text(said["stage"]),
        step=as_text(said["step"]),
        skills=tuple(checked(_SKILL, name, "a skill's name") for name in _list(said["skills"])),
        about=about,
    )


def answers_from_json(said: Any) -> Mapping[str, Answered]:
    """Read answers by the names of their questions. Raises KeyError, TypeError or ValueError."""
    if not isinstance(said, dict) or len(said) > MOST:
        raise TypeError("answers are a map, of not too many")
    return {checked(_NAME, name, "a question's name"): _answered(one) for name, one in said.items()}


def _answered(said: Any) -> Answered:
    if not isinstance(said["passed"], bool):
        raise TypeError("a gate passed, or it did not")
    return Answered(said["passed"], as_text(said["detail"])[:_LONGEST], checked(TIME, said["at"], "a time"))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("it is no list")
    return value
