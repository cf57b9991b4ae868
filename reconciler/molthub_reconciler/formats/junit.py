"""Drift as JUnit XML, for whatever shows test results: a suite for each bot, a failure for each key that drifted. Pure.

The form is that of the XML schema of Jenkins' xUnit plugin (junit-10).
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from molthub_reconciler.formats.text_differences import unified
from molthub_reconciler.formats.told import Told, sentence, sort_of
from molthub_reconciler.report import BotReport

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(told: Told) -> bytes:
    """Return the document, UTF-8."""
    root = Element("testsuites", name="molthub drift")
    for bot in told.report.bots:
        _suite(root, told, bot)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    indent(root)
    content: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _suite(root: Element, told: Told, bot: BotReport) -> None:
    at = told.report.at.removesuffix("Z")
    suite = SubElement(root, "testsuite", name=bot.bot, package=bot.fleet, timestamp=at, time="0")
    for change in bot.changes:
        case = SubElement(suite, "testcase", classname=bot.bot, name=_text(str(change["key"])), time="0")
        said = _text(sentence(bot, change))
        if "ignored" in change:
            SubElement(case, "skipped", message=_text(str(change["ignored"])))
        elif sort_of(change) == "extra":
            SubElement(case, "system-out").text = said
        else:
            failure = SubElement(case, "failure", type=sort_of(change), message=said)
            differences = (f"{one.path}: {one.note}" if one.note else unified(one) for one in told.of(bot, change))
            failure.text = _text("\n".join([said, *differences]))
    for problem in bot.problems:
        if problem.severity == "error":
            case = SubElement(suite, "testcase", classname=bot.bot, name=problem.id, time="0")
            error = SubElement(case, "error", type=problem.id, message=_text(problem.message))
            error.text = _text(f"{problem.place}\n{problem.remedy}")
    if not len(suite):
        SubElement(suite, "testcase", classname=bot.bot, name="in sync", time="0")
    for name, kind in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(1 for _ in suite.iter(kind))))


def _text(text: str) -> str:
    """Return text without characters that XML cannot hold (XML 1.0, 2.2)."""
    return _NOT_IN_XML.sub("\ufffd", text)
