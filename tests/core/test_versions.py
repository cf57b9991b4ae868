"""Versions and ranges mean what SemVer and npm say."""

from __future__ import annotations

import pytest
import semantic_version
from hypothesis import given
from hypothesis import strategies as st

from molthub import versions
from molthub.errors import ResolutionError

identifiers = st.integers(0, 99).map(str) | st.from_regex(r"[A-Za-z-][0-9A-Za-z-]{0,3}", fullmatch=True)
semver = st.builds(
    lambda core, pre: ".".join(map(str, core)) + ("-" + ".".join(pre) if pre else ""),
    st.tuples(*[st.integers(0, 20)] * 3), st.lists(identifiers, max_size=3),
)  # fmt: skip


@given(st.lists(semver, min_size=2, max_size=8))
def test_the_order_is_semver_precedence(found: list[str]) -> None:
    expected = sorted(found, key=semantic_version.Version)
    assert [semantic_version.Version(v) for v in sorted(found, key=versions.sort_key)] == [
        semantic_version.Version(v) for v in expected
    ]


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("1.5.0", "^1.2", True),
        ("2.0.0", "^1.2", False),
        ("1.5.0", ">=1.0,<2", True),
        ("1.5.0", ">=1.0, <1.5 || ^3", False),
        ("1.5.0-rc.1", "^1.2.0", False),
        ("1.5.0-rc.2", ">=1.5.0-rc.1", True),
        ("1.5.0-rc.1", "1.5.0-rc.1", True),
        ("1.5.0", None, True),
        ("1.5.0", "latest", True),
        ("1.5.0-rc.1", "latest", False),
    ],
)
def test_ranges_mean_what_npms_mean(version: str, wanted: str | None, expected: bool) -> None:
    assert versions.matches(version, wanted) is expected


def test_what_is_no_range_is_refused() -> None:
    with pytest.raises(ResolutionError, match="'banana' is not a version range"):
        versions.matches("1.0.0", "banana")
    assert not versions.is_range("banana")
    assert versions.is_range("~1.2 || >3")


def test_latest_is_the_highest_release() -> None:
    assert versions.latest(["1.9.0", "1.10.0", "2.0.0-rc.1"]) == "1.10.0"
    assert versions.latest(["2.0.0-rc.1"]) is None
    assert versions.highest(["1.0.0", "1.4.2", "2.0.0"], "^1") == "1.4.2"
