"""MH808 and MH809: what is private leaves the machine, and places that record whatever is sent to them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from molthub.errors import Severity
from molthub.registry.risk.cited import cites
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.hosts import URL, Address, judge
from molthub.registry.risk.text import Text, shown
from molthub.registry.risk.words import words_in

TRIGGERS = words_in(
    """
    ssh aws rsa ed25519 netrc npmrc pypirc credentials keychain wallet metamask electrum exodus mnemonic cookies
    logins environ printenv env webhook webhooks telegram discord slack dig nslookup ngrok bore webhook requestbin
    pipedream interact oast oastify beeceptor seed shadow keystore solana openclaw clawdbot process token secret
    secrets api password passwords key keys gcloud stringify keychains memory history conversation login
    """
)
_PRIVATE_ANCHORS = (
    ".ssh",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    "id_dsa",
    ".aws",
    "gcloud",
    "application_default_credentials",
    ".azure",
    ".kube",
    ".docker/config",
    ".netrc",
    ".git-credentials",
    ".pypirc",
    ".npmrc",
    ".gnupg",
    "login data",
    "cookies",
    "logins.json",
    "key4.db",
    "local state",
    "user data",
    "wallet",
    ".electrum",
    "exodus",
    "metamask",
    "phantom",
    "solana",
    ".bitcoin",
    ".ethereum",
    "keystore/",
    "seed phrase",
    "mnemonic",
    "keychain",
    "keychains",
    "-password",
    "security export",
    "/etc/shadow",
    "/proc/self/environ",
    ".openclaw",
    ".clawdbot",
    ".claude",
    ".codex",
    ".bash_history",
    ".zsh_history",
    "credential manager",
    "cmdkey",
    "vaultcmd",
)
_ENVIRONMENTS = ("environ", "process.env", "printenv", "env", "set |")
REMEDY = "send only what the skill is for, to the service that it names; never files or variables that are not its own"

_PRIVATE = re.compile(
    r"\.ssh[/\\\"',\s)]{1,6}[^\n]{0,20}(?:id_|\*|config|known|authorized)?|(?<![\w.])id_(?:rsa|ed25519|ecdsa|"
    r"dsa)\b|\.aws[/\\\"',\s)]{1,6}(?:credentials|config)|"
    r"\.config/gcloud|application_default_credentials|\.azure/|\.kube/config|\.docker/config\.json|\.netrc\b|"
    r"\.git-credentials|\.pypirc\b|"
    r"\.npmrc\b|\.gnupg|login data\b|cookies\.sqlite|logins\.json|key4\.db|(?:chrome|chromium|brave|firefox|"
    r"edge)[^\n]{0,60}(?:cookies|profiles?\b|user data|local state)|"
    r"wallet\.dat|\.electrum|exodus[/\\]|metamask|phantom wallet|solana/id\.json|\.bitcoin|\.ethereum|keystore/|"
    r"seed phrase|mnemonic|"
    r"login\.keychain|library/keychains|find-(?:generic|internet)-password|dump-keychain|security\s+export|"
    r"/etc/shadow|/proc/self/environ|"
    r"\.openclaw/(?:\.env|openclaw\.json|credentials)|\.clawdbot/(?:\.env|clawdbot\.json)|"
    r"\.claude/\.credentials|\.claude\.json|\.codex/auth\.json|"
    r"\.bash_history|\.zsh_history|credential manager|cmdkey /list|vaultcmd"
)
_OPENS_DOORS = re.compile(
    r"id_(?:rsa|ed25519|ecdsa|dsa)|\.ssh|\.aws|\.git-credentials|\.netrc|\.gnupg|login data|cookies\.sqlite|"
    r"logins\.json|key4\.db|local state|wallet\.dat|"
    r"\.electrum|exodus|metamask|solana/id|\.bitcoin|seed phrase|keychain|find-|dump-|/etc/shadow|"
    r"/proc/self/environ|environ|process\.env|printenv|\benv\b|"
    r"credential manager|cmdkey|vaultcmd|\.(?:bash|zsh)_history"
)
_OWN = re.compile(r"known_hosts|ssh[/\\]config|\.ssh/authorized|\.pub\b|mnemonic device")
_WHOLE_ENVIRONMENT = re.compile(
    r"(?:json\.dumps|str|repr|dict|list|urlencode|quote|"
    r"b64encode)\s*\(\s*(?:dict\s*\(\s*)?os\.environ(?!\s*[\[.]|\.copy|\.get)|"
    r"(?:json|data|params|content|body|"
    r"env\w*)\s*=\s*(?:dict\s*\(\s*)?os\.environ(?!\s*[\[.])(?:\.copy\(\))?\s*\)?\s*[,)]|"
    r"json\.stringify\s*\(\s*process\.env\s*[,)]|(?:body|data)\s*:\s*process\.env\b(?!\.)|"
    r"(?:\$\(|`)\s*(?:env|printenv|set)\s*(?:\||\)|`)|(?:^|[\n;&(])\s*(?:env|printenv)\s*\|\s*(?:base64|gzip|"
    r"curl|nc|openssl|xxd|tr)\b|"
    r"get-childitem\s+env:|gci\s+env:|dir\s+env:"
)
_SENT = re.compile(
    r"(?:requests|httpx|session|client|axios|got)\.(?:post|put|patch|request)\s*\(|httpx\.(?:Async)?Client\b|"
    r"urlopen\s*\([^\n]{0,120}data|"
    r"[rR]equest\([^)]{0,200}data\s*=|method[\"']?\s*[:=]\s*[\"'](?:POST|PUT|post|put)[\"']|https?\.request\s*\(|"
    r"(?:curl|wget)(?:\.exe)?\b[^\n]{0,300}\s(?:-\w*[dFT](?=[\s@\"'$])|--data\S*|--form\b|--upload-file|"
    r"-X\s*(?:POST|PUT)|--post-(?:data|file))|"
    r"(?:curl|wget)[^\n]{0,200}\$\(|Invoke-(?:RestMethod|WebRequest)[^\n]{0,200}-Method\s+[\"']?(?:Post|POST|"
    r"Put|PUT)|Upload(?:String|File|Data)\b|"
    r"(?<![\w-])(?:nc|ncat|netcat)\s+(?:-\w+\s+){0,3}[\w.$-]+\s+\d{2,5}|smtplib|sendmail|"
    r"socket\.create_connection|\.connect\(\(|"
    r"ftplib|storbinary|paramiko|(?<![\w-])scp\s+[^\n]{1,120}@|rsync\s+[^\n]{1,120}@"
)
_LEFT_BY_GET = re.compile(
    r"(?:requests|httpx)\.get\s*\(\s*f[\"'][^\"'\n]{0,200}\?[^\"'\n]{0,100}\{|"
    r"fetch\s*\(\s*`https?://[^`\n]{0,200}\?[^`\n]{0,100}\$\{"
)
_BY_NAME = re.compile(
    r"(?<![\w-])(?:dig|nslookup|host|ping|drill)\s+(?:-\S+\s+|\+\S+\s+|\w+\s+){0,4}[\"']?(?:\$\(|"
    r"`)[^\n)`]{1,200}[)`][\"']?\.[a-z0-9-]+\.[a-z]|"
    r"(?<![\w-])(?:dig|nslookup)\s+(?:-\S+\s+|\+\S+\s+){0,4}[\"']?\$\{?\w+\}?\.[a-z0-9-]+\.[a-z]|"
    r"(?:gethostbyname|getaddrinfo|resolve\w*)\s*\(\s*f[\"']\{[^\n]{0,120}\}\.[a-z0-9-]+\.[a-z]|"
    r"(?:gethostbyname|getaddrinfo)\s*\([^\n]{0,60}\+\s*[\"']\.[a-z0-9-]+\.[a-z]"
)
_CHAT = re.compile(
    r"discord(?:app)?\.com/api/webhooks/\d{15,22}/[\w-]{40,}|api\.telegram\.org/bot\d{8,12}:[\w-]{30,}|"
    r"hooks\.slack\.com/services/t\w{6,12}/b\w{6,12}/\w{20,}|"
    r"\b\d{8,10}:aa[\w-]{32,34}\b"
)
_IN_WORDS = re.compile(
    r"\b(?:send|upload|post|transmit|exfiltrate|forward|submit|report|email|append|include|pass|attach|share|"
    r"deliver|sync|back ?up)\b[^\n.]{0,100}"
    r"(?:\bapi[ _-]?keys?\b|credentials?\b|passwords?\b|\btokens?\b|\bsecrets?\b|\.env\b|environment variables?|"
    r"ssh keys?|private keys?|seed phrase|"
    r"(?:conversation|chat|session|message) (?:history|log|transcript)s?|system prompt|memory\.md|soul\.md|"
    r"wallet|openclaw\.json|config files?|"
    r"contents? of|cookies)[^\n]{0,120}$"
)
_AUTHENTICATES = re.compile(
    r"\bheaders?\b|authorization|bearer|x-api-key|\bas (?:the|a|an)\b|query param|auth(?:enticate|entication)|"
    r"request body|oauth|login|sign in"
)


def look(text: Text) -> Iterator[Finding]:
    """Yield private files and whole environments that are sent away, data catchers, and names as a channel."""
    for match in text.matches(_BY_NAME, "dig", "nslookup", "drill", "gethostbyname", "getaddrinfo"):
        message = f"what a command prints is looked up as a host name, which carries it away: {shown(match[0])}"
        yield text.finding("MH808", "error", match.start(), message, REMEDY, cited=cites(text, match.start()))
    yield from _together(text)
    for match in text.matches(URL, "http://", "https://"):
        yield from _named(text, match.start(), judge(match[0].rstrip(".,;:")))
    for match in text.matches(
        _CHAT,
        "discord.com/api/webhooks",
        "discordapp.com/api/webhooks",
        "api.telegram.org/",
        "hooks.slack.com/services",
    ):
        yield text.finding("MH809", "warning", match.start(), "a chat service's inbox, wired in with its key", REMEDY)


def _named(text: Text, offset: int, address: Address) -> Iterator[Finding]:
    """Yield what an address is for: to record what is sent, or to be sent what is private."""
    if address.standing not in ("stranger", "shady"):
        return
    if address.what in ("a request catcher", "a tunnel or dynamic name"):
        cited = text.kind == "prose" and cites(text, offset)
        yield text.finding("MH809", "warning", offset, f"{address.what}: {shown(address.url, 60)}", REMEDY, cited=cited)
    asked = _IN_WORDS.search(text.around(offset, 260, 0))
    if asked and not _AUTHENTICATES.search(text.lines(offset)):
        severity: Severity = "error" if address.standing == "shady" else "warning"
        message = f"what is private is to be sent to {address.what}: {shown(asked[0])}"
        yield text.finding("MH808", severity, offset, message, REMEDY, cited=cites(text, offset))


def _together(text: Text) -> Iterator[Finding]:
    """Yield private things that are read and something that sends, in one file of code or one fenced block."""
    sources = [
        *text.matches(_PRIVATE, *_PRIVATE_ANCHORS, back=60, ahead=90),
        *text.matches(_WHOLE_ENVIRONMENT, *_ENVIRONMENTS, back=60, ahead=80),
    ]
    sources = [match for match in sources if not _OWN.search(text.low, match.start(), match.end() + 20)]
    if not sources:
        return
    for begin, end in _units(text):
        source = next((match for match in sources if begin <= match.start() < end), None)
        if source and (_SENT.search(text.visible, begin, end) or _LEFT_BY_GET.search(text.low, begin, end)):
            yield from _leaves(text, begin, end, source)


def _leaves(text: Text, begin: int, end: int, source: re.Match[str]) -> Iterator[Finding]:
    places = [judge(match[0].rstrip(".,;:")) for match in URL.finditer(text.low, begin, end)]
    worst = _worst(places)
    offset = source.start()
    told = f" (to {worst.what})" if worst else ""
    message = f"what is private is read here and something is sent{told}: {shown(source[0])}"
    only_known = bool(places) and worst is None
    grave = _OPENS_DOORS.search(source[0]) or (worst is not None and worst.standing == "shady")
    sure = grave and not only_known and (text.kind == "code" or worst is not None)
    severity: Severity = "error" if sure else "warning"
    yield text.finding("MH808", severity, offset, message, REMEDY, cited=text.kind == "prose" and cites(text, offset))


def _worst(places: list[Address]) -> Address | None:
    shady = next((place for place in places if place.standing == "shady"), None)
    return shady or next((place for place in places if place.standing == "stranger"), None)


def _units(text: Text) -> Iterator[tuple[int, int]]:
    """Yield what is read as one: a file of code, or each fenced block of prose."""
    if text.kind == "code":
        yield 0, len(text.low)
    else:
        yield from text.fences
