"""Asking gates: commands that are run for a bot, and Flagger's webhooks. Each has its time and is cut off after it.

A command gets the bot's home as its working folder and HOME. What it prints is thrown away, because it may hold secrets
of the bot: its exit status says all. Source of the webhooks: docs.flagger.app/usage/webhooks.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from molthub import __version__
from molthub.errors import MolthubError
from molthub.model import Json
from molthub.model.rollouts import Gate
from molthub_reconciler.formats.masked import masked
from molthub_reconciler.notify.delivery import signature
from molthub_reconciler.rollout.records import Answer, Ask

NAMESPACE = "molthub"
SECRET_VARIABLE = "MOLTHUB_GATE_SECRET"  # noqa: S105 (the name of a variable)
_YES = (200, 201, 202)
"""Flagger takes no other status for a yes."""
_MOST_READ = 64 * 1024
_MOST_SAID = 200
_SCENARIOS = 200
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")


@dataclass(frozen=True)
class BotPlace:
    """Where a bot lives: its home, and the folders of the skills that changed, by name."""

    home: Path
    skills: Mapping[str, Path]


@dataclass(frozen=True)
class GateRunner:
    """Asks gates for one fleet. Commands are run only where ``may_run``: whoever starts the controller says so."""

    fleet: str
    step: str
    phase: str
    may_run: bool = False

    def ask(self, ask: Ask, gate: Gate, place: BotPlace | None) -> Answer:
        """Return what a gate says; never raises."""
        if gate.kind == "http":
            return _posted(gate, self._body(ask, gate))
        if not self.may_run:
            return Answer(passed=False, detail="this controller runs no commands of gates; start it with --run-gates")
        if place is None or not place.home.is_dir():
            return Answer(passed=False, detail=f"{ask.bot} has no home here")
        environment = self._environment(ask, place.home)
        if gate.kind == "probe":
            return _run(gate, place.home, environment, b"")
        return self._scenarios(gate, place, environment)

    def _scenarios(self, gate: Gate, place: BotPlace, environment: Mapping[str, str]) -> Answer:
        try:
            found = list(_scenarios_of(place.skills))
        except (OSError, MolthubError) as error:
            return Answer(passed=False, detail=f"scenarios cannot be read: {error}")
        for skill, scenario in found[:_SCENARIOS]:
            given = json.dumps({"skill": skill, "scenario": scenario}, ensure_ascii=False).encode()
            answer = _run(gate, place.home, environment, given)
            if not answer.passed:
                name = scenario.get("name") if isinstance(scenario, dict) else None
                return Answer(passed=False, detail=f"{skill}: {name or 'a scenario'}: {answer.detail}")
        return Answer(passed=True, detail=f"{len(found)} scenarios")

    def _body(self, ask: Ask, gate: Gate) -> bytes:
        metadata = {"wave": ask.wave, "hook": ask.stage, **gate.metadata}
        body = {"name": self.fleet, "namespace": NAMESPACE, "phase": self.phase, "checksum": self.step,
                "metadata": metadata}  # fmt: skip
        return json.dumps(body, ensure_ascii=False).encode()

    def _environment(self, ask: Ask, home: Path) -> dict[str, str]:
        kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
        own = {"HOME": str(home), "MOLTHUB_FLEET": self.fleet, "MOLTHUB_BOT": ask.bot, "MOLTHUB_WAVE": ask.wave}
        return {**kept, **own, "MOLTHUB_STEP": self.step}


def _run(gate: Gate, home: Path, environment: Mapping[str, str], given: bytes) -> Answer:
    """Run a command; it and all that it started are killed when its time is over."""
    try:
        process = subprocess.Popen(
            gate.command, cwd=home, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return Answer(passed=False, detail=f"{gate.command[0]}: {error.strerror or error}")
    with process:
        try:
            process.communicate(given, timeout=gate.timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return Answer(passed=False, detail=f"no answer within {gate.timeout} s")
        except BrokenPipeError:
            process.wait()
    if process.returncode == 0:
        return Answer(passed=True)
    return Answer(passed=False, detail=f"{Path(gate.command[0]).name} {_ended(process.returncode)}")


def _ended(status: int) -> str:
    if status > 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _scenarios_of(skills: Mapping[str, Path]) -> Iterator[tuple[str, Json]]:
    from molthub.yaml_text import parse

    for name, folder in sorted(skills.items()):
        for file in sorted((folder / "scenarios").glob("*.y*ml")):
            found = parse(file.read_bytes(), str(file)).value
            yield from ((name, scenario) for scenario in _listed(found))


def _listed(found: Json) -> Iterable[Json]:
    return found if isinstance(found, list) else [found]


def _posted(gate: Gate, body: bytes) -> Answer:
    """Post to a webhook. The whole exchange has ``gate.timeout`` seconds, however slowly it comes."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(_exchanged(gate, body)), daemon=True)
    thread.start()
    thread.join(gate.timeout)
    return answers[0] if answers else Answer(passed=False, detail=f"no answer within {gate.timeout} s")


def _exchanged(gate: Gate, body: bytes) -> Answer:
    request = urllib.request.Request(gate.url, data=body, headers=_headers(body))  # noqa: S310 (the schema admits http and https only)
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=gate.timeout) as response:
            if response.status in _YES:
                return Answer(passed=True)
            return Answer(passed=False, detail=f"status {response.status}{_said(response)}")
    except urllib.error.HTTPError as error:
        with error:
            return Answer(passed=False, detail=f"status {error.code}{_said(error)}")
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return Answer(passed=False, detail=f"it cannot be asked: {reason}")


def _said(response: IO[bytes]) -> str:
    """Return the first line of what a webhook said of its refusal, as Flagger tells it; without what may be secret."""
    try:
        text = response.read(_MOST_READ).decode("utf-8", "replace")
    except (OSError, HTTPException, ValueError):
        return ""
    line = next((line for line in map(str.strip, text.splitlines()) if line), "")
    shown = "".join(char if char.isprintable() else " " for char in masked(line)).strip()
    return f": {shown[:_MOST_SAID]}" if shown else ""


def _headers(body: bytes) -> dict[str, str]:
    """Return what is sent beside the body: signed by Standard Webhooks 1.0, where the controller has a secret for it.

    A signature is worth nothing to whoever gets it, so it may go wherever git says.
    """
    headers = {"Content-Type": "application/json", "User-Agent": f"molthub/{__version__}"}
    secret = os.environ.get(SECRET_VARIABLE, "")
    if secret:
        name, now = f"msg_{uuid4().hex}", int(time.time())
        headers |= {"webhook-id": name, "webhook-timestamp": str(now)}
        headers["webhook-signature"] = signature(secret, name, now, body)
    return headers


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is no answer: the gate's address stands in git, where people reviewed it."""

    def redirect_request(self, *_request: Any) -> None:
        """Follow none: the answer's own status counts."""


def placed(target: Path, fleet: str, home: str, skills_root: str, changed: Sequence[str]) -> BotPlace:
    """Return where a bot lives below a target's folder; ``changed`` are skills, by their bare names."""
    place = target / fleet / home
    return BotPlace(place, {name: place / skills_root / name for name in changed})
