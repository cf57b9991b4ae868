"""Packages that load their names on first use offer every one of them, and load no more than was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from types import ModuleType

import pytest

from molthub import documents, model

PACKAGES = [documents, model]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_name_is_there(package: ModuleType) -> None:
    listed = {public for names in package._MODULES.values() for public in names.split()}  # noqa: SLF001
    assert listed <= set(package.__all__)
    for public in package.__all__:
        assert hasattr(package, public)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_another_name_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = package.nothing_of_the_kind


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import molthub.cli.main", ["yaml", "ssl", "http", "hashlib", "molthub.model", "importlib.metadata"]),
        ("from molthub.model import SkillEntry", ["molthub.model.declared", "molthub.model.desired"]),
        ("from molthub.client.skill_manager import SkillManager", ["hashlib", "ssl", "molthub.model.content"]),
        ("from molthub.client.index import Index", ["ssl", "molthub.model.desired", "molthub.search_lists"]),
        ("import molthub.cli.verify", ["hashlib", "tempfile", "molthub.publisher_signatures", "molthub.client.index"]),
        ("import molthub_reconciler.commands.passes", ["molthub.model", "molthub.client.index", "asyncio"]),
    ],
)
def test_what_is_not_needed_is_not_loaded(code: str, unwanted: list[str]) -> None:
    command = [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it loads much
    loaded = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split()
    assert not set(unwanted) & set(loaded)
