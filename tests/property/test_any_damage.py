"""Apply converges from any damage: whatever befalls bots of every kind of file, quiet brings them in sync.

A fleet on a real disk, from a published index to the files of its programs, passes as processes of their own. Owners
keep things of their own beside ours, edit, cut off, delete and replace ours, put links and files in our way and take
rights away; git publishes versions, takes keys away, withdraws versions, changes policy; secrets are rotated;
operators roll back, let go and force; passes are killed before any of their writing calls, or find the disk full.
Then everybody leaves, broken files and obstacles are cleared by whose they are, and two passes later every bot has
what git says, a further pass writes nothing, and nothing of an owner's was lost on the way.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from molthub.errors import PlatformFileError
from molthub.model import Json, KeyRule, SkillRelease, Suspension, SyncPolicy, Window
from molthub.platforms import platform
from molthub.platforms.config_file import ConfigFile
from molthub.platforms.rows import BY_NAME
from molthub_reconciler.plan import Place
from molthub_reconciler.reconcile import Rules
from molthub_reconciler.records.state import TargetState
from molthub_reconciler.rollback import release
from molthub_reconciler.subjects import Choice
from molthub_reconciler.workplace import Workplace
from tests.reconciler.mortal import Mortals
from tests.reconciler.site import contents, stamps
from tests.reconciler.test_drift_kinds import shard
from tests.reconciler.test_table_programs import owners_text
from tests.reconciler.world import World
from tests.secrets.places import secret
from tests.secrets.places import settings as secret_settings

LIVES = int(os.environ.get("MOLTHUB_LIVES", "4"))
PLATFORMS = {
    "prod/ada": "claude-code",
    "prod/cody": "codex",
    "prod/iris": "hermes",
    "prod/otto": "openclaw",
    "prod/tia": "agents-dir",
    "prod/tom": "agents-dir",
}
SHARED = ("prod/tia", "prod/tom")
BASE = SyncPolicy("correct", prune=True)
LAW = KeyRule("skill/git", reason="a law")
POLICIES = {
    "correct": BASE,
    "removing": replace(BASE, revoked="remove"),
    "detect": replace(BASE, mode="detect"),
    "suspended": replace(BASE, suspend=Suspension(reason="a law")),
    "closed": replace(BASE, windows=(Window("deny", "* * * * *", "2m"),)),
    "ignoring": replace(BASE, ignore=(LAW,)),
    "partly": replace(BASE, ignore=(KeyRule("skill/*/docs", reason="a law"), KeyRule("mcp/*/env", reason="a law"))),
}
STILL = ("detect", "suspended", "closed")
"""Policies under which nothing of a bot is changed, unless it is forced."""
OWN_CODEX = '# by hand\nmodel = "mine"\n\n[mcp_servers.mine]\ncommand = "true"\n'
OWN_OPENCLAW = "{\n  // by hand\n  theme: 'dark',\n}\n"


LATER = "later"
"""A skill that an owner may have made before git asks for one of that name."""


class Pass(NamedTuple):
    """How a pass ends: killed before one of its writing calls, or unable to write files of more than so many bytes."""

    dies_at: int | None = None
    largest: int | None = None


Then = Pass | None
bots = st.sampled_from(sorted(PLATFORMS))
names = st.sampled_from(["git", "docker"])
numbers = st.integers(0, 1000)
versions = st.integers(1, 3)
alive = st.just(Pass())
deadly = st.builds(Pass, dies_at=st.integers(0, 150))
cramped = st.builds(Pass, largest=st.sampled_from([0, 300, 1000, 5000]))
ways = st.none() | alive | alive | deadly | cramped
"""Whether a pass comes by after something happened, and how it ends: killed, or with a disk that is full."""


class AnyDamage(RuleBasedStateMachine):
    """The fleet, everybody around it, and what must stay so."""

    mortals: Mortals

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.world = World(self.folder / "world")
        self.precious = self.folder / "precious"
        self.revision = 0
        self.desired: dict[str, dict[str, Json]] = {}
        self.policy = dict.fromkeys(PLATFORMS, "correct")
        self.withdrawn: set[str] = set()
        self.owned: dict[Path, bytes] = {}
        self.own_lines: dict[Path, tuple[str, ...]] = {}
        self.closed: set[Path] = set()

    # --- the beginning -----------------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        """Let owners have something before we come, bring the fleet in sync for the first time."""
        self.precious.mkdir()
        (self.precious / "thesis.md").write_text("years of work")
        home = Path(os.environ["HOME"])
        secret_settings(home, "watch: true")
        secret(home, "token", "first")
        claude, hermes = BY_NAME["claude-code"], BY_NAME["hermes"]
        self.has("prod/ada", claude.server_file("linux"), owners_text(claude), '"theme": "dark"', '"mine"')
        self.has("prod/iris", hermes.server_file("linux"), owners_text(hermes), "dark # by hand", "mine:")
        self.has("prod/cody", ".codex/config.toml", OWN_CODEX, "# by hand", "[mcp_servers.mine]")
        self.has("prod/otto", ".openclaw/openclaw.json", OWN_OPENCLAW, "// by hand", "theme: 'dark'")
        for bot in PLATFORMS:
            self.own_file(bot, 0)
        self.publish(1, "debug")
        assert self.reconcile() == 0

    def has(self, bot: str, file: str, text: str, *lines: str) -> None:
        place = self.home(bot) / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        self.own_lines[place] = lines

    # --- git ---------------------------------------------------------------------------------------------------------

    @rule(number=versions, level=st.sampled_from(["debug", "info", ""]), later=st.booleans(), then=ways)
    def publish(self, number: int, level: str, later: bool = False, then: Then = None) -> None:
        """Let git ask for versions, servers and variables, of all bots at once."""
        server = {"command": "npx", "args": [str(number)], "env": {"T": "${secrets.token}", "LEVEL": level or "x"}}
        for bot, name in PLATFORMS.items():
            wanted = ("git", "docker", LATER) if later else ("git", "docker")
            skills = {f"skill/{one}": self.version(one, number) for one in wanted}
            self.desired[bot] = {**skills, "mcp/github": server}
            if level and platform(name).entries("main", "env/LEVEL", level):
                self.desired[bot]["env/LEVEL"] = level
        self.declare()
        self.pass_after(then)

    @rule(bot=bots, key=st.sampled_from(["skill/git", "skill/docker", "mcp/github", "env/LEVEL"]), then=ways)
    def take_away(self, bot: str, key: str, then: Then = None) -> None:
        """Let git ask for something no more."""
        for one in SHARED if bot in SHARED else (bot,):
            self.desired[one].pop(key, None)
        self.declare()
        self.pass_after(then)

    @rule(bot=bots, policy=st.sampled_from(sorted(POLICIES)), then=ways)
    def change_policy(self, bot: str, policy: str, then: Then = None) -> None:
        """Let a bot be kept in another way; bots of one home in the same one."""
        for one in SHARED if bot in SHARED else (bot,):
            self.policy[one] = policy
        self.declare()
        self.pass_after(then)

    @rule(name=names, number=versions, back=st.booleans(), then=ways)
    def withdraw(self, name: str, number: int, back: bool, then: Then = None) -> None:
        """Quarantine a version, or take that back."""
        digest = self.version(name, number)
        (self.withdrawn.discard if back else self.withdrawn.add)(digest)
        self.declare()
        self.pass_after(then)

    def version(self, name: str, number: int) -> str:
        files = {path: f"{name} {number} {path}\n" * 40 for path in ("SKILL.md", "docs/a.md", "scripts/run.sh")}
        return self.world.site.skill(name, f"{number}.0.0", files)

    def declare(self) -> None:
        self.revision += 1
        site = self.world.site
        site.revision = f"{self.revision:040x}"
        for bot, desired in self.desired.items():
            home = "twins" if bot in SHARED else bot.partition("/")[2]
            site.bot(bot, desired, platform=PLATFORMS[bot], sync=POLICIES[self.policy[bot]], home=home)
        site.publish()
        for name in ("git", "docker"):  # an index of one shard: one skill's versions are told of at a time
            gone = [one for one in site.artifacts.values() if one.name == name and one.digest in self.withdrawn]
            if gone:
                found = {one.version: SkillRelease(one, "2026-11-01T00:00:00Z", quarantined="bad") for one in gone}
                shard(self.world, name, found)
                return

    # --- owners and accidents ----------------------------------------------------------------------------------------

    @rule(bot=bots, number=st.integers(0, 2), then=ways)
    def own_file(self, bot: str, number: int, then: Then = None) -> None:
        """Let an owner have notes and a skill of his own."""
        root = platform(PLATFORMS[bot]).skills_root("main")
        for path in (f"notes/{number}.md", f"{root}/own-{number}/SKILL.md"):
            place = self.home(bot) / path
            with contextlib.suppress(OSError):  # something stands in the way just now
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(f"mine {number}")
                self.owned[place] = place.read_bytes()
        self.pass_after(then)

    @rule(bot=bots, then=ways)
    def own_what_git_may_ask_for(self, bot: str, then: Then = None) -> None:
        """Let an owner make a skill, whose name git may come to use, where we have none."""
        place = self.skill(bot, LATER) / "SKILL.md"
        sharing = SHARED if bot in SHARED else (bot,)
        state = TargetState(self.world.state, str(self.world.target))
        if not any(f"skill/{LATER}" in state.receipt(one)[0].keys for one in sharing):
            with contextlib.suppress(OSError):
                place.parent.mkdir(parents=True)
                place.write_text("mine, and first")
                self.owned[place] = place.read_bytes()
        self.pass_after(then)

    @rule(
        bot=bots,
        pick=numbers,
        how=st.sampled_from(["edit", "truncate", "delete", "mode", "rubbish", "folder", "link"]),
        then=ways,
    )
    def damage_file(self, bot: str, pick: int, how: str, then: Then = None) -> None:
        """Spoil any one of the files that are not the owner's alone; with it goes what he has in it."""
        files = [path for path in self.files(bot) if path not in self.owned]
        if files:
            place = files[pick % len(files)]
            if how != "mode" or place.parent.name == "scripts":
                self.own_lines.pop(place, None)
            _spoil(place, how, self.precious / "thesis.md")
        self.pass_after(then)

    @rule(bot=bots, name=names, how=st.sampled_from(["delete", "add", "file", "link"]), then=ways)
    def damage_skill(self, bot: str, name: str, how: str, then: Then = None) -> None:
        """Spoil the folder of one of our skills."""
        place = self.home(bot) / platform(PLATFORMS[bot]).skills_root("main") / name
        if place.is_dir() and not place.is_symlink():
            if how == "add":
                (place / "more.md").write_text("more")
            else:
                shutil.rmtree(place)
            if how == "file":
                place.write_text("in the way")
            elif how == "link":
                place.symlink_to(self.precious)
        self.pass_after(then)

    @rule(bot=bots, pick=numbers, value=st.sampled_from(["hacked", {"command": "evil"}, None]), then=ways)
    def edit_value(self, bot: str, pick: int, value: Json, then: Then = None) -> None:
        """Edit or take away one of the values that we wrote, in whatever form the file has."""
        receipt = TargetState(self.world.state, str(self.world.target)).receipt(bot)[0]
        places = sorted({place for written in receipt.keys.values() for place in written.all_places if place.pointer})
        if places:
            with contextlib.suppress(PlatformFileError, OSError):
                self.edit(bot, places[pick % len(places)], value)
        self.pass_after(then)

    def edit(self, bot: str, place: Place, value: Json) -> None:
        file = self.home(bot) / place.file
        config = ConfigFile.parse(file.read_bytes(), platform(PLATFORMS[bot]).file_format(place.file), place.file)
        if value is None or place.item:
            config.remove(place.pointer, prune_empty=False)
        else:
            config.set(place.pointer, value)
        file.write_bytes(config.to_bytes())

    @rule(bot=bots, pick=numbers, then=ways)
    def close_folder(self, bot: str, pick: int, then: Then = None) -> None:
        """Take the right to write away from one folder of a home, or from the home itself."""
        folders = [self.home(bot), *(path for path in self.home(bot).rglob("*") if path.is_dir())]
        folder = folders[pick % len(folders)]
        if not folder.is_symlink():
            folder.chmod(0o555)
            self.closed.add(folder)
        self.pass_after(then)

    @rule()
    def open_folders(self) -> None:
        """Give all rights back."""
        for folder in self.closed:
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o755)
        self.closed.clear()

    @rule(value=st.sampled_from(["first", "second", "third"]), then=ways)
    def rotate_secret(self, value: str, then: Then = None) -> None:
        """Let a secret have another value."""
        secret(Path(os.environ["HOME"]), "token", value)
        self.pass_after(then)

    # --- operators and passes ----------------------------------------------------------------------------------------

    @rule(bot=st.none() | bots)
    def pass_by(self, bot: str | None) -> None:
        """Let a pass go over all bots, or one."""
        self.reconcile(*(["--bot", bot] if bot else []))

    @rule(bot=bots)
    def force(self, bot: str) -> None:
        """Let a pass not wait for a window."""
        self.reconcile("--bot", bot, "--force", forced=SHARED if bot in SHARED else (bot,))

    def pass_after(self, how: Then) -> None:
        """Let a pass come by, or none."""
        if how is not None:
            self.reconcile("--allow-mass-removal", how=how)

    @rule(bot=bots)
    def look(self, bot: str) -> None:
        """Look at a bot, which leaves no trace in any home."""
        before = self.seen(PLATFORMS)
        self.run("drift", "--show-ignored", "--bot", bot)
        assert self.seen(PLATFORMS) == before

    @rule(bot=bots)
    def go_back(self, bot: str) -> None:
        """Roll a bot back, and those that share its home."""
        still = [one for one in PLATFORMS if self.policy[one] == "suspended"]
        before = self.seen(still)
        self.run("rollback", *(SHARED if bot in SHARED else (bot,)))
        assert self.seen(still) == before, "a suspended bot was rolled back"

    @rule()
    def let_go(self) -> None:
        """Follow git again."""
        self.run("rollback", "--release", "prod")

    def reconcile(self, *options: str, forced: tuple[str, ...] = (), how: Pass = Pass()) -> int:  # noqa: B008 (a tuple)
        still = [
            bot for bot, policy in self.policy.items() if policy in STILL and not (bot in forced and policy == "closed")
        ]
        before, ignored = self.seen(still), self.ignored()
        status = self.run("reconcile", "--once", *options, how=how)
        assert self.seen(still) == before, "a bot that is to be left as it is was touched"
        assert self.ignored() == ignored, "what is ignored was written"
        return status

    def run(self, command: str, *options: str, how: Pass = Pass()) -> int:  # noqa: B008 (a tuple)
        index = ["--index", str(self.world.site.folder)] if "--release" not in options else []
        places = [*index, "--target", str(self.world.target), "--state", str(self.world.state)]
        status, _ = self.mortals.run([command, *places, *options, "--quiet"], **how._asdict())
        assert status in (0, 1, 3, 4, 137), status
        return status

    # --- what must be so ---------------------------------------------------------------------------------------------

    @invariant()
    def nothing_of_the_owners_is_lost(self) -> None:
        """Hold what owners have against what they had."""
        for place, content in self.owned.items():
            assert place.read_bytes() == content
        for place, lines in self.own_lines.items():
            text = place.read_text()
            assert all(line in text for line in lines), text
        if self.precious.exists():
            assert contents(self.precious) == {"thesis.md": b"years of work"}

    def teardown(self) -> None:
        """Let everybody leave, and see that quiet brings every bot in sync."""
        try:
            self.quiet()
        finally:
            self.open_folders()
            shutil.rmtree(self.folder)

    def quiet(self) -> None:
        if not self.desired:
            return
        self.open_folders()
        self.clear_away()
        self.policy, self.withdrawn = dict.fromkeys(PLATFORMS, "correct"), set()
        place = Workplace(str(self.world.site.folder), self.world.target, self.world.state, Choice())
        release(place.state, PLATFORMS)
        self.declare()
        tomorrow = datetime.now(UTC) + timedelta(days=1)  # whoever fought sleeps
        rules = Rules(act=True, allow_mass_removal=True, full=True, clock=lambda: tomorrow)
        place.refresh()
        place.once("reconcile", rules)
        for told in place.once("reconcile", rules).bots:
            left = [change for change in told.changes if change.get("drift") != "extra"]
            assert all(change["action"] == "keep" for change in left), (told.bot, left, told.problems)
            theirs = {f"skill/{LATER}"} if self.is_their_own(told.bot) else set()
            ours = self.desired[told.bot].keys() - theirs
            assert all(change["key"] not in ours for change in left), (told.bot, left)
            assert told.state == ("conflict" if left else "in-sync"), (told.bot, told.problems)
            self.has_its_skills(told.bot)
        before = stamps(self.world.target)
        place.once("reconcile", rules)
        assert stamps(self.world.target) == before
        self.nothing_of_the_owners_is_lost()

    def has_its_skills(self, bot: str) -> None:
        for key, digest in self.desired[bot].items():
            name = key.removeprefix("skill/")
            if name != key and not (name == LATER and self.is_their_own(bot)):
                number = self.world.site.artifacts[str(digest)].version.partition(".")[0]
                assert (self.skill(bot, name) / "docs/a.md").read_text() == f"{name} {number} docs/a.md\n" * 40
                assert os.access(self.skill(bot, name) / "scripts/run.sh", os.X_OK)

    def is_their_own(self, bot: str) -> bool:
        """Whether an owner has a skill where git may ask for one."""
        return self.skill(bot, LATER) / "SKILL.md" in self.owned

    def clear_away(self) -> None:
        """Let owners take away links, and files and folders that are in the way, and what does not parse."""
        for bot, name in PLATFORMS.items():
            for place in sorted(self.home(bot).rglob("*")):
                is_link, is_config = place.is_symlink(), place.suffix in (".json", ".json5", ".toml", ".yaml")
                if is_link or (is_config and place.is_file() and not self.parses(bot, place)):
                    place.unlink()
                elif place.is_dir() and (is_config or place.suffix in (".md", ".sh")):
                    shutil.rmtree(place)
            for skill in ("git", "docker"):
                place = self.home(bot) / platform(name).skills_root("main") / skill
                if place.is_file():
                    place.unlink()

    def parses(self, bot: str, place: Path) -> bool:
        path = str(place.relative_to(self.home(bot)))
        try:
            found = ConfigFile.parse(place.read_bytes(), platform(PLATFORMS[bot]).file_format(path), path)
        except PlatformFileError:
            return False
        return isinstance(found.value, dict)

    # --- where things are --------------------------------------------------------------------------------------------

    def home(self, bot: str) -> Path:
        return self.world.target / ("prod/twins" if bot in SHARED else bot)

    def skill(self, bot: str, name: str) -> Path:
        return self.home(bot) / platform(PLATFORMS[bot]).skills_root("main") / name

    def files(self, bot: str) -> Iterator[Path] | list[Path]:
        return sorted(path for path in self.home(bot).rglob("*") if path.is_file() and not path.is_symlink())

    def seen(self, bots: object) -> dict[str, object]:
        return {bot: stamps(self.home(bot)) for bot in list(bots)}  # type: ignore[call-overload] # names of bots

    def ignored(self) -> dict[str, object]:
        chosen = (bot for bot, policy in self.policy.items() if policy == "ignoring")
        return {bot: contents(self.home(bot) / platform(PLATFORMS[bot]).skills_root("main") / "git") for bot in chosen}


def _spoil(place: Path, how: str, precious: Path) -> None:
    if how == "mode":
        place.chmod(0o644 if place.stat().st_mode & 0o100 else 0o755)
    elif how in ("edit", "truncate", "rubbish"):
        place.write_bytes({"edit": b"edited", "truncate": b"", "rubbish": b"{{{ \xff\x00"}[how])
    else:
        place.unlink()
        if how == "folder":
            place.mkdir()
        elif how == "link":
            place.symlink_to(precious)


def test_apply_converges_from_any_damage() -> None:
    with Mortals() as mortals:
        AnyDamage.mortals = mortals
        slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
        life = settings(max_examples=LIVES, stateful_step_count=20, deadline=None, suppress_health_check=slow)
        run_state_machine_as_test(AnyDamage, settings=life)
