"""MH813 and MH814: text that takes the agent away from its people: override, conceal, act unasked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from molthub.registry.risk.cited import quoted
from molthub.registry.risk.finding import Finding
from molthub.registry.risk.text import Text, shown
from molthub.registry.risk.words import byte_words_in, words_in

TRIGGERS = words_in(
    """
    instructions instruction prompt prompts rules guidelines guardrails safeguards user users human owner operator
    confirmation permission approval consent silently secretly covertly dan jailbreak unrestricted safety
    """
)
_S = r"[\s*_>`~\"'|#,-]{1,12}"  # what may stand between two words: spaces, line breaks, Markdown's marks
_OVERRIDE = re.compile(
    rf"\b(?:ignore|disregard|forget|override|bypass|discard|drop|neglect|do{_S}not{_S}(?:follow|obey)|"
    rf"don't{_S}(?:follow|obey)){_S}"
    rf"(?:(?:all|any|every|each|the|your|my|of|these|those|other|and|existing|current|original|system|developer|"
    rf"safety|user){_S}){{0,6}}"
    rf"(?:(?:previous|previously|prior|above|earlier|preceding|initial|original|former|system|other|built-in|developer|"
    rf"safety)(?:{_S}(?:and|or|given|system|safety|developer|security|stated|provided|user)){{0,3}}{_S})"
    rf"(?:[a-z]{{1,20}}{_S}){{0,2}}?(?:instructions?|prompts?|rules?|guidelines?|directives?|guardrails?|"
    rf"safeguards?|programming)\b"
)
_NEW_SELF = re.compile(
    rf"\b(?:you{_S}are{_S}now{_S}(?:in{_S})?(?:dan|jailbroken|unrestricted|developer{_S}mode|god{_S}mode|"
    rf"free{_S}(?:of|from))|"
    rf"(?:enter|enable|activate){_S}(?:god|dan|unrestricted|jailbreak){_S}mode|"
    rf"your{_S}(?:safety|security){_S}(?:guidelines|rules|filters|restrictions){_S}(?:are|do|no){_S}(?:disabled|"
    rf"not{_S}apply|longer{_S}apply|off))"
)
_CONCEAL = re.compile(
    rf"\b(?:do{_S}not|don't|never|avoid|must{_S}not|should{_S}not|without|refrain{_S}from|no{_S}need{_S}to){_S}"
    rf"(?:ever{_S})?(?:tell|telling|inform|informing|mention|mentioning|notify|notifying|alert|alerting|reveal|"
    rf"revealing|disclose|disclosing|"
    rf"warn|warning|report|reporting|show|showing|let|letting){_S}"
    rf"(?:(?:this|these|it|that|them|any|the|of|about|anything|step|steps|action|actions|activity|fact|command|"
    rf"commands|output|to){_S}){{0,5}}"
    rf"(?:the{_S}|your{_S}|any{_S})?(?:user|human|owner|operator|person|people|victim)s?\b"
)
_SECRETLY = re.compile(
    rf"\b(?:silently|secretly|covertly|quietly|stealthily|in{_S}the{_S}background){_S}(?:and{_S}\w+{_S})?"
    rf"(?:send|sends|upload|uploads|post|exfiltrate|transmit|collect|copy|forward|install|download|execute|run|"
    rf"read|email|log|capture){_S}"
    rf"(?:\w+{_S}){{0,6}}?(?:credentials?|keys?|tokens?|secrets?|passwords?|files?|data|history|conversation|"
    rf"env|environment|payload|script|"
    rf"binary|commands?|cookies)\b"
)
_UNASKED = re.compile(
    rf"\b(?:without{_S}(?:asking|requesting|seeking|waiting{_S}for|requiring|prompting|getting|any)|"
    rf"(?:do{_S}not|don't|never){_S}(?:ask|wait{_S}for|"
    rf"request|seek)){_S}(?:for{_S})?(?:(?:any|the|explicit|further|your|a|prior|their){_S}){{0,3}}(?:user|"
    rf"human|owner|operator|"
    rf"confirmation|permission|approval|consent)s?\b"
)
_SENSITIVE_ACT = re.compile(
    r"\b(?:curl|wget|sudo|rm -rf|eval|exec|base64|install|download|upload|send|transfer|payment|pay|trade|swap|"
    r"withdraw|sign|delete|push|"
    r"credentials?|private key|wallet|password|token)\b"
)
_OVERRIDING = (
    "ignore",
    "disregard",
    "forget",
    "override",
    "bypass",
    "discard",
    "drop",
    "neglect",
    "do not follow",
    "do not obey",
    "don't follow",
    "don't obey",
)
_NOT = (
    "do not",
    "don't",
    "never",
    "avoid",
    "must not",
    "should not",
    "without",
    "refrain",
    "no need",
    "do\nnot",
    "do *not",
    "do **not",
)
_PEOPLE = byte_words_in("user users human humans owner owners operator operators people person persons victim victims")
_TELLING = byte_words_in(
    """
    tell telling inform informing mention mentioning notify notifying alert alerting reveal revealing disclose
    disclosing warn warning report reporting show showing let letting
    """
)
_ASKING = byte_words_in("asking requesting seeking waiting requiring prompting getting any ask wait request seek")
_ASKED_FOR = _PEOPLE | byte_words_in(
    "confirmation confirmations permission permissions approval approvals consent consents"
)
REMEDY = "say what the skill does, and leave to people and their agent what they do about it"


def look(text: Text) -> Iterator[Finding]:
    """Yield instructions against other instructions, against telling people, and for acting unasked."""
    for pattern, verbs in ((_OVERRIDE, _OVERRIDING), (_NEW_SELF, ("you", "enter", "enable", "activate", "your"))):
        if pattern is _NEW_SELF and not text.has(
            "dan", "jailbroken", "unrestricted", "god", "jailbreak", "safety", "free"
        ):
            continue
        for match in text.matches(pattern, *verbs):
            message = f"instruction against other instructions: {shown(match[0])}"
            yield text.finding("MH813", "error", match.start(), message, REMEDY, cited=_spoken_of(text, match))
    for match in text.matches(
        _SECRETLY, "silently", "secretly", "covertly", "quietly", "stealthily", "in the background"
    ):
        message = f"something is to be done in secret: {shown(match[0])}"
        yield text.finding("MH814", "warning", match.start(), message, REMEDY, cited=_spoken_of(text, match))
    if text.has_of(_PEOPLE) and text.has_of(_TELLING):
        for match in text.matches(_CONCEAL, *_NOT):
            message = f"something is to be kept from people: {shown(match[0])}"
            yield text.finding("MH814", "warning", match.start(), message, REMEDY, cited=_in_quotes(text, match))
    for match in text.matches(_UNASKED, *_NOT) if text.has_of(_ASKING) and text.has_of(_ASKED_FOR) else ():
        if _SENSITIVE_ACT.search(text.lines(match.start(), before=1)):
            message = f"something is to be done unasked: {shown(match[0])}"
            yield text.finding("MH814", "warning", match.start(), message, REMEDY, cited=_in_quotes(text, match))


def _in_quotes(text: Text, match: re.Match[str]) -> bool:
    return text.kind == "code" or quoted(text, match.start(), match.end())


def _spoken_of(text: Text, match: re.Match[str]) -> bool:
    """Whether the words are quoted, or stand where attacks are spoken of, instead of being meant.

    The match's own line is judged without the match: its verb alone (`bypass`, `do not follow`) refuses nothing.
    """
    if _in_quotes(text, match) or text.fence_at(match.start()):
        return True
    begin, end = match.span()
    line = text.lines(begin, before=1, end=end)
    rest = line.replace(match[0], " ")
    return _LISTED.search(rest) is not None or _TAUGHT.search(text.heading(begin)) is not None


_LISTED = re.compile(
    r"\b(?:attempts?|attacks?|attackers?|injections?|injected|such as|e\.g\.|for example|like|looks? for|"
    r"detects?|patterns?|phrases?|(?:that|which|it|page|text|someone|message) (?:says?|reads?)|"
    r"tries|try to|trying|tell(?:s|ing)? (?:you|it|the (?:agent|model))|asks? (?:you|it)|contains?|containing|"
    r"malicious|adversarial|untrusted|"
    r"suspicious|red flags?|refuse|reject|treat|if (?:a|an|any|the|someone|it)|never|flag)\b"
)
_TAUGHT = re.compile(
    r"attack|threat|injection|malicious|red flags?|anti-?patterns?|vulnerab|exploit|suspicious|detect|indicator|"
    r"jailbreak|red team|adversar|"
    r"untrusted|security|safety|what to look"
)
