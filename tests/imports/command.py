"""`molthub import` as it is typed, for hosts of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.registry.command import Ran, run_molthub

ALLOWED = ("--allow-upstream", "http", "--allow-upstream", "private")


def run_import(capsys: pytest.CaptureFixture[str], place: Path, *arguments: object) -> Ran:
    return run_molthub(capsys, "import", *arguments, "--registry", place, "--yes", *ALLOWED)


def entry(place: Path, name: str, version: str, kind: str = "skills") -> Any:
    """Return what project.yaml says of a version."""
    versions = yaml.safe_load((place / kind / name / "project.yaml").read_text())["versions"]
    return {str(number): record for number, record in versions.items()}[version]


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
