#!/usr/bin/env python3
"""Check a skill's folder against the Agent Skills specification and good practice, as JSON.

Input:  the path of a skill's folder (default: the current one).
Exit:   0 clean, 1 errors or warnings, 2 no skill there.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import stat
import sys
import unicodedata

KNOWN = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
LIMITS = {"name": 64, "description": 1024, "compatibility": 500}
PLATFORM_WORDS = re.compile(r"\b(create_sandbox|run_command|str_replace_editor|TodoWrite|AskUserQuestion|WebFetch|BashTool|mcp__\w+__\w+)\b|~/\.(claude|codex|cursor|openclaw|gemini)/")


class NoSkill(Exception):
    """The folder holds no skill that can be read."""


def problem(level: str, file: str, line: int, rule: str, message: str, fix: str) -> dict:
    return {"level": level, "file": file, "line": line, "rule": rule, "message": message, "fix": fix}


def scalar(text: str) -> str:
    """The value of a plain or quoted scalar on one line."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return re.sub(r"\s+#.*$", "", text)


def frontmatter(lines: list[str]) -> tuple[dict, dict[str, int], list[dict], int]:
    """Fields, their lines, problems, and the line where the body begins; a common subset of YAML."""
    if not lines or lines[0].rstrip() != "---":
        raise NoSkill("SKILL.md does not begin with a line of ---")
    end = next((i for i, text in enumerate(lines[1:], 1) if text.rstrip() == "---"), None)
    if end is None:
        raise NoSkill("the frontmatter has no closing line of ---")
    fields: dict = {}
    places: dict[str, int] = {}
    found, current = [], None
    for number, text in enumerate(lines[1:end], 2):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        if "\t" in text[:len(text) - len(text.lstrip())]:
            found.append(problem("error", "SKILL.md", number, "tab", "a tab in the indentation", "use spaces"))
        match = re.match(r"^([A-Za-z0-9_-]+):(?:\s+(.*))?$", text)
        if match:
            current, value = match.group(1), (match.group(2) or "").strip()
            if current in fields:
                found.append(problem("error", "SKILL.md", number, "duplicate", f"{current} stands twice", "remove one"))
            if value[:1] == "{":
                found.append(problem("error", "SKILL.md", number, "flow-map", "a map in braces", "one key per line, indented"))
            if value and value[0] not in "\"'|>" and re.search(r":(\s|$)", value):
                found.append(problem("error", "SKILL.md", number, "colon", "an unquoted value with a colon", "put the value in double quotes"))
            fields[current] = "" if value in ("", ">", "|", ">-", "|-") else scalar(value)
            places[current] = number
        elif current and text[:1] in " \t":
            nested = re.match(r"^\s+([^\s:]+):\s*(.*)$", text)
            if nested and fields[current] == "" or isinstance(fields[current], dict):
                inner = fields[current] if isinstance(fields[current], dict) else {}
                if nested:
                    inner[nested.group(1)] = scalar(nested.group(2))
                fields[current] = inner
            else:
                fields[current] = (str(fields[current]) + " " + text.strip()).strip()
        else:
            found.append(problem("error", "SKILL.md", number, "syntax", "neither a field nor its continuation", "write `key: value`"))
    return fields, places, found, end + 1


def check_fields(fields: dict, places: dict[str, int], folder: str) -> list[dict]:
    """What the specification says about the fields."""
    found = []

    def error(key: str, rule: str, message: str, fix: str) -> None:
        found.append(problem("error", "SKILL.md", places.get(key, 1), rule, message, fix))

    for key in ("name", "description"):
        if not isinstance(fields.get(key), str) or not fields[key].strip():
            error(key, f"no-{key}", f"{key} is missing or empty", f"add {key}: ...")
    for key, limit in LIMITS.items():
        if isinstance(fields.get(key), str) and len(fields[key]) > limit:
            error(key, f"long-{key}", f"{len(fields[key])} characters, at most {limit}", "shorten it")
    name = unicodedata.normalize("NFKC", fields["name"]) if isinstance(fields.get("name"), str) else ""
    if name and (not all(c == "-" or c.isalnum() for c in name) or name != name.lower() or name.strip("-") != name or "--" in name):
        error("name", "name", f"{name} is no skill name", "lower-case letters, digits and single hyphens")
    if name and name != unicodedata.normalize("NFKC", folder) and not re.fullmatch(r"\d+\.\d+\.\d+\S*", folder):
        error("name", "folder", f"the folder is called {folder}", f"rename one of them to {name}")
    for key in sorted(set(fields) - KNOWN):
        error(key, "unknown-field", f"{key} is not part of the specification", "move it under metadata")
    if "metadata" in fields and not isinstance(fields["metadata"], dict):
        error("metadata", "metadata", "metadata is a map from text to text", "one key per line, indented")
    description = fields.get("description")
    if isinstance(description, str) and description and (len(description) < 60 or not re.search(r"(?i)\b(use|when|for|whenever|before|after)\b", description)):
        found.append(problem("warning", "SKILL.md", places["description"], "vague-description", "it should say what and when", 'end with "Use it when ..."'))
    return found


def check_body(lines: list[str], start: int, root: str) -> list[dict]:
    """Length, links and portability of the body."""
    found, fenced = [], False
    if len(lines) - start > 500:
        found.append(problem("warning", "SKILL.md", 501, "long", f"{len(lines) - start} lines", "move parts to references/"))
    if not "".join(lines[start:]).strip():
        found.append(problem("warning", "SKILL.md", start, "empty", "no instructions", "write the steps"))
    for number, text in enumerate(lines[start:], start + 1):
        if text.lstrip().startswith("```"):
            fenced = not fenced
        hit = PLATFORM_WORDS.search(text)
        if hit and not fenced:
            found.append(problem("warning", "SKILL.md", number, "platform", f"{hit.group(0)} belongs to one platform", "say what to do, not with which tool"))
        for target in [] if fenced else re.findall(r"\]\(([^)\s]+)\)", text):
            path = target.split("#")[0]
            if path and not re.match(r"[a-z][a-z0-9+.-]*:", path) and not os.path.exists(os.path.join(root, path)):
                found.append(problem("warning", "SKILL.md", number, "broken-link", f"{path} does not exist", "mend or remove the link"))
    return found


def check_files(root: str, text: str) -> list[dict]:
    """Scripts and folders."""
    found = []
    for folder in sorted(os.listdir(root)):
        path = os.path.join(root, folder)
        if os.path.isdir(path) and not os.listdir(path):
            found.append(problem("warning", folder, 0, "empty-folder", "an empty folder", "remove it"))
    scripts = os.path.join(root, "scripts")
    for name in sorted(os.listdir(scripts)) if os.path.isdir(scripts) else []:
        path, shown = os.path.join(scripts, name), f"scripts/{name}"
        if not os.path.isfile(path):
            continue
        with open(path, "rb") as stream:
            shebang = stream.read(2) == b"#!"
        if shebang and os.name == "posix" and not os.stat(path).st_mode & stat.S_IXUSR:
            found.append(problem("warning", shown, 1, "not-executable", "has a #! line and may not be run", f"chmod +x {shown}"))
        if shebang and name not in text:
            found.append(problem("warning", shown, 0, "not-mentioned", "SKILL.md does not mention it", "say input, output and when to run it"))
    return found


def lint(root: str) -> dict:
    path = os.path.join(root, "SKILL.md")
    try:
        with open(path, "rb") as stream:
            raw = stream.read()
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as reason:
        raise NoSkill(f"{path}: {reason}") from None
    found = []
    if text.startswith("\ufeff"):
        found.append(problem("error", "SKILL.md", 1, "bom", "begins with a byte order mark", "save without it"))
        text = text[1:]
    lines = text.splitlines()
    fields, places, syntax, start = frontmatter(lines)
    folder = os.path.basename(os.path.abspath(root))
    found += syntax + check_fields(fields, places, folder) + check_body(lines, start, root) + check_files(root, text)
    parts = {level: [{k: v for k, v in p.items() if k != "level"} for p in found if p["level"] == level] for level in ("error", "warning")}
    return {"name": fields.get("name"), "lines": len(lines) - start, "words": len(" ".join(lines[start:]).split()),
            "errors": parts["error"], "warnings": parts["warning"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="FOLDER", nargs="?", default=".", help="the skill's folder (default: here)")
    try:
        report = lint(parser.parse_args().path)
    except (NoSkill, OSError) as reason:
        print(json.dumps({"error": str(reason), "remedy": "pass a folder that holds a SKILL.md with frontmatter"}))
        return 2
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return 1 if report["errors"] or report["warnings"] else 0


if __name__ == "__main__":
    sys.exit(main())
