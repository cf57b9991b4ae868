"""The Agent Skills specification: rule by rule, and side by side with the reference validator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import skills_ref
from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.errors import Problem
from molthub.model import EnvNeed, Needs, SkillManifest
from molthub.registry.authoring.yaml_write import quoted
from molthub.registry.reading.skill_spec import check_needs, check_skill_md, read_skill_md


def _check(text: str | bytes, *, strict: bool = True, name: str = "git", **settings: Any) -> list[Problem]:
    content = text.encode() if isinstance(text, str) else text
    return check_skill_md(content, "SKILL.md", name=name, strict=strict, **settings)


def _md(*lines: str, body: str = "Body.\n") -> str:
    return "---\n" + "".join(f"{line}\n" for line in lines) + "---\n" + body


NAME, DESCRIPTION = "name: git", "description: Commits."


@pytest.mark.parametrize(
    ("text", "problem_id", "line", "lenient"),
    [
        (_md(NAME, DESCRIPTION), None, 0, None),
        (_md("name: 123", DESCRIPTION), "MH103", 2, "error"),
        (_md("name: Git", DESCRIPTION), "MH302", 2, "error"),
        (_md("name: a--b", DESCRIPTION), "MH302", 2, "error"),
        (_md("name: docker", DESCRIPTION), "MH103", 2, "error"),
        (_md("name: " + "a" * 65, DESCRIPTION), "MH302", 2, "error"),
        (_md("name: '@acme/git'", DESCRIPTION), "MH302", 2, "error"),
        (_md("name:", DESCRIPTION), "MH302", 2, "error"),
        (_md(DESCRIPTION), "MH302", 2, "error"),
        (_md(NAME), "MH302", 2, "error"),
        (_md(NAME, "description: '  '"), "MH302", 3, "error"),
        (_md(NAME, "description: [a]"), "MH302", 3, "error"),
        (_md(NAME, "description: " + "d" * 1024), None, 0, None),
        (_md(NAME, "description: " + "d" * 1025), "MH302", 3, "warning"),
        (_md(NAME, DESCRIPTION, "license: {a: b}"), "MH302", 4, "warning"),
        (_md(NAME, DESCRIPTION, "compatibility: ''"), "MH302", 4, "warning"),
        (_md(NAME, DESCRIPTION, "compatibility: " + "c" * 501), "MH302", 4, "warning"),
        (_md(NAME, DESCRIPTION, "compatibility: [a]"), "MH302", 4, "warning"),
        (_md(NAME, DESCRIPTION, "allowed-tools: [Read, Grep]"), "MH302", 4, "warning"),
        (_md(NAME, DESCRIPTION, "metadata: text"), "MH302", 4, "warning"),
        (_md(NAME, DESCRIPTION, "metadata:", "  author: {name: x}"), "MH302", 5, "warning"),
        (_md(NAME, DESCRIPTION, "metadata:", "  version: 1.0"), None, 0, None),
        (_md(NAME, DESCRIPTION, "metadata: {a: b}"), None, 0, None),
        (_md(NAME, "description: a --- b"), None, 0, None),
        ("\ufeff" + _md(NAME, DESCRIPTION), "MH302", 1, "warning"),
        (_md(NAME, DESCRIPTION).replace("\n", "\r\n"), None, 0, None),
        ("# Title\n", "MH301", 1, "error"),
        ("\n" + _md(NAME, DESCRIPTION), "MH301", 1, "error"),
        ("---\nname: git\n", "MH301", 1, "error"),
        (_md("- a"), "MH301", 2, "error"),
        (_md(NAME, "description: a: b"), "MH301", 3, "error"),
        (_md(NAME, NAME, DESCRIPTION), "MH301", 3, "error"),
        (_md(NAME, DESCRIPTION).encode() + b"caf\xe9\n", "MH301", 6, "error"),
        ("", "MH301", 1, "error"),
    ],
)
def test_each_rule_names_its_line_and_says_how_bad_it_is(
    text: str | bytes, problem_id: str | None, line: int, lenient: str | None
) -> None:
    strict, mild = _check(text), _check(text, strict=False)
    if problem_id is None:
        assert (strict, mild) == ([], [])
    else:
        assert [(problem.id, problem.line, problem.severity) for problem in strict] == [(problem_id, line, "error")]
        assert [(problem.id, problem.line, problem.severity) for problem in mild] == [(problem_id, line, lenient)]
        assert strict[0].remedy


@pytest.mark.parametrize(
    ("key", "said"),
    [("argument-hint", "Claude Code reads it"), ("user-invocable", "Claude Code and OpenClaw read it"), ("risk", "")],
)
def test_keys_of_real_agents_are_warnings_that_name_the_agent(key: str, said: str) -> None:
    text = _md(NAME, DESCRIPTION, f"{key}: x")
    (mild,), (strict,) = _check(text, strict=False), _check(text)
    assert (mild.id, mild.severity, mild.line) == ("MH303", "warning", 4)
    assert said in mild.message
    assert (strict.id, strict.severity) == ("MH302", "error")


def test_a_long_body_is_a_warning_even_in_strict_mode() -> None:
    (long,) = _check(_md(NAME, DESCRIPTION, body="line\n" * 501))
    assert (long.id, long.severity, long.line) == ("MH304", "warning", 5)
    assert [problem.id for problem in _check(_md(NAME, DESCRIPTION, body="x" * 20_004))] == ["MH304"]
    assert _check(_md(NAME, DESCRIPTION, body="line\n" * 500)) == []


LINKS = """\
[a](references/a.md) [b](./references/a.md#part) [folder](references/) [web](https://x.y/z.md) [mail](mailto:a@b.c)
[root](/etc/passwd) [here](#part) ![i](assets/my%20pic.png "title") [template]({{url}}) [paren](references/a(1).md)
`[code](no.md)` <!-- [comment](no.md) -->

```md
[fence](no.md)
```

[gone](references/gone.md)
[out](../other/SKILL.md) [angle](<with space.md>)
"""


def test_links_to_files_that_are_not_there_are_found_with_their_lines() -> None:
    paths = ["SKILL.md", "references/a.md", "references/a(1).md", "assets/my pic.png"]
    found = _check(_md(NAME, DESCRIPTION, body=LINKS), paths=paths)
    assert [(problem.id, problem.severity) for problem in found] == [("MH305", "warning")] * 3
    told = [(problem.line, problem.message.split(" to ")[1].split(" leads")[0]) for problem in found]
    assert told == [(13, "references/gone.md"), (14, "../other/SKILL.md"), (14, "with space.md")]


def test_links_are_not_judged_where_the_files_are_not_known() -> None:
    assert _check(_md(NAME, DESCRIPTION, body=LINKS)) == []


@pytest.mark.parametrize(
    ("head", "servers", "env", "key"),
    [
        (["metadata:", '  mcp-servers: "github, jira"'], ("github",), (), "mcp-servers"),
        (["mcp-servers: [github]"], ("jira",), (), "mcp-servers"),
        (["env: [{name: A}, B]"], (), (EnvNeed("A"),), "env"),
        (["metadata:", "  env: {A: needed}"], (), (EnvNeed("B"),), "env"),
    ],
)
def test_needs_that_two_files_declare_differently_are_a_warning(
    head: list[str], servers: tuple[str, ...], env: tuple[EnvNeed, ...], key: str
) -> None:
    read, _ = read_skill_md(_md(NAME, DESCRIPTION, *head).encode(), "SKILL.md")
    assert read is not None
    (problem,) = check_needs(read, SkillManifest("git", "1.0.0", "d", needs=Needs(servers, env)), "SKILL.md")
    assert (problem.id, problem.severity) == ("MH306", "warning")
    assert problem.message.startswith(key)


def test_needs_that_agree_or_stand_in_one_file_only_are_fine() -> None:
    read, _ = read_skill_md(_md(NAME, DESCRIPTION, "metadata: {mcp-servers: github}").encode(), "SKILL.md")
    assert read is not None
    assert check_needs(read, SkillManifest("git", "1.0.0", "d", needs=Needs(("github",))), "SKILL.md") == []
    assert check_needs(read, SkillManifest("git", "1.0.0", "d", needs=Needs(env=(EnvNeed("A"),))), "SKILL.md") == []


# --- side by side with the reference -------------------------------------------------------------------------------

_names = st.one_of(
    st.sampled_from(["git", "Git", "a--b", "-a", "a-", "a_b", "a b", "123", "yes", "a" * 64, "a" * 65, "a/b", ""]),
    st.text("ab1-_A ", max_size=8),
)
_text = st.one_of(
    st.sampled_from(["Does it.", "a: b", "", "  ", "no", "1.0", "<b>", "d" * 1024, "d" * 1025, "a #b", "'", '"']),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12),
)
_short = st.one_of(_text, st.just("c" * 500), st.just("c" * 501)).filter(lambda text: bool(text.strip()))
_heads = st.fixed_dictionaries(
    {},
    optional={
        "name": _names,
        "description": _text,
        "license": _short,
        "compatibility": _short,
        "allowed-tools": _short,
        "metadata": st.dictionaries(st.sampled_from(["author", "version", "mcp-servers"]), _short, min_size=1),
        "argument-hint": _short,
    },
)


def _rendered(head: dict[str, Any]) -> str:
    lines = []
    for key, value in head.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"  {inner}: {quoted(item)}" for inner, item in value.items())]
        else:
            lines.append(f"{key}: {quoted(value)}")
    return _md(*lines)


@given(head=_heads, folder=st.sampled_from(["git", "", "other"]))
@settings(max_examples=300, deadline=None)
def test_we_and_the_reference_agree(
    tmp_path_factory: pytest.TempPathFactory, head: dict[str, Any], folder: str
) -> None:
    name = folder or head.get("name", "git")
    is_folder = bool(name) and "/" not in name and name.strip() == name and len(name) < 70
    name = name if is_folder else "git"
    text = _rendered(head)
    if "---" in text[3:-10] or not head or _differs_on_purpose(head):
        return
    place = tmp_path_factory.mktemp("skill") / name
    place.mkdir()
    (place / "SKILL.md").write_text(text, encoding="utf-8")
    theirs = skills_ref.validate(place)
    ours = [problem for problem in _check(text, name=name) if problem.severity == "error"]
    assert bool(ours) == bool(theirs), (text, ours, theirs)


def _differs_on_purpose(head: dict[str, Any]) -> bool:
    said = head.get("name", "")
    return said != said.strip() or not said.isascii()


@pytest.mark.parametrize(
    ("text", "ours", "theirs"),
    [
        # The specification's text has flow style nowhere, but every YAML parser reads it.
        (_md(NAME, DESCRIPTION, "metadata: {a: b}"), True, False),
        # A `---` inside a value ends their frontmatter: what follows goes unread, and unjudged.
        (_md(NAME, "description: a --- b", "unknown: key"), False, True),
        # "A map from string keys to string values".
        (_md(NAME, DESCRIPTION, "metadata: text"), False, True),
        (_md(NAME, DESCRIPTION, "metadata:", "  a:", "    b: c"), False, True),
        # "A space-separated string".
        (_md(NAME, DESCRIPTION, "allowed-tools:", "  - Read"), False, True),
        # "Must be 1-500 characters if provided"; a licence is a name or a file's name.
        (_md(NAME, DESCRIPTION, "compatibility: ''"), False, True),
        (_md(NAME, DESCRIPTION, "license:", "  a: b"), False, True),
        # "Lowercase letters, numbers, and hyphens": names are folders, archives and URLs, so ASCII alone.
        (_md("name: dépôt", DESCRIPTION), False, True),
        # They strip quoted names; agents compare what is written.
        (_md("name: ' git '", DESCRIPTION), False, True),
        # An alias is YAML; ours are limited, theirs refused.
        (_md("name: &n git", "description: *n"), True, False),
    ],
)
def test_where_we_differ_from_the_reference_on_purpose(text: str, ours: bool, theirs: bool, tmp_path: Path) -> None:
    name = "dépôt" if "dépôt" in text else "git"
    (tmp_path / name).mkdir()
    (tmp_path / name / "SKILL.md").write_text(text, encoding="utf-8")
    assert (_check(text, name=name) == []) is ours
    assert (skills_ref.validate(tmp_path / name) == []) is theirs


def test_the_reference_dies_of_bytes_that_are_no_utf_8_and_we_name_the_line(tmp_path: Path) -> None:
    (tmp_path / "git").mkdir()
    content = _md(NAME, DESCRIPTION).encode() + b"caf\xe9\n"
    (tmp_path / "git" / "SKILL.md").write_bytes(content)
    with pytest.raises(UnicodeDecodeError):
        skills_ref.validate(tmp_path / "git")
    assert [problem.line for problem in _check(content)] == [6]
