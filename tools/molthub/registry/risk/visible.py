"""What a person would see of a text: nothing invisible, look-alike letters as the Latin ones, joined lines. Pure."""

from __future__ import annotations

import re
import unicodedata

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Characters that people do not see and programs read (most are default ignorable code points: UAX 44)."""
INVISIBLE_BYTES = re.compile(
    rb"[\xe2\xc2\xcd\xd8\xe1\xe3\xef\xf3](?:(?<=\xe2)(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xaf])|(?<=\xc2)\xad|"
    rb"(?<=\xcd)\x8f|"
    rb"(?<=\xd8)\x9c|(?<=\xe1)(?:\x85[\x9f\xa0]|\x9e[\xb4\xb5]|\xa0[\x8b-\x8f])|(?<=\xe3)\x85\xa4|(?<=\xef)(?:\xbb\xbf|"
    rb"\xbe\xa0|\xbf[\xb9-\xbb])|(?<=\xf3)\xa0[\x80-\xbf])"
)
"""Whether a file holds any of the characters of ``INVISIBLE``, told from its UTF-8 bytes."""

_FULL_WIDTH_BYTES = (b"\xef\xbc", b"\xef\xbd", b"\xf0\x9d")
_GREEK_OR_CYRILLIC_BYTES = re.compile(rb"[\xcd-\xd4]")
_ASCII = bytes(range(128))
_LOOK_ALIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u04bb\u0501\u051b\u0410\u0412\u0415\u041a\u041c\u041d\u041e"
    "\u0420\u0421\u0422\u0425\u03bf\u03b1\u03c5\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7",
    "aeopcyxijhdwABEKMHOPCTXoauABEHIKMNOPTX",
)
_MIXED = re.compile(r"[\u0370-\u052f](?:(?<=[a-zA-Z].)|(?=[a-zA-Z]))")
_FULL_WIDTH = re.compile("[\uff01-\uff5e\U0001d400-\U0001d7ff]")
_CONTINUED = (re.compile(r"[`^](?<=[ \t].)\r?\n"), re.compile(r"\\\r?\n"))


def seen(raw: str, foreign: bytes, holds_invisible: bool) -> str:
    """Return ``raw`` as a person sees it: nothing invisible, full-width and look-alike letters as the plain ones.

    ``foreign`` are its bytes beyond ASCII: where they lack a character, it need not be looked for.
    """
    seen = INVISIBLE.sub("", raw) if holds_invisible else raw
    if any(lead in foreign for lead in _FULL_WIDTH_BYTES):
        seen = _FULL_WIDTH.sub(lambda match: unicodedata.normalize("NFKC", match[0]), seen)
    if _GREEK_OR_CYRILLIC_BYTES.search(foreign) and _MIXED.search(seen):
        seen = re.sub(r"[\w]+", lambda m: m[0].translate(_LOOK_ALIKE) if _MIXED.search(m[0]) else m[0], seen)
    return seen


def may_continue(content: bytes) -> bool:
    """Whether a mark of a continued line may stand in ``content``; the rare byte of each is looked for first."""
    return (
        (b"\\" in content and (b"\\\n" in content or b"\\\r" in content))
        or (b"`" in content and b" `\n" in content)
        or (b"^" in content and b"^\n" in content)
    )


def beyond_ascii(content: bytes) -> bytes:
    """Return the bytes beyond ASCII alone: what they lack need not be looked for in the whole."""
    return b"" if content.isascii() else content.translate(None, _ASCII)


def joined(text: str) -> str:
    """Return ``text`` with spaces where a shell or a prompt goes on in the next line."""
    for pattern in _CONTINUED:
        text = pattern.sub(lambda match: " " * len(match[0]), text)
    return text


def lowered(text: str) -> str:
    """Return ``text`` in lower case and as long as it was: the one letter that would become two (U+0130) stays."""
    return "\u0130".join(part.lower() for part in text.split("\u0130"))
