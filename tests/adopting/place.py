"""A registry, a target with homes that people configured by hand, and the commands on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from molthub.model import Json
from molthub.platforms import platform
from molthub.platforms.config_file import ConfigFile
from tests.reconciler.world import Outcome, run_molthub
from tests.registry.command import assert_document

CANARY = "s3cr3t-canary.value"
SKILL = "---\nname: notes\ndescription: Take notes.\n---\nWrite.\n"
SERVER: dict[str, Json] = {
    "command": "npx",
    "args": ["-y", "srv"],
    "env": {"GITHUB_TOKEN": CANARY, "LEVEL": "debug"},
}
COMMENTED = {
    "jsonc": '{\n    // by hand\n    "theme": "dark",\n    "end": 1\n}\n',
    "json": '{\n    "theme": "dark",\n    "end": 1\n}\n',
    "toml": 'theme = "dark" # by hand\n\n# the end\n[other]\n',
    "yaml": "theme: dark # by hand\n\n# the end\nother: 1\n",
}


class Place:
    """Everything below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.registry, self.target = folder, folder / "registry", folder / "bots"
        assert run_molthub("init", str(self.registry), "--host", "none").status == 0

    def home(self, bot: str) -> Path:
        """Return a home, made where it is not there."""
        home = self.target / bot
        home.mkdir(parents=True, exist_ok=True)
        return home

    def publish_skill(self, name: str = "notes", text: str = "") -> Path:
        """Publish a skill, and return the folder of its version."""
        folder = self.folder / "loose" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "SKILL.md").write_text(text or SKILL.replace("notes", name, 1))
        done = run_molthub("skills", "publish", str(folder), "--registry", str(self.registry), "--yes")
        assert done.status == 0, done
        return max((self.registry / "skills" / name).glob("*/SKILL.md")).parent

    def adopt(
        self, *options: str, program: str = "claude-code", home: str | None = "prod/ada", status: int = 0
    ) -> Outcome:
        """Adopt a home, by default of Claude Code; None: those that ``options`` name."""
        words = [str(self.target / home)] if home is not None else []
        words += ["--platform", program, "--fleet", "prod", "--registry", str(self.registry)]
        done = run_molthub("adopt", *words, *options)
        assert done.status == status, done
        return done

    def document(self, *options: str, **named: Any) -> dict[str, Any]:
        """Adopt, and return what was printed as JSON."""
        found: dict[str, Any] = json.loads(self.adopt("--json", *options, **named).stdout)
        assert_document("adopt-result", found)
        return found

    def bot(self, *options: str, **named: Any) -> dict[str, Any]:
        """Adopt one bot, and return what was printed of it."""
        (found,) = self.document(*options, **named)["bots"]
        return dict(found)

    def build(self) -> None:
        """Build the index."""
        out = str(self.folder / "site")
        done = run_molthub("build", "--registry", str(self.registry), "--out", out, "--fleets", "--views", "none")
        assert done.status == 0, done

    def reconcile(self, *options: str, bots: tuple[str, ...] = ("prod/ada",)) -> Outcome:
        """Do one pass over bots."""
        places = ["--index", str(self.folder / "site"), "--target", str(self.target)]
        places += ["--state", str(self.folder / "state")]
        named = [word for bot in bots for word in ("--bot", bot)]
        return run_molthub("reconcile", *places, *named, "--once", *options)

    def keep(self, secret: str) -> None:
        """Keep a secret where bots run."""
        folder = Path.home() / ".config/molthub/secrets"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        (folder / secret).write_text("kept")
        (folder / secret).chmod(0o600)


def write_server(home: Path, program: str, server: Json, name: str = "github") -> Path:
    """Write a server into the program's own file, as its owner would, beside what he has there."""
    adapter = platform(program)
    source = next(one for one in adapter.sources("main") if one.kind == "mcp")
    file = home / source.file
    file.parent.mkdir(parents=True, exist_ok=True)
    form = adapter.file_format(source.file)
    text = file.read_text() if file.is_file() else COMMENTED["jsonc" if form == "json5" else form]
    config = ConfigFile.parse(text.encode(), form, "settings")
    config.set((*source.pointer, name), adapter.entries("main", f"mcp/{name}", server)[0].value)
    file.write_bytes(config.to_bytes())
    return file
