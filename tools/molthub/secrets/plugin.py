"""Secrets from a program: one question in JSON on its stdin, one answer on its stdout.

Protocol, version 1. Asked: ``{"protocolVersion": 1, "provider": "<name>", "ids": ["<id>", ...]}``. Answered:
``{"protocolVersion": 1, "values": {"<id>": "<value>"}, "errors": {"<id>": {"code": "<CODE>"}}}``; an id that stands in
neither, and the code ``NOT_FOUND``, let the next provider be asked. The program is started by its absolute path,
without a shell, with a small environment and a time limit. What it says on stderr is thrown away.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from molthub.secrets.private_file import unsafe
from molthub.secrets.provider import MAX_VALUE_BYTES, NOT_FOUND, Answer, Failure, all_failed
from molthub.secrets.value import SecretValue

PROTOCOL_VERSION = 1
_SECONDS_TO_HEAR = 1.0
SECONDS = 10.0
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SYSTEMROOT", "TMPDIR", "TZ", "USER", "XDG_RUNTIME_DIR")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}\Z")


class PluginProvider:
    """The provider of kind ``exec``: ``command`` is a program and its arguments.

    It gets a few variables that every program needs, and of the others those in ``passed``.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        passed: Sequence[str] = (),
        seconds: float = SECONDS,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.where = command[0]
        self.variables = tuple(passed)
        self._command = tuple(command)
        self._seconds = seconds
        known = os.environ if environment is None else environment
        self._environment = {key: known[key] for key in (*_PASSED_ON, *passed) if key in known}

    def own_id(self, secret: str) -> str:
        """Return the secret's name."""
        return secret

    def resolve(self, ids: Sequence[str]) -> Answer:
        """Ask the program, once."""
        refused = unsafe(Path(self._command[0]))
        if refused is not None:
            code = "NOT_RUN" if refused.code == NOT_FOUND else refused.code
            return all_failed(ids, Failure(code, refused.message, refused.remedy))
        asked = {"protocolVersion": PROTOCOL_VERSION, "provider": self.name, "ids": list(ids)}
        said = self._ask(json.dumps(asked).encode())
        return all_failed(ids, said) if isinstance(said, Failure) else self._read(ids, said)

    def _ask(self, question: bytes) -> bytes | Failure:
        try:
            program = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                cwd=os.sep,
                start_new_session=os.name != "nt",  # so that what it starts ends with it
            )
        except OSError as error:
            return Failure("NOT_RUN", f"{self.where} cannot be run: {error.strerror}")
        said = _conversation(program, question, self._seconds)
        if said is None:
            return Failure("TIMEOUT", f"{self.where} gave no answer within {self._seconds:g} seconds")
        if len(said) > MAX_VALUE_BYTES:
            return Failure("TOO_LARGE", f"{self.where} answered more than {MAX_VALUE_BYTES} bytes")
        if program.returncode != 0:
            remedy = "run it by hand, with the question on its stdin"
            return Failure("FAILED", f"{self.where} ended with status {program.returncode}", remedy)
        return said

    def _read(self, ids: Sequence[str], said: bytes) -> Answer:
        try:
            answer = json.loads(said)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or answer.get("protocolVersion") != PROTOCOL_VERSION:
            wanted = f"{self.where} did not answer in protocol version {PROTOCOL_VERSION}"
            return all_failed(ids, Failure("MALFORMED", wanted))
        held, failed = (answer[key] if isinstance(answer.get(key), dict) else {} for key in ("values", "errors"))
        values: dict[str, SecretValue] = {}
        errors: dict[str, Failure] = {}
        for wanted in ids:
            found = held.get(wanted)
            if isinstance(found, str) and found and wanted not in failed:
                values[wanted] = SecretValue(found)
            else:
                errors[wanted] = self._failure(wanted, failed, is_held=wanted in held)
        return Answer(values, errors)

    def _failure(self, wanted: str, failed: Mapping[str, Any], *, is_held: bool) -> Failure:
        told = failed.get(wanted)
        if told is None:
            if is_held:
                return Failure("NOT_TEXT", f"{self.where} gave no text for {wanted}")
            return Failure(NOT_FOUND, f"{self.where} knows no {wanted}")
        code = told.get("code") if isinstance(told, dict) else None
        known = code if isinstance(code, str) and _CODE.match(code) else "UNKNOWN"
        said = "knows no" if known == NOT_FOUND else f"answered {known} for"
        return Failure(known, f"{self.where} {said} {wanted}")


def _conversation(program: subprocess.Popen[bytes], question: bytes, seconds: float) -> bytes | None:
    """Say the question, wait for the program's end, and return its answer, no more than is taken; None: it was late.

    The program may end without listening. Something that it started may go on, with its streams open: nobody waits for
    that, and what the program itself has said by then counts.
    """
    heard = bytearray()
    listening = threading.Thread(target=_listen, args=(program, heard), daemon=True)
    listening.start()
    threading.Thread(target=_say, args=(program.stdin, question), daemon=True).start()
    try:
        program.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if program.poll() is None:
            _kill(program)
            program.wait()
    listening.join(_SECONDS_TO_HEAR)
    return bytes(heard)


def _listen(program: subprocess.Popen[bytes], heard: bytearray) -> None:
    if program.stdout is None:
        return
    with program.stdout as stdout:
        while len(heard) <= MAX_VALUE_BYTES and (part := os.read(stdout.fileno(), MAX_VALUE_BYTES)):
            heard.extend(part)
    if len(heard) > MAX_VALUE_BYTES:
        _kill(program)


def _say(stdin: IO[bytes] | None, question: bytes) -> None:
    if stdin is None:
        return
    try:
        with stdin:
            stdin.write(question)
    except OSError:  # it closed its stdin: what it answers counts
        return


def _kill(program: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it started; one that has ended is left alone."""
    try:
        if os.name != "nt":
            os.killpg(program.pid, signal.SIGKILL)
        elif program.poll() is None:
            program.kill()
    except OSError:
        return
