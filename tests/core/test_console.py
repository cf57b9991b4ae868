"""One way to say things and one way to fail."""

from __future__ import annotations

import json

import click
import pytest

from molthub.console import Console, common_options, run
from molthub.errors import ExitStatus, FormatError, ManifestError, Problem, UsageError

PROBLEM = Problem("MH203", "skill gti is not in this registry", "did you mean git?", file="bots/ada.yaml", line=5)


@click.group(name="demo")
def demo() -> None: ...


@demo.command()
@click.argument("how", default="fine")
@common_options
def work(console: Console, how: str) -> ExitStatus | None:
    faults: dict[str, Exception] = {
        "refused": ManifestError("2 manifests are faulty", place="registry", remedy="mend them", problems=[PROBLEM]),
        "usage": UsageError("a pack has no range"),
        "full": OSError(28, "No space left on device", "/disk/file"),
        "forbidden": PermissionError(13, "Permission denied", "/root/file"),
        "bug": ZeroDivisionError("division by zero"),
        "interrupted": click.Abort(),
        "click": click.ClickException("no"),
    }
    if how in faults:
        raise faults[how]
    console.say("working")
    console.table(["name", "what"], [["git", "branches"], ["docker", "containers"]])
    console.json({"ok": True})
    with console.progress("fetching", 3) as advance:
        advance(3)
    return ExitStatus.PENDING if how == "pending" else None


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["work"], 0), (["work", "pending"], 3), (["work", "refused"], 1), (["work", "usage"], 2),
        (["work", "full"], 1), (["work", "bug"], 1), (["work", "--nope"], 2), (["work", "interrupted"], 130),
        (["work", "click"], 1), (["nope"], 2), (["--help"], 0),
    ],
)  # fmt: skip
def test_the_exit_status_says_how_it_went(arguments: list[str], status: int) -> None:
    assert run(demo, arguments) == status


def test_results_go_to_stdout_and_talk_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    run(demo, ["work"])
    out, err = capsys.readouterr()
    assert out == "name    what\ngit     branches\ndocker  containers\n"
    assert err == "working\n"
    run(demo, ["work", "--json", "--quiet"])
    out, err = capsys.readouterr()
    assert json.loads(out) == {"ok": True}
    assert err == ""


def test_an_error_gives_place_problem_and_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    run(demo, ["work", "refused"])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "bots/ada.yaml:5: error MH203: skill gti is not in this registry", "  did you mean git?",
        "error: registry: 2 manifests are faulty", "  mend them",
    ]  # fmt: skip
    run(demo, ["work", "refused", "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert shown["error"] == {"message": "2 manifests are faulty", "place": "registry", "remedy": "mend them"}
    assert shown["problems"][0]["id"] == "MH203"


def test_an_error_names_its_kind_so_that_it_can_be_looked_up() -> None:
    assert FormatError("the answer is not JSON").to_json()["error"]["id"] == "MH602"
    assert ManifestError(PROBLEM.message, problems=[PROBLEM]).to_json()["error"]["id"] == "MH203"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("full", ["error: /disk/file: No space left on device", "  free some space on that disk"]),
        ("forbidden", ["error: /root/file: Permission denied", "  give this user the right"]),
        ("bug", ["error: unforeseen ZeroDivisionError: division by zero", "  run it again with --debug"]),
    ],
)
def test_nothing_shows_a_traceback_unless_asked(how: str, said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run(demo, ["work", how])
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith(start) for line, start in zip(lines, said, strict=True)] == [True, True]
    run(demo, ["work", how, "--debug"])
    assert "Traceback" in capsys.readouterr().err


def test_a_shell_gets_completions(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_DEMO_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "demo wo")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run(demo) == 0
    assert capsys.readouterr().out == "plain,work\n"


def test_a_problem_without_an_id_of_ours_is_a_bug() -> None:
    with pytest.raises(ValueError, match="MH999"):
        Problem("MH999", "what?")
