"""The numbers of passes, as Prometheus' own client reads them; and reports as CSV."""

from __future__ import annotations

import csv
import io
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from molthub.model import Json
from molthub_reconciler.metrics.passes import PassNumbers
from molthub_reconciler.report import BotReport, Report
from tests.reconciler.drifted import TOKEN, damaged
from tests.reconciler.running import running, wait_for
from tests.reconciler.world import World, run_molthub

Numbers = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> Numbers:
    """Return the samples by name and labels; the parser refuses what Prometheus would not take."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def number(numbers: Numbers, name: str, **labels: str) -> float | None:
    return numbers.get((f"molthub_{name}", frozenset(labels.items())))


def test_drift_is_told_in_numbers_and_no_value_is_in_them(world: World, desired: dict[str, Json]) -> None:
    damaged(world, desired)
    done = world.molthub("drift", "--format", "prometheus")
    assert done.status == 3
    numbers = read(done.stdout)
    report = world.report("drift", status=3)
    states = [bot["state"] for bot in report["bots"] if bot["bot"].startswith("prod/")]
    assert number(numbers, "bots", fleet="prod", state="drifted") == states.count("drifted") > 0
    assert number(numbers, "bots", fleet="prod", state="failed") == 0
    assert number(numbers, "revision_info", revision=report["revision"]) == 1
    assert number(numbers, "index_readable") == 1
    modified = [change for bot in report["bots"] for change in bot["changes"] if change.get("drift") == "modified"]
    assert number(numbers, "bot_differences", fleet="prod", kind="modified") == len(modified) > 0
    assert TOKEN not in done.stdout
    assert not any(name.endswith("_total") for name, _ in numbers)


def test_one_pass_writes_a_file_that_others_may_read(world: World) -> None:
    world.site.bot("prod/ada", {"env/LEVEL": "info"}, platform="claude-code")
    world.site.publish()
    file = world.folder / "molthub.prom"
    world.report("reconcile", "--metrics", str(file), status=0)
    numbers = read(file.read_text())
    assert number(numbers, "bot_in_sync", fleet="prod", bot="ada", platform="claude-code") == 1
    assert (number(numbers, "last_pass_duration_seconds") or 0) > 0
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_file_that_cannot_be_written_stops_nothing(world: World) -> None:
    world.site.bot("prod/ada", {"env/LEVEL": "info"})
    world.site.publish()
    done = world.molthub("reconcile", "--metrics", str(world.folder / "nowhere/molthub.prom"))
    assert done.status == 0
    assert "the numbers cannot be written" in done.stderr


def test_who_keeps_bots_is_scraped_and_counts(world: World) -> None:
    world.site.bot("prod/ada", {"env/LEVEL": "info"})
    world.site.publish()
    with running(world, "--metrics", "127.0.0.1:0") as program:
        wait_for(lambda: "/metrics" in program.said(), program)
        url = next(word for word in program.said().split() if word.endswith("/metrics"))

        def scraped() -> Numbers:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (loopback)
                assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                return read(answer.read().decode())

        wait_for(lambda: number(scraped(), "changes_total", fleet="prod", result="applied") == 1, program)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(url.replace("/metrics", "/"), timeout=5)  # noqa: S310 (loopback)
        (world.site.folder / "registry.json").rename(world.folder / "away")
        wait_for(lambda: number(scraped(), "index_readable") == 0, program)
        assert number(scraped(), "bots", fleet="prod", state="in-sync") == 1


def test_an_address_that_is_taken_and_one_for_a_single_pass_are_refused(world: World) -> None:
    world.site.bot("prod/ada", {"env/LEVEL": "info"})
    world.site.publish()
    assert "one pass" in world.molthub("reconcile", "--metrics", "127.0.0.1:9464").stderr
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        running(world, "--metrics", f"127.0.0.1:{taken.getsockname()[1]}") as program,
    ):
        wait_for(lambda: "nothing can listen there" in program.said(), program)
        assert program.process.wait(timeout=20) == 2


def test_bots_that_a_pass_does_not_tell_are_as_before_and_names_are_escaped() -> None:
    def report(*bots: str) -> Report:
        told = tuple(BotReport(bot, "in-sync", 'a "b"\\\n') for bot in bots)
        return Report("reconcile", "2026-11-20T18:00:00Z", "1" * 40, told)

    numbers = PassNumbers(counts=True)
    numbers.add(report("prod/ada", "prod/bob"))
    numbers.add(report("prod/ada"), is_whole=False)
    numbers.failed(is_readable=False)
    found = read(numbers.text().decode())
    assert number(found, "bots", fleet="prod", state="in-sync") == 2
    assert number(found, "bot_in_sync", fleet="prod", bot="bob", platform='a "b"\\\n') == 1
    assert [number(found, "passes_total", result=result) for result in ("done", "failed")] == [2, 1]
    numbers.add(report("prod/ada"))
    assert number(read(numbers.text().decode()), "bots", fleet="prod", state="in-sync") == 1


def test_a_spreadsheet_gets_a_line_for_each_difference_and_each_bot_without(
    world: World, desired: dict[str, Json], tmp_path: Path
) -> None:
    damaged(world, desired)
    file = tmp_path / "drift.csv"
    assert world.molthub("drift", "--format", "csv", "--output", str(file)).status == 3
    lines = list(csv.DictReader(io.StringIO(file.read_text())))
    report = world.report("drift", status=3)
    told = [(bot["bot"], change["key"]) for bot in report["bots"] for change in bot["changes"] or [{"key": ""}]]
    assert [(line["bot"], line["key"]) for line in lines] == told
    assert {line["revision"] for line in lines} == {report["revision"]}
    assert TOKEN not in file.read_text()
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line.values())


def test_who_is_installed_may_write_the_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.folder)
    world.site.bot("prod/ada", {"env/LEVEL": "info"})
    world.site.publish()
    world.target.mkdir()
    places = ("--index", str(world.site.folder), "--target", str(world.target), "--install")
    unit = run_molthub("reconcile", *places, "--metrics", "molthub.prom", "-l", "machine=m1").stdout
    assert f"--metrics {world.folder}/molthub.prom" in unit
    assert "--selector machine=m1" in unit
    assert "--metrics 127.0.0.1:9464" in run_molthub("reconcile", *places, "--metrics", "127.0.0.1:9464").stdout
