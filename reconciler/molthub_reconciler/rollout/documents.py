"""What a rollout remembers as JSON, ``molthub.rollout/1``, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from molthub.documents import canonical_plain
from molthub.documents.names import DNS_LABEL
from molthub.documents.reading import as_digest, as_hex, as_text, checked, load_document, reading
from molthub.model import Json
from molthub.model.rollouts import Members
from molthub_reconciler.rollout.records import Ask, Assigned, Document, Finished, RolloutState, Step, Told

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
        "held": state.held,
        "bots": {bot: _bot_to_json(state, bot) for bot in sorted(_bots(state))},
        "step": None if state.step is None else _step_to_json(state.step),
        "history": [one._asdict() for one in state.history],
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
        shown["assigned"] = {**state.assigned[bot].document._asdict(), "generation": state.assigned[bot].generation}
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
        "moved": step.moved,
        "unready": dict(step.unready),
        "passed": [ask._asdict() for ask in sorted(step.passed)],
        "failures": [{**ask._asdict(), "count": count} for ask, count in sorted(step.failures.items())],
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
        generation=int(document["generation"]),
        clock=int(document["clock"]),
        good=each("good", _document),
        before=each("before", _document),
        assigned=each("assigned", lambda file, digest, generation: Assigned(_document(file, digest), int(generation))),
        bad=each("bad", lambda digest, why: (as_text(digest), as_text(why))),
        told=each("told", Told),
        step=None if document["step"] is None else _step(document["step"]),
        held=document["held"] is True,
        history=tuple(Finished(**one) for one in document["history"]),
    )


def _document(file: Any, digest: Any) -> Document:
    return Document(as_hex(file), as_digest(digest))


def _step(value: dict[str, Any]) -> Step:
    return Step(
        id=as_text(value["id"]),
        target={as_text(bot): _document(**found) for bot, found in value["target"].items()},
        waves=tuple(Members(as_text(wave["wave"]), tuple(wave["bots"])) for wave in value["waves"]),
        began=int(value["began"]),
        wave=int(value["wave"]),
        opened=value["opened"] is True,
        since=value["since"],
        moved=int(value["moved"]),
        unready={as_text(bot): int(since) for bot, since in value["unready"].items()},
        passed=frozenset(_ask(ask) for ask in value["passed"]),
        failures={_ask(ask): int(ask["count"]) for ask in value["failures"]},
        reverting=value["reverting"] is True,
        why=as_text(value["why"]),
        outcome=value["outcome"],
    )


def _ask(value: dict[str, Any]) -> Ask:
    return Ask(as_text(value["gate"]), as_text(value["wave"]), value["stage"], as_text(value["bot"]))
