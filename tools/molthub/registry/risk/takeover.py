"""MH810 and MH811: somebody else gets a shell, or a way to come back. Pure.

Source of the classes: MITRE ATT&CK T1059 (command interpreters); T1053, T1543, T1546, T1547 and T1098.004
(persistence).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from molthub.errors import Severity
from molthub.registry.risk.cited import cites
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.hosts import judge
from molthub.registry.risk.text import Text, shown
from molthub.registry.risk.words import words_in

TRIGGERS = words_in(
    """
    tcp nc ncat netcat socat mkfifo dup2 pty spawn tcpclient fsockopen child connect crontab cron launchagents
    launchdaemons launchctl systemctl bashrc zshrc profile zprofile authorized schtasks currentversion startup
    registerscheduledtask autostart soul memory heartbeat agents claude rc settings hooks
    """
)
_SHELL_WORDS = (
    "/dev/tcp/",
    "/dev/udp/",
    "nc -",
    "nc.exe",
    "ncat",
    "netcat",
    "mkfifo",
    "socat",
    "dup2",
    "tcpclient",
    "fsockopen",
    "net.connect",
    "net.socket",
    "net.createconnection",
)
_LASTING = (
    "authorized_keys",
    "crontab",
    "/etc/cron",
    "launchagents",
    "launchdaemons",
    "launchctl",
    "/etc/systemd/",
    "systemctl",
    "schtasks",
    "register-scheduledtask",
    "currentversion",
    "programs\\startup",
    "config/autostart/",
    "/etc/rc.local",
    "/etc/profile.d/",
    "ld.so.preload",
)
REMEDY_SHELL = "remove it: no skill needs to hand a shell to another machine"
REMEDY_STAY = "let people set up what outlives the task, and say how to undo it"

_SHELLS = re.compile(
    r"(?:ba|z|k)?sh\s+-i\s*(?:>&?|<|[0-9]?>)[^\n]{0,40}/dev/(?:tcp|udp)/(?P<a>[^\s/]{1,100})|"
    r"exec\s+\d+<>\s*/dev/(?:tcp|udp)/(?P<b>[^\s/]{1,100})|"
    r"(?<![\w-])(?:nc|ncat|netcat)(?:\.exe)?\s+[^\n]{0,80}(?:-\w*[ec]\s*|"
    r"--(?:sh-)?exec\s+)[\"']?(?:/bin/)?(?:ba|z)?(?:sh|cmd|powershell)(?P<c>)\b|"
    r"mkfifo\s+[^\n]{1,60}[\n;&|][^\n]{0,200}(?:nc|ncat|netcat|telnet|openssl)\s+(?P<d>[^\s|]{1,100})|"
    r"socat\s+[^\n]{0,120}(?:exec|system):[^\n]{0,40}(?:sh|cmd)(?P<e>)\b|"
    r"dup2\s*\(\s*\w+\.fileno\(\)\s*,\s*[012]\s*\)(?P<f>)|"
    r"new-object\s+(?:system\.)?net\.sockets\.tcpclient\s*\(\s*[\"'](?P<g>[^\"'\n]{1,100})|"
    r"fsockopen\s*\(\s*[\"'](?P<h>[^\"'\n]{1,100})[\"'][^\n]{0,120}(?:exec|proc_open|shell_exec|system)|"
    r"net\.(?:socket|connect|createconnection)[^\n]{0,400}(?:spawn|exec)\s*\([^\n]{0,40}(?:sh|cmd)(?P<i>)"
)
_KEY = re.compile(
    r"ssh-(?:rsa|ed25519|dss)\s+aaaa[\w+/]{40,}[^\n]{0,200}authorized_keys|"
    r"ecdsa-sha2-\S+\s+aaaa[\w+/]{40,}[^\n]{0,200}authorized_keys"
)
_STAYS = re.compile(
    r"(?:>>|tee\s+-a|cat\s*>+|echo[^\n]{0,200}>>)\s*[\"']?(?:~|\$home|\$\{home\}|/root|"
    r"/home/\S+)?/?\.ssh/authorized_keys|"
    r"crontab\s+-(?=\s|$)|\|\s*crontab\b|crontab\s+[\"']?(?!-[leri]\b)[\w./$-]{2,}|(?:>>|>|tee|cp|mv|"
    r"install)[^\n]{0,80}/etc/cron\S*|"
    r"(?:>>|>|tee|cp|mv|ln)[^\n]{0,120}library/launch(?:agents|daemons)|launchctl\s+(?:load|bootstrap|submit)|"
    r"(?:>>|>|tee|cp|mv)[^\n]{0,120}/etc/systemd/system/|systemctl\s+(?:--user\s+)?enable\b|"
    r"schtasks(?:\.exe)?\s+/create|register-scheduledtask|currentversion\\+run(?:once)?\b|(?:>>|>|cp|copy|"
    r"mv)[^\n]{0,120}\\start menu\\programs\\startup|"
    r"\.config/autostart/|/etc/rc\.local|/etc/profile\.d/|/etc/ld\.so\.preload"
)
_SHELL_START = re.compile(
    r"(?:>>|tee\s+-a)\s*[\"']?(?:~|\$home|\$\{home\}|\$env:userprofile)?/?\.(?:bashrc|zshrc|profile|"
    r"bash_profile|zprofile|zshenv|config/fish/config\.fish)"
)
_HARMLESS_START = re.compile(
    r"export\s+\w+=|\bpath\b|alias|eval\s+[\"']?\$\(|source\b|completion|\binit\b|autoload|fpath|function|"
    r"\.\s+[\"']?\$|set -gx|^\s*[})]|^\s*$|cat|eof"
)
_AGENT_MEMORY = re.compile(
    r"(?<![\w/-])(?:soul|memory|heartbeat|identity)\.md\b|>>\s*\S{0,60}(?:soul|memory|heartbeat|agents|claude)\.md"
)
_WRITES = re.compile(r">>|\b(?:append|add|write|insert|save|inject|update|modify|edit|persist)\b")


def look(text: Text) -> Iterator[Finding]:
    """Yield shells handed to others, and what would outlive the task."""
    for match in text.matches(_SHELLS, *_SHELL_WORDS, back=80, ahead=400):
        yield _shell(text, match)
    if text.has("authorized"):
        for match in _KEY.finditer(text.low):
            message = "somebody's key is to be let in over SSH"
            yield text.finding("MH811", "error", match.start(), message, REMEDY_STAY, cited=cites(text, match.start()))
    for match in text.matches(_STAYS, *_LASTING, back=200, ahead=80):
        yield _stays(text, match, f"something is set up to run again later: {shown(match[0])}")
    for match in text.matches(
        _SHELL_START,
        "bashrc",
        "zshrc",
        ".profile",
        "bash_profile",
        "zprofile",
        "zshenv",
        "config.fish",
        back=60,
        ahead=20,
    ):
        line = text.lines(match.start(), before=1)
        if not _HARMLESS_START.search(line):
            yield _stays(text, match, f"something is to run with every shell: {shown(line)}")
    for match in text.matches(_AGENT_MEMORY, "soul.md", "memory.md", "heartbeat.md", "identity.md", back=70, ahead=12):
        if _WRITES.search(text.lines(match.start())):
            yield _stays(text, match, f"the agent's own memory is to be written: {shown(text.lines(match.start()))}")


def _stays(text: Text, match: re.Match[str], message: str) -> Finding:
    return text.finding("MH811", "warning", match.start(), message, REMEDY_STAY, cited=cites(text, match.start()))


def _shell(text: Text, match: re.Match[str]) -> Finding:
    """In code it runs; in prose only an address that somebody answers makes it more than an example."""
    host = next((group for group in match.groups() if group), "")
    standing = judge(f"https://{host}").standing if host else "variable"
    severity: Severity = "error" if text.kind == "code" or standing in ("stranger", "shady") else "warning"
    cited = text.kind == "prose" and (standing in ("example", "variable") or cites(text, match.start()))
    return text.finding(
        "MH810", severity, match.start(), f"a shell for another machine: {shown(match[0])}", REMEDY_SHELL, cited=cited
    )
