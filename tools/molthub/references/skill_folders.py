"""Where agent programs search a home for skills, and so what bots that share a home see of each other's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AGENTS = ".agents/skills"
CLAUDE = ".claude/skills"
COPILOT = ".copilot/skills"


@dataclass(frozen=True, slots=True)
class SkillFolders:
    """The folders of a home that one program searches, as found out by running it or from its own documentation.

    ``own`` is where its bot's skills are written. Of two skills of one name, one in ``before`` is taken instead of the
    one in ``own``, one in ``after`` is not taken; of one in ``beside`` both are offered, or which is taken changes from
    run to run, or with the folder in which the program works: in its home, ``.agents/skills`` may be a project's.
    """

    own: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def rivals(self) -> tuple[str, ...]:
        """Those of which a skill may be taken instead of one of the same name in ``own``."""
        return self.before + self.beside

    @property
    def others(self) -> tuple[str, ...]:
        """Every folder that is searched besides its own, what is taken first in front."""
        return self.before + self.beside + self.after


SKILL_FOLDERS: Mapping[str, SkillFolders] = {
    "agents-dir": SkillFolders(AGENTS),
    "openclaw": SkillFolders(
        ".openclaw/workspace/skills", after=(".openclaw/workspace/.agents/skills", AGENTS, ".openclaw/skills")
    ),
    "claude-code": SkillFolders(CLAUDE),
    "gemini-cli": SkillFolders(".gemini/skills", before=(AGENTS,)),
    "opencode": SkillFolders(".config/opencode/skills", beside=(AGENTS, CLAUDE, ".opencode/skills")),
    "copilot-cli": SkillFolders(COPILOT, beside=(AGENTS,)),
    "vscode": SkillFolders(COPILOT, beside=(CLAUDE, AGENTS)),
    "cursor": SkillFolders(".cursor/skills", after=(CLAUDE, ".codex/skills", AGENTS)),
    "windsurf": SkillFolders(".codeium/windsurf/skills", beside=(AGENTS,)),
    "cline": SkillFolders(AGENTS, beside=(".cline/skills",)),
    "roo": SkillFolders(".roo/skills", after=(AGENTS,)),
    "kiro": SkillFolders(".kiro/skills"),
    "zed": SkillFolders(AGENTS),
    "claude-desktop": SkillFolders(AGENTS),
    "amp": SkillFolders(".config/agents/skills", after=(".config/amp/skills", CLAUDE), beside=(AGENTS,)),
    "codex": SkillFolders(AGENTS, beside=(".codex/skills",)),
    "hermes": SkillFolders(".hermes/skills"),
    "nanobot": SkillFolders(".nanobot/workspace/skills"),
    "goose": SkillFolders(AGENTS, beside=(CLAUDE,)),
    "qwen-code": SkillFolders(".qwen/skills", after=(AGENTS,)),
}
"""The programs' folders. Of OpenClaw they are its main agent's; each agent has a workspace of its own."""


def in_workspace(folders: SkillFolders, own: str) -> SkillFolders:
    """Return the folders of an agent whose workspace is the one around ``own``, in place of the main agent's."""
    here, there = folders.own.rpartition("/")[0], own.rpartition("/")[0]

    def moved(places: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(place.replace(f"{here}/", f"{there}/", 1) for place in places)

    return SkillFolders(own, moved(folders.before), moved(folders.after), moved(folders.beside))


def share_skills(one: str, other: str) -> bool:
    """Whether bots of these two platforms have one folder of skills in one home; OpenClaw has one for each agent."""
    return one == other != "openclaw" or (one != other and SKILL_FOLDERS[one].own == SKILL_FOLDERS[other].own)


def shared_folders() -> tuple[tuple[str, ...], ...]:
    """Return the programs that have one folder in common, by name."""
    groups: dict[str, list[str]] = {}
    for name in sorted(SKILL_FOLDERS):
        groups.setdefault(SKILL_FOLDERS[name].own, []).append(name)
    return tuple(sorted(tuple(names) for names in groups.values() if len(names) > 1))


def sees_skills(reader: str, other: str) -> bool:
    """Whether a bot of platform ``reader`` also finds what is written for a bot of ``other``, in another folder."""
    return SKILL_FOLDERS[other].own in SKILL_FOLDERS[reader].others


def takes_own(reader: str, other: str) -> bool:
    """Whether ``reader`` surely takes its own skill, and that one alone, where ``other`` has one of the same name."""
    return SKILL_FOLDERS[other].own in SKILL_FOLDERS[reader].after
