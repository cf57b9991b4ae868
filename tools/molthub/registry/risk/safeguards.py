"""MH812: what protects people is to be switched off. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from molthub.registry.risk.cited import cites, quoted
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.text import Text, shown
from molthub.registry.risk.words import words_in

TRIGGERS = words_in(
    """
    quarantine xattr spctl csrutil setenforce mppreference realtimemonitoring defender antivirus gatekeeper firewall
    smartscreen executionpolicy dangerously yolo bypasspermissions stricthostkeychecking sandbox verify nopasswd
    apparmor selinux ufw iptables sip autoapprove av edr insecure suid chmod unauthorized
    """
)
_GRAVE_WORDS = (
    "mppreference",
    "windefend",
    "csrutil",
    "spctl",
    "advfirewall",
    "defender",
    "antivirus",
    "anti-virus",
    "antimalware",
    "gatekeeper",
    "smartscreen",
    "real-time protection",
    "realtime protection",
    "security software",
    "edr",
)
_MILD_WORDS = (
    "xattr",
    "setenforce",
    "selinux=disabled",
    "nopasswd",
    "ufw",
    "iptables",
    "--dangerously-",
    "--yolo",
    "bypasspermissions",
    "stricthostkeychecking",
    "--no-verify",
    "--no-gpg-check",
    "--no-gpg-checks",
    "--allow-unauthenticated",
    "--nogpgcheck",
    "--disable-web-security",
    "executionpolicy",
    "node_tls_reject",
    "chmod",
    "autoapprove",
)
REMEDY = "leave safeguards as people set them; say which permission the skill needs, and why"

_S = r"[\s*_>`]{1,8}"
_GRAVE = re.compile(
    r"set-mppreference\s[^\n]{0,80}-disable\w+|add-mppreference\s[^\n]{0,40}-exclusion\w+|"
    r"sc(?:\.exe)?\s+(?:stop|delete)\s+windefend|"
    r"csrutil\s+disable|spctl\s+--(?:master|global)-disable|netsh\s+advfirewall\s+set\s+\w+\s+state\s+off|"
    rf"(?:disable|turn(?:ing)?{_S}off|switch{_S}off|deactivate|uninstall|pause|stop){_S}(?:(?:your|the|any|all|windows|microsoft|"
    rf"real-?time|mac\w*){_S}){{0,4}}(?:defender|anti-?virus|antimalware|gatekeeper|smartscreen|real-?time{_S}protection|"
    rf"security{_S}software|edr)\b|"
    r"(?:add|create)\s[^\n]{0,60}(?:exclusion|exception|whitelist)[^\n]{0,40}(?:defender|anti-?virus)|"
    r"(?:anti-?virus|defender|av)\s[^\n]{0,60}(?:false positive|ignore (?:the|any|this) (?:warning|alert|detection))"
)
_MILD = re.compile(
    r"xattr\s+-\w*[cdr]\w*\s[^\n]{0,120}|setenforce\s+0|selinux=disabled|nopasswd:\s*all|ufw\s+disable|iptables\s+-f\b|"
    r"--dangerously-(?:skip-permissions|bypass[\w-]*|disable[\w-]*)|--yolo\b|bypasspermissions|"
    r"stricthostkeychecking[= ]no|"
    r"(?:git|npm)\s[^\n]{0,80}--no-verify\b|--no-gpg-check\w*|--allow-unauthenticated|--nogpgcheck|"
    r"--disable-web-security|"
    r"-executionpolicy\s+(?:bypass|unrestricted)|node_tls_reject_unauthorized\s*[=:]\s*[\"']?0|"
    r"chmod\s+(?:-r\s+)?(?:777|a\+rwx)\s+/(?:\s|$|etc|usr|var|home)|chmod\s+(?:u\+s|4755)\b|"
    r"autoapprove[\"']?\s*[:=]\s*(?:true|\[?[\"']\*)"
)


def look(text: Text) -> Iterator[Finding]:
    """Yield safeguards that are to be switched off."""
    for match in text.matches(_GRAVE, *_GRAVE_WORDS, back=90, ahead=160):
        message = f"protection of the machine is to be switched off: {shown(match[0])}"
        yield text.finding(
            "MH812",
            "error",
            match.start(),
            message,
            REMEDY,
            cited=cites(text, match.start(), match.end())
            or (text.kind == "code" and quoted(text, match.start(), match.end())),
        )
    for match in text.matches(_MILD, *_MILD_WORDS, back=90, ahead=140):
        if match[0].startswith("xattr") and "quarantine" not in match[0] and not re.match(r"xattr\s+-\w*c", match[0]):
            continue
        if not cites(text, match.start()):
            message = f"a safeguard is to be switched off: {shown(match[0])}"
            yield text.finding("MH812", "warning", match.start(), message, REMEDY)
