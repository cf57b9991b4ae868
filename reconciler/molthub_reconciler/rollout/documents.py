"""What a rollout remembers as JSON, ``molthub.rollout/1``, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args

from molthub.documents import canonical_plain
from molthub.documents.names import DNS_LABEL
from molthub.documents.reading import (
    as_digest,
    as_digest_or_none,
    as_hex,
    as_size,
    as_text,
    as_texts,
    checked,
    load_document,
    reading,
)
from molthub.model import Json
from molthub.model.rollouts import Hook, Members
from molthub_reconciler.rollout.records import (
    Ask,
    Assigned,
    Document,
    Finished,
    Health,
    Outcome,
    RolloutState,
    Step,
    Told,
    Why,
)

FORMAT = "molthub.rollout/1"


def state_to_bytes(state: RolloutState) -> bytes:
    """Return the document ``molthub.rollout/1``."""
    return canonical_plain(state_to_json(state))


@lru_cache(maxsize=4)  # a pass in which nothing happened leaves the same bytes for the next one
def state_from_bytes(content: bytes, where: str) -> RolloutState:
    """Read ``molthub.rollout/1``. Raises :class:`FormatError`: what cannot be read must not be taken for nothing."""
    return state_from_json(load_document(content, "rollout", where), where)


def state_to_json(state: RolloutState) -> dict[str, Json]:
    """Return the document's value."""
    return {
        "format": FORMAT,
        "fleet": state.fleet,
        "generation": state.generation,
        "clock": state.clock,
        "ahead": state.ahead,
        "held": state.held,
        "bots": {bot: _bot_to_json(state, bot) for bot in sorted(_bots(state))},
        "step": None if state.step is None else _step_to_json(state.step),
        "history": [one._asdict() for one in state.history],
        "heard": list(state.heard),
    }


def state_from_json(document: Mapping[str, Any], where: str) -> RolloutState:
    """Read the document's value. Raises :class:`FormatError`."""
    return reading(_state, dict(document), where)


def _bots(state: RolloutState) -> set[str]:
    return {*state.good, *state.before, *state.assigned, *state.bad, *state.told}


def _bot_to_json(state: RolloutState, bot: str) -> dict[str, Json]:
    shown: dict[str, Json] = {}
    for key, documents in (("good", state.good), ("before", state.before)):
        if bot in documents:
            shown[key] = documents[bot]._asdict()
    if bot in state.assigned:
        given = state.assigned[bot]
        shown["assigned"] = {**given.document._asdict(), "generation": given.generation, "at": given.at}
    if bot in state.bad:
        digest, why = state.bad[bot]
        shown["bad"] = {"digest": digest, "why": why}
    if bot in state.told:
        shown["told"] = state.told[bot]._asdict()
    return shown


def _step_to_json(step: Step) -> dict[str, Json]:
    return {
        "id": step.id,
        "target": {bot: document._asdict() for bot, document in sorted(step.target.items())},
        "waves": [{"wave": wave.wave, "bots": list(wave.bots)} for wave in step.waves],
        "began": step.began,
        "wave": step.wave,
        "opened": step.opened,
        "since": step.since,
        "unready": dict(step.unready),
        "ill": dict(step.ill),
        "tried": sorted(step.tried),
        "returning": sorted(step.returning),
        "passed": [ask._asdict() for ask in sorted(step.passed)],
        "failures": [{**ask._asdict(), "count": count} for ask, count in sorted(step.failures.items())],
        "asked": [{**ask._asdict(), "since": since} for ask, since in sorted(step.asked.items())],
        "reverting": step.reverting,
        "why": step.why,
        "outcome": step.outcome,
    }


def _state(document: dict[str, Any]) -> RolloutState:
    bots = {checked(DNS_LABEL, bot, "a bot name"): found for bot, found in document["bots"].items()}

    def each(key: str, read: Any) -> dict[str, Any]:
        return {bot: read(**found[key]) for bot, found in bots.items() if key in found}

    return RolloutState(
        fleet=checked(DNS_LABEL, document["fleet"], "a fleet name"),
        generation=as_size(document["generation"]),
        clock=as_size(document["clock"]),
        ahead=as_size(document.get("ahead", 0)),
        good=each("good", _document),
        before=each("before", _document),
        assigned=each("assigned", _assigned),
        bad=each("bad", lambda digest, why: (as_digest(digest), as_text(why))),
        told=each("told", _told),
        step=None if document["step"] is None else _step(document["step"]),
        held=_truth(document["held"]),
        history=tuple(_finished(one) for one in document["history"]),
        heard=as_texts(document.get("heard")),
    )


def _document(file: Any, digest: Any) -> Document:
    return Document(as_hex(file), as_digest(digest))


def _assigned(file: Any, digest: Any, generation: Any, at: Any = 0) -> Assigned:
    return Assigned(_document(file, digest), as_size(generation), as_size(at))


def _told(health: Any, observed: Any, generation: Any, why: Any = "") -> Told:
    number = -1 if generation == -1 else as_size(generation)  # the report of an agent on something else
    return Told(_one_of(Health, health), as_digest_or_none(observed), number, _one_of(Why, why))


def _finished(value: dict[str, Any]) -> Finished:
    return Finished(
        id=as_digest(value["id"]),
        outcome=_one_of(Outcome, value["outcome"]),
        began=as_size(value["began"]),
        ended=as_size(value["ended"]),
        bots=as_size(value["bots"]),
        why=as_text(value["why"]),
    )


def _step(value: dict[str, Any]) -> Step:
    waves = tuple(Members(as_text(wave["wave"]), as_texts(wave["bots"])) for wave in value["waves"])
    target = {as_text(bot): _document(**found) for bot, found in value["target"].items()}
    found = Step(
        id=as_digest(value["id"]),
        target=target,
        waves=waves,
        began=as_size(value["began"]),
        wave=as_size(value["wave"]),
        opened=_truth(value["opened"]),
        since=None if value["since"] is None else as_size(value["since"]),
        unready=_seconds(value["unready"]),
        ill=_seconds(value.get("ill") or {}),
        tried=frozenset(as_texts(value.get("tried"))),
        returning=frozenset(as_texts(value.get("returning"))),
        passed=frozenset(_ask(ask) for ask in value["passed"]),
        failures={_ask(ask): as_size(ask["count"]) for ask in value["failures"]},
        asked={_ask(ask): as_size(ask["since"]) for ask in value.get("asked") or ()},
        reverting=_truth(value["reverting"]),
        why=as_text(value["why"]),
        outcome=_one_of(Outcome, value["outcome"]),
    )
    if not found.reverting and not {bot for _, bots in waves for bot in bots} <= target.keys():
        raise ValueError("a wave holds a bot for which there is nothing")
    return found


def _ask(value: dict[str, Any]) -> Ask:
    texts = (as_text(value[key]) for key in ("gate", "wave", "bot"))
    gate, wave, bot = texts
    return Ask(gate, wave, _one_of(Hook, value["stage"]), bot)


def _seconds(value: Any) -> dict[str, int]:
    return {as_text(bot): as_size(number) for bot, number in value.items()}


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _one_of(words: Any, value: Any) -> Any:
    if value not in get_args(words):
        raise ValueError(f"{value!r} is none of {', '.join(filter(None, get_args(words)))}")
    return value
