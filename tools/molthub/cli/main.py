"""The two commands, ``molthub`` and ``skills``: where each subcommand lives."""

from __future__ import annotations

import gc
import sys

import click

from molthub import __version__
from molthub.cli.lazy_group import LazyGroup
from molthub.console import run

SKILLS_COMMANDS = {
    "search": "molthub.cli.browse:search",
    "list": "molthub.cli.browse:list_installed",
    "info": "molthub.cli.info:info",
    "install": "molthub.cli.install:install",
    "uninstall": "molthub.cli.install:uninstall",
    "update": "molthub.cli.install:update",
    "verify": "molthub.cli.verify:verify",
    "registry": "molthub.cli.registries:registry",
    "publish": "molthub.cli.publish:publish",
    "unpublish": "molthub.cli.withdraw:unpublish",
    "deprecate": "molthub.cli.withdraw:deprecate",
    "archive": "molthub.cli.withdraw:archive",
}
MOLTHUB_COMMANDS = {
    "init": "molthub.cli.init:init",
    "check": "molthub.cli.check:check",
    "fmt": "molthub.cli.fmt:fmt",
    "skill-packs": "molthub.cli.skill_packs:skill_packs",
    "bots": "molthub.cli.bots:bots",
    "adopt": "molthub.cli.adopt:adopt",
    "context": "molthub.cli.contexts:context",
    "explain": "molthub.cli.explain:explain",
    "platforms": "molthub.cli.platforms:platforms",
    "import": "molthub.cli.imports:import_",
    "build": "molthub.cli.build:build",
    "sign": "molthub.cli.sign:sign",
    "deploy": "molthub.cli.deploy:deploy",
    "mirror": "molthub.cli.mirror:mirror",
    "serve": "molthub.cli.serve:serve",
    "exec": "molthub.cli.exec:exec_",
    "secrets": "molthub.cli.secrets:secrets",
    "doctor": "molthub.cli.doctor:doctor",
    "completion": "molthub.cli.completion:completion",
}
ENTRY_POINTS = "molthub.commands"


_SECTIONS = {
    "Declare": {
        "init": "a new registry: a git repository, ready to push",
        "import": "skills and packs of other registries and repositories",
        "skill-packs": "packs and their versions; who has them",
        "adopt": "bots that were configured by hand, from their own files",
        "bots": "bots as they are declared, and what they have",
        "explain": "what a bot shall have, and which line says so",
        "check": "what a pull request would be told",
        "fmt": "the form of manifests, and what can be filled in",
    },
    "Publish": {
        "build": "the index of a commit: static files",
        "sign": "the index, so that nobody can hold it back or forge it",
        "deploy": "what changed of the index, to where it is served",
        "mirror": "a verified copy of an index, or of a part of it",
        "serve": "an index over HTTP, for a desk or a test",
    },
    "Run": {
        "plan": "what a reconcile would do; does nothing",
        "reconcile": "bots to their desired state, once or for good",
        "drift": "what bots have that they should not, to the byte",
        "history": "what passes did to a bot",
        "rollback": "bots back to what they had before",
        "rollout": "how a change reaches a fleet in waves",
        "agents": "tokens and state of agents on other machines",
        "prune": "what nothing refers to any more on this machine",
    },
    "Places, secrets, programs": {
        "context": "names for where an index and its bots are",
        "secrets": "which secrets bots need, and keeping them",
        "exec": "a program with the secrets that it needs",
        "platforms": "agent programs, and what is written where for them",
        "doctor": "whether what commands need is in order here",
        "completion": "the script for bash, zsh or fish",
        "skills": "find, install, update and publish skills",
    },
}
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

skills_group = LazyGroup(
    SKILLS_COMMANDS,
    name="skills",
    context_settings=_SETTINGS,
    help="""Find, install, update and publish Agent Skills.

    \b
    Examples:
      skills registry add https://molthub.dev/
      skills search postgres
      skills install git docker@^2 pack/standard-dev
      skills list
    """,
)
molthub_group = LazyGroup(
    MOLTHUB_COMMANDS,
    entry_points=ENTRY_POINTS,
    sections=_SECTIONS,
    name="molthub",
    context_settings=_SETTINGS,
    help="""GitOps for the skills, MCP servers, environment and secrets of AI agent fleets.

    \b
    Examples:
      molthub init my-registry            a new registry, ready to push
      molthub check                       what a pull request would be told
      molthub build --out site --fleets   the static index of one commit
      molthub plan --index site --target ./bots
      molthub reconcile --index site --target ./bots --once
    """,
)
molthub_group.add_command(skills_group)
for _group in (skills_group, molthub_group):
    click.version_option(__version__, prog_name=str(_group.name))(_group)


def molthub() -> None:
    """Run ``molthub``."""
    _collect_seldom()
    sys.exit(run(molthub_group))


def skills() -> None:
    """Run ``skills``."""
    _collect_seldom()
    sys.exit(run(skills_group))


def _collect_seldom() -> None:
    """Let the collector of cycles wait: modules that are being loaded leave none, and it looks at them 60 times."""
    gc.set_threshold(50_000)


if __name__ == "__main__":
    molthub()
