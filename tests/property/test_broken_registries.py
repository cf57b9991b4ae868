"""The law of bad input: whatever a file holds, reading and resolving end with findings, never with an exception."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.errors import RegistryError
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.resolve import resolve_bots
from tests.builders import Tree, TreeSource, as_bytes, bot, fleet, overlay, pack, profile, registry, skill

WHOLE: Tree = registry(
    skill("git", "1.0.0", "1.1.0", env=[{"name": "TOKEN", "secret": True}]),
    skill("shell", dependencies=[{"git": "^1.0"}]),
    pack("base", {"skills": ["git"], "envVars": {"A": "${secrets.a}"}}),
    pack("dev", {"extends": ["base"], "skills": ["shell"], "mcps": [{"name": "m", "command": "run it"}]}),
    profile("p", skills=[{"name": "git", "config": {"a": 1}}], packs=[{"name": "dev"}]),
    overlay("o", envVars={"A": None, "B": "x"}, mcps=[{"name": "m", "enabled": False}]),
    fleet("lab", packs=["base"], profile="p"),
    bot("lab", "ada", overlays=["o"], packs=[{"name": "dev", "envOverrides": {"B": "y"}}]),
)
pieces = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            b"",
            b"null",
            b"[]",
            b"{}",
            b"- ",
            b": ",
            b"\n  ",
            b"'",
            b"~",
            b"true",
            b"1.0",
            b"${secrets.",
            b"&a",
            b"*a",
            b"---\n",
        ]
    ),
)


def read_or_refused(tree: Tree) -> Catalog | None:
    try:
        return read_catalog(TreeSource(tree))
    except RegistryError:
        return None


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_no_content_of_a_file_is_ever_an_exception(path: str, data: st.DataObject) -> None:
    text = as_bytes(WHOLE[path])
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    changed = text[:start] + data.draw(pieces) + text[end:]
    catalog = read_or_refused(WHOLE | {path: changed})
    if catalog is None:
        assert path == "registry.yaml"
        return
    for problem in catalog.problems:
        assert problem.message
        assert problem.file
    resolution = resolve_bots(catalog)["lab/ada"]
    errors = [problem for problem in resolution.problems if problem.severity == "error"]
    assert resolution.resolved is not bool(errors)


@settings(max_examples=100, deadline=None)
@given(st.sets(st.sampled_from(sorted(set(WHOLE) - {"registry.yaml", "fleets/lab/bots/ada.yaml"})), min_size=1))
def test_no_missing_file_is_ever_an_exception(paths: set[str]) -> None:
    tree = {path: text for path, text in WHOLE.items() if path not in paths}
    catalog = read_catalog(TreeSource(tree))
    resolution = resolve_bots(catalog)["lab/ada"]
    assert resolution.resolved is not any(problem.severity == "error" for problem in resolution.problems)
