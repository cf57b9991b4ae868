"""Whatever a bot's owner, git, an operator and a sudden end do: the laws of policy hold, and quiet brings it in sync.

One bot on a real disk, with the whole way from a published index to its files. Its owner edits, truncates, deletes,
adds and changes modes; git publishes versions, takes keys away, withdraws versions and changes policy; operators roll
back and let go; passes are killed between two writes.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from molthub.errors import Problem
from molthub.model import Json, KeyRule, SkillRelease, Suspension, SyncPolicy, Window
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.report import BotReport
from molthub_reconciler.rollback import release, roll_back
from molthub_reconciler.subjects import Choice
from molthub_reconciler.targets.base import Home, Step
from molthub_reconciler.targets.directory import DirectoryTarget
from molthub_reconciler.workplace import Workplace
from tests.fakes import Killed
from tests.reconciler.site import Site, contents, stamps
from tests.reconciler.test_drift_kinds import shard
from tests.reconciler.world import World

SKILLS = ("git", "docker")
SKILL_ROOT = ".claude/skills"
FILES = ("SKILL.md", "docs/a.md", "scripts/run.sh")
BASE = SyncPolicy("correct", prune=True)
NEVER = Window("deny", "* * * * *", "2m")
POLICIES = {
    "correct": BASE,
    "detect": replace(BASE, mode="detect"),
    "suspended": replace(BASE, suspend=Suspension(reason="a law")),
    "closed": replace(BASE, windows=(NEVER,)),
    "ignoring": replace(BASE, ignore=(KeyRule("skill/git", reason="a law"), KeyRule("env/LEVEL", reason="a law"))),
    "partly": replace(BASE, ignore=(KeyRule("skill/*/docs", reason="a law"), KeyRule("mcp/*/env", reason="a law"))),
    "removing": replace(BASE, revoked="remove"),
}
DAMAGES = ("edit", "truncate", "delete", "mode")
STILL = ("detect", "suspended", "closed")
"""Policies under which nothing of a bot is ever changed."""


class Mortal(DirectoryTarget):
    """A target whose process may end between two writes."""

    lives: int | None = None

    def apply(self, work: Sequence[tuple[Home, Sequence[Step]]]) -> list[Mapping[str, Problem]]:
        return [self._one_by_one(home, steps) for home, steps in work]

    def _one_by_one(self, home: Home, steps: Sequence[Step]) -> dict[str, Problem]:
        done: dict[str, Problem] = {}
        for step in steps:
            if Mortal.lives is not None:
                if Mortal.lives == 0:
                    raise Killed
                Mortal.lives -= 1
            done |= super().apply([(home, [step])])[0]
        return done


class Life:
    """One bot, everybody around it, and what must stay so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(self.folder)
        self.site: Site = self.world.site
        self.home = self.world.home("prod/ada")
        self.desired: dict[str, Json] = {}
        self.policy = "correct"
        self.revision = 0
        self.withdrawn: set[str] = set()
        self.owned: dict[str, bytes] = {}
        self.pinned: str | None = None
        self.instead_of: str | None = None

    # --- git -------------------------------------------------------------------------------------------------------

    def begin(self, versions: tuple[int, int]) -> None:
        self.home.mkdir(parents=True)
        self.own(".claude.json", json.dumps({"theme": "dark", "mcpServers": {"mine": {"command": "true"}}}, indent=2))
        self.own(f"{SKILL_ROOT}/own/SKILL.md", "mine")
        self.publish(versions, "debug")

    def publish(self, versions: tuple[int, int], level: str) -> None:
        skills = {f"skill/{name}": self.version(name, number) for name, number in zip(SKILLS, versions, strict=True)}
        server = {"command": "npx", "args": [str(versions[0])], "env": {"T": "${secrets.t}", "LEVEL": level or "x"}}
        self.desired = {**skills, "mcp/github": server, **({"env/LEVEL": level} if level else {})}
        self.declare()

    def take_away(self, name: str) -> None:
        self.desired.pop(f"skill/{name}", None)
        self.declare()

    def change_policy(self, policy: str) -> None:
        self.policy = policy
        self.declare()

    def live_under(self, policy: str, name: str, number: int) -> None:
        """Change policy; then the owner damages a skill, git moves on, and a pass comes by."""
        self.change_policy(policy)
        self.delete_skill(name)
        self.publish((number, number), "info")
        self.reconcile(None)

    def withdraw(self, name: str, back: bool) -> None:
        digest = str(self.desired.get(f"skill/{name}"))
        (self.withdrawn.discard if back else self.withdrawn.add)(digest)
        self.declare()

    def version(self, name: str, number: int) -> str:
        return self.site.skill(name, f"{number}.0.0", dict.fromkeys(FILES, f"{name} {number}\n" * 3))

    def declare(self) -> None:
        self.revision += 1
        self.site.revision = f"{self.revision:040x}"
        self.site.bot("prod/ada", self.desired, platform="claude-code", sync=POLICIES[self.policy])
        self.site.publish()
        for name in SKILLS:
            known = [one for one in self.site.artifacts.values() if one.name == name and one.digest in self.withdrawn]
            if known:
                found = {one.version: SkillRelease(one, "2026-11-01T00:00:00Z", quarantined="bad") for one in known}
                shard(self.world, name, found)
                break

    # --- the owner -------------------------------------------------------------------------------------------------

    def damage(self, name: str, path: str, how: str) -> None:
        file = self.home / SKILL_ROOT / name / path
        if not file.is_file():
            return
        if how == "delete":
            file.unlink()
        elif how == "mode":
            file.chmod(0o755 if path == "SKILL.md" else 0o644)
        else:
            file.write_text("edited" if how == "edit" else "")

    def delete_skill(self, name: str) -> None:
        shutil.rmtree(self.home / SKILL_ROOT / name, ignore_errors=True)

    def add_file(self, name: str) -> None:
        if (self.home / SKILL_ROOT / name).is_dir():
            (self.home / SKILL_ROOT / name / "more.md").write_text("more")

    def edit_server(self, value: str) -> None:
        with self.settings() as document:
            server = document["mcpServers"].get("github")
            if server is not None:
                server.setdefault("env", {})["LEVEL"] = value

    def edit_variable(self, value: str) -> None:
        file = self.home / ".claude/settings.json"
        document = json.loads(self.text(".claude/settings.json") or "{}")
        if "LEVEL" in document.get("env", {}):
            document["env"]["LEVEL"] = value
            file.write_text(json.dumps(document))

    def add_own_things(self, number: int) -> None:
        self.own(f"notes/{number}.md", f"note {number}")
        self.own(f"{SKILL_ROOT}/own-{number}/SKILL.md", "mine, too")

    def own(self, path: str, text: str) -> None:
        place = self.home / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        if path != ".claude.json":
            self.owned[path] = text.encode()

    @contextlib.contextmanager
    def settings(self) -> Iterator[dict[str, Json]]:
        document = json.loads((self.home / ".claude.json").read_text())
        yield document
        (self.home / ".claude.json").write_text(json.dumps(document, indent=2))

    # --- operators and passes --------------------------------------------------------------------------------------

    def reconcile(self, lives: int | None) -> None:
        before, places = stamps(self.home), self.ignored_places()
        Mortal.lives = lives
        try:
            report: BotReport | None = self.place().once("reconcile", Rules(act=True)).bots[0]
        except Killed:
            report = None
        Mortal.lives = None
        self.note_pin()
        if self.policy in STILL:
            assert stamps(self.home) == before, "a bot that is to be left as it is was touched"
        assert self.ignored_places() == places, "what is ignored was written"
        if report is not None and self.pinned is not None:
            assert report.desired == self.pinned, "the pin did not hold"

    def look(self) -> None:
        before = contents(self.folder)
        self.place().once("drift", Rules(show_ignored=True))
        assert contents(self.folder) == before

    def go_back(self) -> None:
        if self.policy == "suspended":
            return
        place = self.place()
        report = roll_back(place, Choice(bots=frozenset(["prod/ada"])), None, Rules(act=True, forced=None)).bots[0]
        if report.pinned is not None:
            self.pinned, self.instead_of = str(report.pinned["digest"]), self.asked()

    def let_go(self) -> None:
        release(self.place().state, ["prod/ada"])
        self.pinned = None

    def note_pin(self) -> None:
        """Take note of the end of a pin: git asks for something else by a commit that is newer than the rollback."""
        if self.pinned is not None and self.asked() != self.instead_of:
            self.pinned = None

    def asked(self) -> str | None:
        return self.site.bots["prod/ada"].digest

    def place(self) -> Workplace:
        place = Workplace(str(self.site.folder), self.world.target, self.world.state, Choice())
        place.target_kind = Mortal
        return place

    def ignored_places(self) -> dict[str, bytes | str]:
        if self.policy == "ignoring":
            found = contents(self.home / SKILL_ROOT / "git")
            value = json.loads(self.text(".claude/settings.json") or "{}").get("env", {}).get("LEVEL")
            return {**found, "LEVEL": str(value)}
        return {}

    def text(self, path: str) -> str:
        place = self.home / path
        return place.read_text() if place.is_file() else ""

    # --- what must be so -------------------------------------------------------------------------------------------

    def nothing_of_the_owners_is_lost(self) -> None:
        for path, content in self.owned.items():
            assert (self.home / path).read_bytes() == content
        if self.home.exists():
            settings = json.loads(self.text(".claude.json"))
            assert settings["theme"] == "dark"
            assert settings["mcpServers"]["mine"] == {"command": "true"}

    def quiet(self) -> None:
        """After everybody left, every key is as git says but what the owner edited and git took away."""
        self.policy, self.withdrawn, self.pinned = "correct", set(), None
        release(self.place().state, ["prod/ada"])
        self.declare()
        rules = Rules(act=True, allow_mass_removal=True)
        self.place().once("reconcile", rules)
        report = self.place().once("reconcile", replace(rules, full=True)).bots[0]
        left = [change for change in report.changes if change.get("drift") != "extra"]
        assert all(change["action"] == "keep" for change in left), left
        assert all(change["key"] not in self.desired for change in left), left
        assert report.state == ("conflict" if left else "in-sync")
        before = stamps(self.home)
        self.place().once("reconcile", rules)
        assert stamps(self.home) == before
        self.nothing_of_the_owners_is_lost()


versions = st.tuples(st.integers(1, 3), st.integers(1, 3))
names = st.sampled_from(SKILLS)
policies = st.sampled_from(sorted(POLICIES))
passes = st.tuples(st.just("reconcile"), st.none() | st.none() | st.integers(0, 4))
events = st.lists(
    st.one_of(
        passes,
        passes,
        passes,
        st.tuples(st.just("publish"), versions, st.sampled_from(["debug", "info", ""])),
        st.tuples(st.just("take_away"), names),
        st.tuples(st.just("change_policy"), policies),
        st.tuples(st.just("live_under"), policies, names, st.integers(1, 3)),
        st.tuples(st.just("live_under"), policies, names, st.integers(1, 3)),
        st.tuples(st.just("withdraw"), names, st.booleans()),
        st.tuples(st.just("damage"), names, st.sampled_from(FILES), st.sampled_from(DAMAGES)),
        st.tuples(st.just("delete_skill"), names),
        st.tuples(st.just("add_file"), names),
        st.tuples(st.just("edit_server"), st.sampled_from(["trace", "hunter2"])),
        st.tuples(st.just("edit_variable"), st.sampled_from(["trace", "info"])),
        st.tuples(st.just("add_own_things"), st.integers(1, 3)),
        st.tuples(st.just("look")),
        st.tuples(st.just("go_back")),
        st.tuples(st.just("let_go")),
    ),
    min_size=8,
    max_size=16,
)


@settings(max_examples=12, deadline=None)
@given(versions, events)
def test_the_laws_hold_whatever_happens(first: tuple[int, int], happened: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder))
        life.begin(first)
        life.reconcile(None)
        for name, *arguments in happened:
            getattr(life, name)(*arguments)
            life.nothing_of_the_owners_is_lost()
        life.quiet()
