"""The law of edits, for attachments: what the document means changes as asked, and no comment is lost.

``parse(edit(text)) == edit(parse(text))``, where the right side is a model of its own: plain lists and maps.
"""

from __future__ import annotations

import copy
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.registry import edit
from molthub.registry.authoring import yaml_write
from molthub.registry.authoring.attachments import Attachment, attached_text, detached_text, refused_text
from molthub.yaml_text import parse
from tests.property.commented import commented

_HALF = 0.5
PACKS = ["dev", "ops", "base"]
_labels = st.dictionaries(st.sampled_from(["team", "tier"]), st.sampled_from(["a", "no", "1"]), max_size=2)
_env = st.dictionaries(st.sampled_from(["A", "B"]), st.sampled_from(["x", "${secrets.x}", "a: b", "1.20"]), max_size=2)
_attachments = st.builds(
    Attachment,
    st.sampled_from(PACKS),
    st.none() | st.integers(1, 3),
    _labels,
    _env,
    st.none() | st.just("2026-11-19T10:00:00Z"),
)
_documents = st.fixed_dictionaries(
    {"apiVersion": st.just("molthub.dev/v1alpha1"), "kind": st.just("Bot")},
    optional={"metadata": st.just({"name": "ada", "labels": {"team": "a"}})},
)


def _identity(item: dict[str, Any]) -> tuple[str, str]:
    return item["name"], repr(sorted(item.get("when", {}).get("matchLabels", {}).items()))


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Return the text of a bot with attachments, in block or flow style, comments anywhere."""
    items = {_identity(item): item for item in (one.to_json() for one in draw(st.lists(_attachments, max_size=4)))}
    off = draw(st.lists(st.sampled_from(PACKS), max_size=1))
    items |= {_identity({"name": name}): {"name": name, "enabled": False} for name in off}
    chance = random.Random(draw(st.integers()))  # noqa: S311 (nothing secret)
    shown = [yaml_write.OneLine(item) if chance.random() > _HALF else item for item in items.values()]
    spec: dict[str, Any] = {"platform": "openclaw", **draw(st.sampled_from([{}, {"envVars": {"A": "x"}}]))}
    if shown or chance.random() > _HALF:
        spec["packs"] = shown
    document = {**draw(_documents), "spec": dict(draw(st.permutations(list(spec.items()))))}
    return commented(yaml_write.document(document), chance)


def _after(text: str, changed: list[dict[str, Any]]) -> Any:
    value = copy.deepcopy(parse(text, "f").value)
    value["spec"].pop("packs", None)
    if changed:
        value["spec"]["packs"] = changed
    return value


def _packs(text: str) -> list[dict[str, Any]]:
    packs: list[dict[str, Any]] = copy.deepcopy(parse(text, "f").value["spec"].get("packs", []))
    return packs


def _same_but_for_emptiness(value: Any) -> Any:
    """Return a document without an empty list of packs, which says the same as none."""
    spec = {key: item for key, item in value["spec"].items() if key != "packs" or item}
    return {**value, "spec": spec}


def _holds(before: str, after: str, expected: list[dict[str, Any]]) -> None:
    assert _same_but_for_emptiness(parse(after, "f").value) == _after(before, expected)
    assert sorted(edit.comments(before)) == sorted(edit.comments(after))


@settings(max_examples=200)
@given(documents(), _attachments)
def test_attaching_puts_in_what_is_asked_for_and_nothing_else(text: str, attachment: Attachment) -> None:
    expected = _packs(text)
    wanted = attachment.to_json()
    known = next((item for item in expected if _identity(item) == _identity(wanted)), None)
    if known is None:
        expected.append(wanted)
    else:
        for key in {"version", "enabled"} - wanted.keys():
            known.pop(key, None)
        overrides = {**known.get("envOverrides", {}), **wanted.pop("envOverrides", {})}
        known.update(wanted | ({"envOverrides": overrides} if overrides else {}))
    _holds(text, attached_text(text, attachment), expected)


@settings(max_examples=200)
@given(documents(), st.sampled_from(PACKS), st.none() | _labels)
def test_detaching_takes_out_what_is_asked_for_and_nothing_else(
    text: str, pack: str, when: dict[str, str] | None
) -> None:
    meant = None if when is None else _identity({"name": pack, "when": {"matchLabels": when}})
    expected = [item for item in _packs(text) if item["name"] != pack or (meant and _identity(item) != meant)]
    _holds(text, detached_text(text, pack, when=when), expected)


@settings(max_examples=100)
@given(documents(), st.sampled_from(PACKS))
def test_refusing_leaves_one_word_on_the_pack(text: str, pack: str) -> None:
    expected = [item for item in _packs(text) if item["name"] != pack] + [{"name": pack, "enabled": False}]
    _holds(text, refused_text(text, pack), expected)


@settings(max_examples=100)
@given(documents(), _attachments)
def test_what_is_attached_can_be_detached_again(text: str, attachment: Attachment) -> None:
    if any(item["name"] == attachment.pack for item in _packs(text)):
        text = detached_text(text, attachment.pack)
    again = detached_text(attached_text(text, attachment), attachment.pack)
    _holds(text, again, _packs(text))


@settings(max_examples=300)
@given(documents(), _attachments)
def test_attaching_and_detaching_again_restores_every_byte(text: str, attachment: Attachment) -> None:
    packs = _packs(text)
    if any(item["name"] == attachment.pack for item in packs) or parse(text, "f").value["spec"].get("packs") == []:
        return
    again = detached_text(attached_text(text, attachment), attachment.pack)
    assert again.removesuffix("\n") == text.removesuffix("\n")
