"""A job as a property list of macOS's launchd (launchd.plist(5)). Pure."""

from __future__ import annotations

import plistlib

from molthub_reconciler.startup.job import MARK, Job

SUFFIX = ".plist"


def property_list(job: Job, log: str) -> str:
    """Return the file; what the job says goes into ``log``."""
    command = [*job.command, *(word for option, path in job.files.items() for word in (option, str(path)))]
    said = {
        "Label": job.name,
        "ProgramArguments": command,
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": 5,
        "ExitTimeOut": 60,
        "ProcessType": "Background",
        "Umask": 0o077,
        "StandardOutPath": log,
        "StandardErrorPath": log,
        **({"UserName": job.user} if job.user is not None else {}),
    }
    head, line, rest = plistlib.dumps(said, sort_keys=False).decode().partition("\n")
    return f"{head}{line}<!-- {MARK} -->\n{rest}"
