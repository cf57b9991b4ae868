"""Reads a guide as things that run: files to write, commands to type with what they print, Python to enter.

A fenced block is

- *a file*, when the line before it is nothing but a path in code and a colon: ```` `fleets/prod/fleet.yaml`: ````;
- *commands*, when its language is ``console``: lines after ``$ `` are typed, the lines below are what they print;
- *Python*, when its language is ``pycon``: a doctest;
- an illustration otherwise; ``sh`` says that it is for another machine, another day or a network.

In what is expected, a line ``...`` stands for any lines and ``<word>`` for any text within its line. A command that
does not end with status 0 is followed by ``$ echo $?``. What is typed runs in bash, in the guide's own folder; ``cd``
lasts, and a server's port 8000 becomes a free one.
"""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryFile
from urllib.error import HTTPError
from urllib.request import urlopen

BLOCK = re.compile(
    r"^(?:`(?P<path>[^`\n]+)`:\n\n?)?```(?P<language>\w*)[^\n`]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
PORT = 8000
_SECONDS = 60
_STATUS = "echo $?"


class GuideError(AssertionError):
    """A guide says something that is not so."""


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, text and line, and the path of the file it is, if it is one."""

    language: str
    text: str
    line: int
    path: str | None = None


@dataclass(frozen=True)
class Typed:
    """A command and the lines it is expected to print."""

    command: str
    expected: tuple[str, ...]
    line: int


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a Markdown page in order."""
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("text"))
        yield Block(match["language"], match["text"], line, match["path"])


def typed(block: Block) -> Iterator[Typed]:
    """Yield the commands of a ``console`` block. A command goes on after a line that ends in a backslash."""
    lines = block.text.splitlines()
    at = 0
    while at < len(lines):
        start = at
        if not lines[at].startswith("$ "):
            raise GuideError(f"line {block.line + 1 + at}: expected a command after `$ `, found {lines[at]!r}")
        command = lines[at][2:]
        while command.endswith("\\"):
            at += 1
            command = f"{command}\n{lines[at]}"
        at += 1
        end = next((n for n in range(at, len(lines)) if lines[n].startswith("$ ")), len(lines))
        yield Typed(command, tuple(lines[at:end]), block.line + 1 + start)
        at = end


def matches(expected: Iterable[str], printed: str) -> bool:
    """Whether ``printed`` is what the lines expect. Spaces at the ends of lines and blank last lines do not count."""
    lines = [line.rstrip() for line in expected]
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == "..." else f"{_line(line)}\n" for line in lines)
    text = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())
    return re.fullmatch(re.sub(r"(\\n|\n)+\Z", "\n", pattern), text) is not None


def _line(expected: str) -> str:
    return ".+?".join(re.escape(part) for part in re.split(r"<[a-z][a-z0-9 -]*>", expected))


@dataclass
class Guide:
    """One run of a guide in ``folder``. Raises :class:`GuideError` at the first thing that is not so."""

    name: str
    folder: Path
    status: int = 0
    where: Path = field(init=False)
    port: int = field(init=False)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    names: dict[str, object] = field(default_factory=lambda: {"__name__": "guide"})

    def __post_init__(self) -> None:
        self.where = self.folder
        self.port = _free_port()

    def run(self, text: str) -> None:
        """Do what the guide says, from its first block to its last."""
        try:
            for block in blocks(text):
                self._do(block)
        finally:
            for program in self.started:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(program.pid, signal.SIGTERM)
                program.wait()

    def _do(self, block: Block) -> None:
        if block.path is not None:
            path = self.where / block.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.language == "console":
            steps = [*typed(block)]
            for step, after in zip(steps, [*steps[1:], None], strict=True):
                self._type(step, status_told=after is not None and after.command == _STATUS)
        elif block.language == "pycon":
            self._enter(block)

    def _type(self, step: Typed, *, status_told: bool) -> None:
        printed = self._in_shell(step.command)
        if not matches(step.expected, printed):
            expected = "\n".join(step.expected)
            raise GuideError(f"{self.name}:{step.line}: $ {step.command}\nexpected:\n{expected}\nprinted:\n{printed}")
        if self.status != 0 and not status_told:
            raise GuideError(f"{self.name}:{step.line}: $ {step.command}\nends with status {self.status}\n{printed}")

    def _in_shell(self, command: str) -> str:
        """Run one line as a terminal would and return what it shows there."""
        line = re.sub(rf"\b{PORT}\b", str(self.port), command)
        if line.endswith("&"):
            return self._start(line.removesuffix("&"))
        place = self.folder / ".where"
        script = f"(exit {self.status})\n{line}\nstatus=$?; pwd > {place}; exit $status"
        with TemporaryFile() as shown:
            done = subprocess.run(["bash", "-c", script], cwd=self.where, stdin=subprocess.DEVNULL, stdout=shown,
                                  stderr=subprocess.STDOUT, timeout=_SECONDS, check=False)  # fmt: skip
            shown.seek(0)
            printed = shown.read().decode()
        self.status = done.returncode
        if place.exists():
            self.where = Path(place.read_text().rstrip("\n"))
            place.unlink()
        return printed.replace(str(self.port), str(PORT))

    def _start(self, command: str) -> str:
        """Start what runs on until the guide ends. A server (whoever is given a port) answers before this returns."""
        out = subprocess.DEVNULL
        started = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=self.where, stdin=out, stdout=out, stderr=out, start_new_session=True
        )
        self.started.append(started)
        for _ in range(_SECONDS * 10 if str(self.port) in command else 1):
            if self._answers():
                return ""
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise GuideError(f"{self.name}: $ {command}\nended with status {started.wait(0.1)}")
        if str(self.port) in command:
            raise GuideError(f"{self.name}: $ {command}\ndoes not answer")
        return ""

    def _answers(self) -> bool:
        """Whether the server answers, be it that nobody may have anything without a token."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/registry.json"):
                return True
        except HTTPError as error:
            error.close()
            return error.code == HTTPStatus.UNAUTHORIZED
        except OSError:
            return False

    def _enter(self, block: Block) -> None:
        said: list[str] = []
        text = block.text.replace(str(PORT), str(self.port))
        test = doctest.DocTestParser().get_doctest(text, self.names, self.name, self.name, block.line)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
        with contextlib.chdir(self.where):
            failed = runner.run(test, out=said.append, clear_globs=False).failed
        self.names = test.globs
        if failed:
            raise GuideError("".join(said))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
