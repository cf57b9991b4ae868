"""MH804: code that is downloaded and run, unread, in one go. Pure.

Downloading and running code of a known maker over https is how much software is installed, and no finding. What an
unknown account or host answers is decided by whoever holds it, on every day anew: no review of the skill covers it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from molthub.registry.risk.cited import cites, refused_ahead, taught
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.hosts import Address, address_in
from molthub.registry.risk.known_hosts import GIT_HOSTS
from molthub.registry.risk.text import Text, shown
from molthub.registry.risk.words import words_in

TRIGGERS = words_in(
    """
    curl wget iwr irm iex invoke aria2c certutil bitsadmin mshta regsvr32 msiexec rundll32 downloadstring
    downloadfile urlretrieve urlopen exec eval osascript pip pip3 pipx npx npm uv uvx bunx pnpm yarn go cargo gem
    lwp fetch
    """
)
_GETTERS = ("curl", "wget", "aria2c", "iwr", "irm", "invoke-webrequest", "invoke-restmethod", "lwp-download", "fetch")
_SYSTEM_PROGRAMS = ("mshta", "certutil", "bitsadmin", "regsvr32", "rundll32", "msiexec", "osascript")
_INSTALLERS = ("pip", "pip3", "pipx", "uv", "npm", "npx", "pnpm", "yarn", "bunx", "uvx", "gem", "cargo")
REMEDY = "ship the code in the skill, or install a pinned version from a package registry or the maker's own host"

_RUN = r"(?:sudo\s+(?:-\S+\s+){0,3})?(?:env\s+(?:\S+\s+){1,4})?(?:\S{0,30}/)?"
_SHELL = rf"{_RUN}(?:(?:ba|z|da|k|a|fi|c)?sh|iex|invoke-expression|osascript|pwsh|powershell|cmd)\b(?!\.|/|-)"
_READER = rf"{_RUN}(?:python[0-9.]*|perl|ruby|node|php|deno|bun)(?:\s+-)?(?=[\s\"'`)]*(?:\n|$|[|;&\"'`)]))"
_GET = r"(?<![\w./-])(?:curl|wget|aria2c|iwr|irm|invoke-webrequest|invoke-restmethod|lwp-download|fetch)(?:\.exe)?"
_PIPED = re.compile(
    rf"{_GET}\s+(?P<args>[^\n|;]{{1,500}})(?:\|\s*(?!{_SHELL}|{_READER})[^\n|"
    rf";]{{1,120}}){{0,3}}\|\s*(?:{_SHELL}|{_READER})"
)
_SUBSTITUTED = re.compile(
    r"(?:(?:(?:ba|z|da|k)?sh\s+(?:-\w+\s+){0,2}-\w*c|eval|source|xargs[^\n]{0,40})\s*[\"']?\s*(?:\$\(|`|<\()"
    r"|(?:(?:ba|z|da|k)?sh|source|\.|python3?)\s+<\()\s*(?:curl|wget)\s+(?P<args>[^\n)`]{1,500})"
)
_POWERSHELL = re.compile(
    r"(?:iex|invoke-expression)\b\s*[\"'(&$\s]{0,6}(?P<args>[^\n]{0,40}(?:downloadstring|irm|iwr|invoke-webrequest|"
    r"invoke-restmethod|webclient)[^\n]{1,300})"
)
_LIVING_OFF_THE_LAND = re.compile(
    r"(?:mshta(?:\.exe)?\s+[\"']?(?P<a>(?:https?:|javascript:|vbscript:)[^\n]{1,200})"
    r"|certutil(?:\.exe)?\s[^\n]{0,80}-urlcache(?P<b>[^\n]{1,300})"
    r"|bitsadmin(?:\.exe)?\s[^\n]{0,40}/transfer(?P<c>[^\n]{1,300})"
    r"|regsvr32(?:\.exe)?\s[^\n]{0,80}/i:(?P<d>https?:[^\n]{1,200})"
    r"|rundll32(?:\.exe)?\s[^\n]{0,80}(?P<e>(?:https?:|javascript:|\\\\\\\\)[^\n]{1,200})"
    r"|msiexec(?:\.exe)?\s[^\n]{0,40}/i\s+[\"']?(?P<f>https?:[^\n]{1,200})"
    r"|osascript\s+-e[^\n]{0,40}do shell script[^\n]{0,20}(?P<g>curl[^\n]{1,300}))"
)
_IN_CODE = re.compile(
    r"(?<![\w.])(?:exec|eval|function|vm\.runin\w+)\s*\(\s*(?:compile\s*\(\s*)?(?:\(?\s*await\s+){0,3}\(?"
    r"(?:requests\.\w+|urllib[\w.]*|urlopen|httpx\.\w+|fetch|axios\.\w+|request\.urlopen)\s*\((?P<args>[^\n]{1,300})"
)
_SAVED = re.compile(
    rf"{_GET}(?=\s)(?P<args>[^\n|;&]{{0,400}}?(?:\s-[a-z]{{0,6}}o\s*|\s--output(?:-document)?[= ]\s*|"
    rf"\s-outfile\s+|\s>\s*)"
    r"[\"']?(?P<name>[^\s\"';&|`]{1,120})[^\n|;&]{0,300})|"
    rf"(?:wget|curl\s+(?:-\w+\s+){{0,4}}-\w*o\w*)\s+(?P<args2>(?:-\S+\s+){{0,6}}[\"']?https?://[^\s\"';&|]{{1,300}}/"
    r"(?P<name2>[^\s/\"'?#;&|`]{1,100})[^\n|;&]{0,100})|"
    r"(?:urlretrieve|downloadfile)\s*\((?P<args3>[^\n]{1,300}?,\s*[\"'](?P<name3>[^\"'\n]{1,120}))"
)
_CODE_NAME = re.compile(r"\.(?:sh|bash|py|ps1|bat|cmd|exe|command|scpt|js|pl|rb|jar|run|bin|msi|pkg|dmg|app|appimage)$")
_FROM_GIT = re.compile(
    r"(?<![\w-])(?:(?:pip3?|uv\s+pip|pipx|uv\s+tool)\s+install|npm\s+(?:install|i|exec)|npx|pnpm\s+(?:add|dlx)|"
    r"yarn\s+add|"
    r"bunx|uvx|gem\s+install|cargo\s+install)\b(?P<args>[^\n;&|]{0,120}?(?:git\+|github:|gist:|--git[ =]|"
    r"\s(?=https?://))"
    r"[^\n;&|]{1,200})"
)
_DEMANDED = re.compile(
    r"\b(?:pre-?requisites?|required?|mandatory|must|critical|before using|will not work|won'?t work)\b"
)
_INDEX = re.compile(
    r"--(?:extra-)?index-url|--find-links|\s-f\s|--registry|skills\s+(?:add|install)|mcp-remote|jscodeshift"
)


def look(text: Text) -> Iterator[Finding]:
    """Yield every place where something is downloaded and run."""
    for pattern, how, anchors, back in (
        (_PIPED, "is piped into an interpreter", _GETTERS, 0),
        (_SUBSTITUTED, "is run as a shell's own text", ("curl", "wget"), 70),
        (_POWERSHELL, "is run by Invoke-Expression", ("iex", "invoke-expression"), 0),
        (
            _IN_CODE,
            "is run by exec or eval",
            ("exec(", "eval(", "exec (", "eval (", "function(", "function (", "vm."),
            0,
        ),
    ):
        for match in text.matches(pattern, *anchors, back=back, ahead=600):
            yield from _judged(text, match, address_in(match["args"]), how)
    for match in text.matches(_LIVING_OFF_THE_LAND, *_SYSTEM_PROGRAMS):
        arguments = next(group for group in match.groups() if group is not None)
        yield from _judged(text, match, address_in(arguments), "is run by a program of the system itself")
    yield from _saved(text)
    for match in text.matches(_FROM_GIT, *_INSTALLERS):
        if not _INDEX.search(match[0]):
            arguments = re.sub(r"(?:github|gist):", "https://github.com/", match["args"])
            yield from _judged(text, match, address_in(arguments), "is installed, unpinned", mild=True)


def _saved(text: Text) -> Iterator[Finding]:
    """Yield files that are downloaded here and run within the next lines."""
    for match in text.matches(_SAVED, *_GETTERS, "urlretrieve", "downloadfile"):
        name = match["name"] or match["name2"] or match["name3"] or ""
        base = name.rsplit("/", 1)[-1].strip("\"'),")
        if not base or base in ("null", "-"):
            continue
        after = text.low[match.end() : match.end() + 900]
        if _runs(base).search(after):
            arguments = match["args"] or match["args2"] or match["args3"] or ""
            yield from _judged(text, match, address_in(arguments), "is saved and run")


def _runs(name: str) -> re.Pattern[str]:
    """Return what running the saved file ``name`` looks like."""
    file = rf"[\"']?(?:\S{{0,80}}[/\\])?{re.escape(name)}"
    first = (
        r"(?:(?:ba|z|da|k)?sh|python[0-9.]*|perl|ruby|node|source|start|open|chmod\s+\S+|powershell[^\n]{0,40}-file|"
    )
    return re.compile(
        first + rf"java\s+-jar|msiexec\s+/i|installer\s+-pkg|subprocess\.\w+\(\[?|os\.system\()[^\S\n]*{file}(?![\w.-])"
        rf"|(?:^|[\n;&(`\"'])[^\S\n]*(?:sudo\s+)?(?:\./|\.\\|/tmp/){re.escape(name)}(?![\w.-])"
    )


def _judged(text: Text, match: re.Match[str], address: Address, how: str, *, mild: bool = False) -> Iterator[Finding]:
    insecure = address.url.lower().startswith("http://") and address.standing in ("known", "stranger")
    if address.standing == "example" or (address.standing == "known" and not insecure):
        return  # nobody answers, or somebody who answers for it
    later = address.standing == "variable"
    if later and ("$" not in match[0] or cites(text, match.start(), match.end())):
        return
    what = address.what + (", over http, which anybody on the way can change" if insecure else "")
    message = f"code from {what}, {how}: {shown(match[0])}"
    open_to_review = mild or (_is_named(address) and not _is_demanded(text, match))
    weak = later or (address.standing == "known" and text.kind == "prose")
    weak = weak or (open_to_review and address.standing != "shady" and not insecure)
    cited = not later and _is_warned_of(text, match, address)
    yield text.finding("MH804", "warning" if weak else "error", match.start(), message, REMEDY, cited=cited)


def _is_warned_of(text: Text, match: re.Match[str], address: Address) -> bool:
    """Whether the words before a live address, or the heading of one that is not shady, say that it is an attack."""
    return refused_ahead(text, match.start()) or (address.standing == "stranger" and taught(text, match.start()))


def _is_named(address: Address) -> bool:
    """Whether an account of a public git host answers: unknown, but its code and its history are open to anybody."""
    return address.host in GIT_HOSTS and not address.host.startswith("gist")


def _is_demanded(text: Text, match: re.Match[str]) -> bool:
    return _DEMANDED.search(text.around(match.start(), 300, 200 + len(match[0]))) is not None
