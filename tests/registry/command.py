"""Running a command line as a person would, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
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
    return Ran(status, capsys.readouterr())


def run_molthub(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    return _run(molthub_group, capsys, *arguments)


def run_skills(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    return _run(skills_group, capsys, *arguments)


def assert_document(kind: str, document: Any) -> None:
    """Hold what a command printed as JSON against the schema that is published for it."""
    schema_validator(kind).validate(document)


def schema_validator(kind: str) -> Draft202012Validator:
    """Return the validator of a published schema."""
    schemas = [schema_files.load(name) for name in schema_files.names()]
    known = Registry[Any]().with_resources((one["$id"], Resource.from_contents(one)) for one in schemas)
    return Draft202012Validator(schema_files.load(kind), registry=known)
