"""A secret that was rotated shows as drift, by a salted hash that says nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molthub.secrets.resolver import Resolver
from molthub.secrets.rotation import SaltedVersions, version_of
from molthub.secrets.value import SecretValue
from tests.reconciler.world import World, state_of
from tests.secrets.fakes import FakeProvider
from tests.secrets.leaks import leaks
from tests.secrets.places import secret, settings

SERVER = {"command": "x", "env": {"T": "${secrets.token}"}}


@pytest.fixture
def watching(world: World, home: Path) -> World:
    settings(home, "watch: true")
    secret(home, "token", "CANARY-first")
    world.site.bot("prod/ada", {"mcp/hub": SERVER, "env/LEVEL": "debug"})
    world.site.publish()
    return world


def test_a_rotated_secret_is_drift_until_the_bot_was_told(watching: World, home: Path) -> None:
    said = []
    assert watching.molthub("reconcile").status == 0
    assert watching.molthub("drift").status == 0
    secret(home, "token", "CANARY-second")
    report = watching.report("drift", status=3)
    said.append(repr(report))
    assert state_of(report, "prod/ada") == "drifted"
    assert "rotated" in repr(report["bots"][0])
    said.append(watching.molthub("drift").stdout)
    told = watching.report("reconcile", status=0)
    assert (state_of(told, "prod/ada"), told["bots"][0]["changes"][0]["result"]) == ("in-sync", "applied")
    said.append(repr(told))
    assert watching.molthub("drift").status == 0, "it is told once"
    assert leaks(["CANARY-first", "CANARY-second"], said, [watching.folder], []) == []
    salts = [*watching.state.rglob("salt")]
    assert [salt.stat().st_mode & 0o777 for salt in salts] == [0o600]


def test_a_secret_that_is_gone_or_comes_later_is_no_rotation(watching: World, home: Path) -> None:
    (home / ".config/molthub/secrets/token").unlink()
    assert watching.molthub("reconcile").status == 0
    secret(home, "token", "now")
    assert watching.molthub("drift").status == 0
    assert watching.molthub("reconcile").status == 0
    (home / ".config/molthub/secrets/token").unlink()
    assert watching.molthub("drift").status == 0


def test_nothing_is_asked_or_written_unless_it_is_wanted(watching: World, home: Path) -> None:
    assert watching.molthub("plan").status == 3
    assert not [*watching.state.rglob("salt")], "a plan writes nothing"
    settings(home, "watch: false")
    assert watching.molthub("reconcile").status == 0
    assert not [*watching.state.rglob("salt")]
    settings(home, "watch: x")
    ran = watching.molthub("reconcile")
    assert (ran.status, "secrets are not watched" in ran.stderr) == (0, True)


def test_a_salt_that_others_could_read_is_not_used(watching: World, home: Path) -> None:
    assert watching.molthub("reconcile").status == 0
    (salt,) = watching.state.rglob("salt")
    salt.chmod(0o644)
    secret(home, "token", "another")
    assert watching.molthub("drift").status == 0


def test_processes_that_begin_at_once_share_one_salt(tmp_path: Path) -> None:
    held = [
        SaltedVersions(tmp_path / "state", lambda _bot: Resolver([FakeProvider("p", {"a": "1"})]), may_make=True)
        for _ in range(3)
    ]
    found = [versions.versions("prod/ada", ["a", "b"]) for versions in held]
    assert found[0] == found[1] == found[2]
    assert found[0].keys() == {"a"}
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["salt"]


def test_what_bots_share_is_asked_for_once_in_a_while(tmp_path: Path) -> None:
    provider, now = FakeProvider("p", {"a": "1", "b": "2"}), [100.0]
    versions = SaltedVersions(
        tmp_path, lambda _bot: Resolver([provider]), may_make=True, is_shared=True, clock=lambda: now[0]
    )
    first = [versions.versions(f"prod/{number}", ["a"])["a"] for number in range(3)]
    assert len(set(first)) == 3, "each bot's own, all the same"
    assert versions.versions("prod/0", ["a", "b", "c"]).keys() == {"a", "b"}
    assert provider.asked == [("a",), ("b", "c")]
    now[0] += 60
    assert versions.versions("prod/0", ["a"])["a"] == first[0]
    assert provider.asked[2:] == [("a",)], "a secret may have changed since"


@given(*(st.text() for _ in range(4)), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_version_is_of_one_value_of_one_bot_by_one_salt(
    value: str, other: str, name: str, bot: str, salt: bytes, salt_too: bytes
) -> None:
    version = version_of(salt, bot, name, SecretValue(value))
    assert version == version_of(salt, bot, name, SecretValue(value))
    assert (version == version_of(salt, bot, name, SecretValue(other))) == (value == other)
    assert (version == version_of(salt_too, bot, name, SecretValue(value))) == (salt == salt_too)
    assert version != version_of(salt, bot + "x", name, SecretValue(value))
