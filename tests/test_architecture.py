"""The shape of the code: import contracts, lean dependencies, light start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_import_contracts_are_kept() -> None:
    done = subprocess.run([sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
                          cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("heavy", ["pygit2", "jsonschema", "ruamel", "jinja2", "watchfiles", "ssl", "semantic_version"])
def test_a_plain_command_imports_nothing_heavy(heavy: str) -> None:
    program = f"import sys; from molthub.cli.main import skills_group; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_importing_molthub_costs_nothing() -> None:
    program = "import sys, molthub; print([m for m in sys.modules if m.startswith('molthub')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['molthub']"
