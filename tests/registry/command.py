"""Running a command line as a person would, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import click
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from molthub import schema_files
from molthub.cli.main import molthub_group, skills_group
from molthub.console import run

__all__ = ["Command", "Ran", "assert_document", "run_molthub", "run_skills"]


class Ran:
    """What a command did: its exit status and what it said."""

    def __init__(self, status: int, captured: Any) -> None:
        self.status = status
        self.out: str = captured.out
        self.err: str = captured.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"exit {self.status}\n{self.out}\n{self.err}"


Command = Callable[..., Ran]
"""Runs a command line: its words in, what it did out."""


def _run(group: click.Group, capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    capsys.readouterr()
    status = run(group, [str(argument) for argument in arguments])
    ran = Ran(status, capsys.readouterr())
    if "--json" in arguments and tuple(arguments[:2]) in PRINTED and ran.out:
        assert_printed(arguments, ran.json)
    return ran


def run_molthub(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    return _run(molthub_group, capsys, *arguments)


def run_skills(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    return _run(skills_group, capsys, *arguments)


PRINTED = {
    ("skill-packs", "create"): "pack-written",
    ("skill-packs", "rollback"): "pack-written",
    ("skill-packs", "update"): "pack-update-result",
    ("skill-packs", "import"): "pack-import-result",
    ("skill-packs", "attach"): "attachment-result",
    ("skill-packs", "detach"): "attachment-result",
    ("skill-packs", "bots"): "pack-bots",
    ("skill-packs", "sync"): "pack-sync",
    ("skill-packs", "list"): "pack-list",
    ("skill-packs", "show"): "pack-shown",
    ("skill-packs", "diff"): "pack-diff",
    ("skill-packs", "export"): "pack-export-result",
    ("bots", "list"): "bot-list",
    ("bots", "show"): "bot-shown",
}
"""The schema of what a command prints with `--json`."""


def assert_printed(words: Sequence[object], document: Any) -> None:
    """Hold what a command line printed as JSON against its schema; an error has one shape for all."""
    group, command = (str(word) for word in words[:2])
    kind = PRINTED[group, command]
    if "error" in document:
        return
    assert_document("fleet-attachment" if kind == "attachment-result" and "fleet" in document else kind, document)


def assert_document(kind: str, document: Any) -> None:
    """Hold what a command printed as JSON against the schema that is published for it."""
    schema_validator(kind).validate(document)


def schema_validator(kind: str) -> Draft202012Validator:
    """Return the validator of a published schema."""
    schemas = [schema_files.load(name) for name in schema_files.names()]
    known = Registry[Any]().with_resources((one["$id"], Resource.from_contents(one)) for one in schemas)
    return Draft202012Validator(schema_files.load(kind), registry=known)
