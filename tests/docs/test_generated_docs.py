"""The generated pages say what the schemas, the commands and the problem ids say now."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from docgen import __main__ as docgen
from docgen import commands, fields, kinds
from molthub import schema_files
from molthub.cli.main import MOLTHUB_COMMANDS, SKILLS_COMMANDS
from molthub.platforms import platforms
from molthub.problem_ids import PROBLEMS

DOCS = Path(__file__).resolve().parents[2] / "docs"


@cache
def all_pages() -> dict[str, str]:
    return docgen.pages()


def generated(path: str) -> str:
    return all_pages()[path]


def test_every_page_is_current() -> None:
    changed, stale = docgen.out_of_date(DOCS)
    assert (sorted(changed), stale) == ([], []), "run `python -m docgen`"


def test_check_tells_what_is_not_current_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert docgen.main([], docs=tmp_path / "docs") == 0
    assert docgen.main(["--check"], docs=tmp_path / "docs") == 0
    (tmp_path / "docs/kinds/bot.md").write_text("edited by hand\n")
    (tmp_path / "docs/kinds/gone.md").write_text("a kind that is no more\n")
    capsys.readouterr()
    assert docgen.main(["--check"], docs=tmp_path / "docs") == 1
    assert re.findall(r"docs/\S+\.md", capsys.readouterr().out) == ["docs/kinds/bot.md", "docs/kinds/gone.md"]
    assert (tmp_path / "docs/kinds/bot.md").read_text() == "edited by hand\n"
    assert docgen.main([], docs=tmp_path / "docs") == 0
    assert not (tmp_path / "docs/kinds/gone.md").exists()
    assert docgen.main(["--check"], docs=tmp_path / "docs") == 0


def test_the_pages_do_not_depend_on_the_terminal() -> None:
    narrow = subprocess.run(
        [sys.executable, "-m", "docgen", "--check"],
        env={"COLUMNS": "30", "HOME": "/nonexistent", "NO_COLOR": "1", "PATH": ""},
        cwd=DOCS.parent / "tools",
        check=False,
        capture_output=True,
        text=True,
    )
    assert (narrow.returncode, narrow.stdout) == (0, "")


def test_every_kind_and_document_has_a_page() -> None:
    pages = {Path(path).stem for path in all_pages() if path.startswith(("kinds/", "documents/"))}
    assert pages == {*schema_files.names(), "README", "values"} - {"common"}


def test_every_problem_is_listed() -> None:
    text = generated("PROBLEMS.md")
    assert [problem for problem in PROBLEMS if f"| `{problem}` |" not in text] == []


def test_every_command_is_in_the_reference() -> None:
    text = generated("CLI_REFERENCE.md")
    called = [f"skills {name}" for name in SKILLS_COMMANDS] + [f"molthub {name}" for name in MOLTHUB_COMMANDS]
    joined = [f"molthub {name}" for name in ("plan", "drift", "reconcile")]
    missing = [path for path in called + joined if not re.search(rf"^## {re.escape(path)}( |$)", text, re.MULTILINE)]
    assert missing == []


def test_exit_statuses_are_told_of_commands_that_exist() -> None:
    assert set(kinds.settings()["exit-status"]) <= {path for path, _ in commands.walk()}


@pytest.mark.parametrize("kind", kinds.settings()["kinds"])
def test_yaml_on_the_page_is_the_example_of_the_schema(kind: str) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", generated(f"kinds/{kind}.md"), re.MULTILINE | re.DOTALL)
    examples = [block for block in blocks if not block.startswith("# yaml-language-server")]
    shown = [yaml.load(block, Loader=yaml.BaseLoader) for block in examples]  # noqa: S506 (BaseLoader builds text only)
    assert shown == [_as_text(example) for example in schema_files.load(kind)["examples"]]


def _as_text(value: object) -> object:
    """Return what a reader of text alone sees of a document."""
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return {True: "true", False: "false", None: "null"}[value] if value in (True, False, None) else str(value)


def test_fields_tell_path_type_and_whether_required() -> None:
    found = {field.path: field for field in fields.fields(schema_files.load("bot"), values_page="values.md")}
    attached = found["spec.packs[].attachedAt"]
    assert attached.kind == "[time](values.md#time)"
    assert not attached.required
    assert found["spec.platform"].required
    assert found["spec.platform"].kind == "one of " + ", ".join(f"`{name}`" for name in platforms())
    assert found["spec.packs[].envOverrides.<KEY>"].kind == "text or null"
    assert found["spec.template"].default == "`false`"


def test_keys_of_maps_are_named_by_what_they_are() -> None:
    found = {field.path for field in fields.fields(schema_files.load("bot-document"), values_page="")}
    assert {"desired.skill/<skill>", "desired.env/<KEY>", "desired.mcp/<server>", "skills.<digest>"} <= found
