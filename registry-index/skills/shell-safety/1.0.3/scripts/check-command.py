#!/usr/bin/env python3
"""Report dangerous shapes in a shell command line. Nothing is executed.

Input:  --command TEXT, or the text on standard input.
Output: one JSON object on standard output.
Exit:   0 nothing found, 1 something found, 2 the input could not be used.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import sys

OPERATORS = ("&&", "||", ";;", "|&", ">>", "<<", ">&", "<&", "&>", ";", "|", "&", ">", "<", "(", ")", "\n")
SHELLS = {"sh", "bash", "zsh", "dash", "ksh", "python", "python3", "perl", "ruby", "node"}
WRAPPERS = {"sudo", "doas", "nohup", "time", "command", "exec", "env", "xargs", "nice"}
PROTECTED = {"/", "/*", "/.", "~", "~/", "~/*", "$HOME", "${HOME}", "$HOME/", "$HOME/*", ".", "./", "*", "..", "../",
             "/etc", "/usr", "/var", "/bin", "/lib", "/boot", "/home", "/root", "/opt"}
RANK = {"safe": 0, "review": 1, "refuse": 2}


class Unbalanced(ValueError):
    """The text ends inside a quotation or a substitution."""


def closing(text: str, start: int) -> int:
    """Index just after the `)` that closes the `$(` whose body begins at start."""
    depth, quote, i = 1, "", start
    while i < len(text):
        char = text[i]
        if char == "\\" and quote != "'":
            i += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return i + 1
        i += 1
    raise Unbalanced("unbalanced parenthesis")


def split(text: str) -> tuple[list, list[str]]:
    """Split into ("word", text) and ("op", text) tokens, and the bodies of command substitutions."""
    tokens: list = []
    inner: list[str] = []
    word, open_word, quote, i = "", False, "", 0

    def flush() -> None:
        nonlocal word, open_word
        if open_word:
            tokens.append(("word", word))
        word, open_word = "", False

    while i < len(text):
        char = text[i]
        if quote != "'" and text.startswith("$(", i) and not text.startswith("$((", i):
            end = closing(text, i + 2)
            inner.append(text[i + 2:end - 1])
            word, open_word, i = word + text[i:end], True, end
            continue
        if quote != "'" and char == "`":
            end = text.find("`", i + 1)
            if end < 0:
                raise Unbalanced("unbalanced backquote")
            inner.append(text[i + 1:end])
            word, open_word, i = word + text[i:end + 1], True, end + 1
            continue
        if char == "\\" and quote != "'":
            if text[i + 1:i + 2] != "\n":
                word, open_word = word + text[i + 1:i + 2], True
            i += 2
            continue
        if quote:
            if char == quote:
                quote = ""
            else:
                word += char
            i += 1
            continue
        if char in "'\"":
            quote, open_word, i = char, True, i + 1
            continue
        if char == "#" and not open_word:
            end = text.find("\n", i)
            i = len(text) if end < 0 else end
            continue
        operator = next((op for op in OPERATORS if text.startswith(op, i)), None)
        if operator:
            flush()
            tokens.append(("op", operator))
            i += len(operator)
            continue
        if char.isspace():
            flush()
        else:
            word, open_word = word + char, True
        i += 1
    if quote:
        raise Unbalanced("unbalanced quote")
    flush()
    return tokens, inner


def commands_of(tokens: list) -> list[dict]:
    """Group tokens into simple commands; redirections are kept apart."""
    found, words, targets, before, redirect = [], [], [], "", False
    for kind, value in [*tokens, ("op", ";")]:
        if kind == "word":
            (targets if redirect else words).append(value)
            redirect = False
        elif value in (">", ">>", "&>", ">&"):
            redirect = True
        elif value in ("<", "<<", "<&"):
            redirect = False
        else:
            if words or targets:
                found.append({"words": words, "targets": targets, "after": before})
            words, targets, before, redirect = [], [], value, False
    return found


def program(words: list[str]) -> tuple[str, list[str]]:
    """The program's name and its arguments, without assignments and wrappers such as sudo."""
    rest = list(words)
    while rest:
        head = os.path.basename(rest[0])
        if re.match(r"^[A-Za-z_][A-Za-z0-9_]*=", rest[0]):
            rest = rest[1:]
        elif head in WRAPPERS:
            rest = rest[1:]
            while rest and rest[0].startswith("-"):
                rest = rest[1:]
        else:
            return head, rest[1:]
    return "", []


def flags(arguments: list[str]) -> set[str]:
    """Long options as they are, short ones letter by letter."""
    seen: set[str] = set()
    for argument in arguments:
        if argument.startswith("--"):
            seen.add(argument.split("=", 1)[0])
        elif argument.startswith("-"):
            seen.update("-" + letter for letter in argument[1:])
    return seen


def judge_delete(name: str, args: list[str]) -> list[tuple]:
    given = flags(args)
    if name == "rm" and given & {"-r", "-R", "--recursive"}:
        paths = [a for a in args if not a.startswith("-")]
        if any(p in PROTECTED or p.rstrip("/") in PROTECTED for p in paths):
            return [("delete-protected", "refuse", "Deletes a whole home, system or working folder.",
                     "Name the one folder that should go, and move it aside instead.")]
        loose = [p for p in paths if re.match(r"^\$(\{?[A-Za-z_][A-Za-z0-9_]*\}?|[0-9@*])(/|$)", p)]
        if loose:
            name_ = re.sub(r"[^A-Za-z0-9_]", "", loose[0].split("/")[0])
            return [("delete-unguarded", "refuse", "Deletes from the root folder when the variable is empty.",
                     f'"${{{name_}:?}}{loose[0][len(loose[0].split("/")[0]):]}"')]
        return [("delete-recursive", "review", "Deletes a whole tree.",
                 "List it first, or move it to a dated name and delete later.")]
    if name == "find" and "-delete" in args:
        return [("find-delete", "review", "Deletes every match.", "Run the same with -print first; -delete stays last.")]
    return []


def judge_git(name: str, args: list[str]) -> list[tuple]:
    if name != "git":
        return []
    given, found = flags(args), []
    if "push" in args and (given & {"--force", "-f"} or any(a.startswith("+") for a in args)):
        found.append(("force-push", "review", "Overwrites what others pushed.",
                      "git push --force-with-lease --force-if-includes"))
    if "reset" in args and "--hard" in given:
        found.append(("reset-hard", "review", "Loses uncommitted work.", "git stash push --include-untracked first"))
    if "clean" in args and given & {"-f", "--force"} and not given & {"-n", "--dry-run"}:
        found.append(("git-clean", "review", "Deletes untracked files.", "git clean -nd first, without -x"))
    if "--no-verify" in given:
        found.append(("skip-hooks", "refuse", "Skips the checks the team agreed on.", "Fix what the hook reports."))
    return found


def judge_system(name: str, args: list[str]) -> list[tuple]:
    found = []
    if name.startswith("mkfs") or name in {"wipefs", "shred"}:
        found.append(("wipe-disk", "refuse", "Destroys a file system or file.", "Ask the owner of the machine."))
    if name == "dd" and any(a.startswith("of=/dev/") and a not in ("of=/dev/null", "of=/dev/stdout") for a in args):
        found.append(("write-device", "refuse", "Overwrites a device.", "Write to an image file instead."))
    if name == "chmod" and any(re.fullmatch(r"0?777|a\+rwx|ugo\+rwx", a) for a in args):
        found.append(("world-writable", "review", "Lets everybody write.", "Give the one user or group the right it needs."))
    if name in {"chown", "chmod"} and flags(args) & {"-R", "--recursive"} and any(a in PROTECTED for a in args):
        found.append(("recursive-owner", "refuse", "Changes a whole system or home folder.", "Name the one folder."))
    if name == "eval":
        found.append(("eval", "review", "Runs text as code.", "Use an array and \"${array[@]}\"."))
    return found


def judge_remote(name: str, args: list[str]) -> list[tuple]:
    found, given, text = [], flags(args), " ".join(args)
    if name == "kubectl" and "delete" in args and (given & {"--all", "--all-namespaces", "-A"} or
                                                   {"ns", "namespace", "namespaces"} & set(args)):
        found.append(("cluster-delete", "refuse", "Deletes everything in a namespace or cluster.",
                      "Delete one named object, with --namespace and --dry-run=server first."))
    if name in {"terraform", "tofu"} and "destroy" in args:
        found.append(("destroy", "refuse", "Destroys managed infrastructure.", "terraform plan -destroy, reviewed by a person"))
    if name in {"terraform", "tofu"} and "-auto-approve" in args and "destroy" not in args:
        found.append(("auto-approve", "review", "Applies without a reviewed plan.", "terraform plan -out=plan, then apply plan"))
    if name == "docker" and "prune" in args and given & {"--volumes", "-a", "--all"}:
        found.append(("docker-prune", "review", "Removes images and volumes still wanted.", "docker system df, then remove by name"))
    if name == "aws" and ("rb" in args or "--recursive" in given) and ("s3" in args):
        found.append(("bucket-delete", "review", "Touches a whole bucket or prefix.", "Add --dryrun first."))
    if re.search(r"(?i)\b(drop\s+(table|database|schema)|truncate\s+table|delete\s+from\s+\w+\s*;?\s*$)", text):
        found.append(("sql-destroy", "review", "Deletes data without a condition.", "Run it inside BEGIN ... ROLLBACK first."))
    return found


def judge_secrets(name: str, args: list[str]) -> list[tuple]:
    shapes = r"(gh[pousr]_[A-Za-z0-9]{20,}|AKIA[0-9A-Z]{16}|xox[abprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{20,})"
    option = r"^--?(password|passwd|token|secret|api-key)=[^$]"
    if any(re.search(shapes, a) or re.match(option, a) for a in args):
        return [("secret-argument", "refuse", "A secret on a command line is visible to every process.",
                 "Pass it by environment variable, file or standard input.")]
    if name == "curl" and flags(args) & {"-k", "--insecure"}:
        return [("no-verification", "review", "Does not check whom it talks to.", "Install the certificate authority.")]
    return []


def judge(command: dict, previous: dict | None) -> list[dict]:
    """Every finding for one simple command."""
    name, args = program(command["words"])
    raw: list[tuple] = []
    for check in (judge_delete, judge_git, judge_system, judge_remote, judge_secrets):
        raw.extend(check(name, args))
    if command["after"] in ("|", "|&") and previous and name in SHELLS:
        source, _ = program(previous["words"])
        if source in {"curl", "wget", "fetch"}:
            raw.append(("pipe-to-shell", "refuse", "Runs a download nobody has read.", "Download to a file, read it, run it."))
    if any(t.startswith("/dev/") and t not in ("/dev/null", "/dev/stderr", "/dev/stdout", "/dev/tty") for t in command["targets"]):
        raw.append(("write-device", "refuse", "Writes over a device.", "Write to a file."))
    if command["words"][:1] in (["sudo"], ["doas"]) and not raw:
        raw.append(("root", "review", "Runs as root.", "Say which part needs root and why."))
    return [{"rule": r, "severity": s, "words": command["words"], "message": m, "safer": f} for r, s, m, f in raw]


def check(text: str, depth: int = 0) -> tuple[list[dict], list[dict]]:
    """Commands and findings of a text, command substitutions included."""
    if depth > 8:
        raise Unbalanced("substitutions nested too deeply")
    tokens, inner = split(text)
    commands = commands_of(tokens)
    findings: list[dict] = []
    if re.search(r":\s*\(\)\s*\{\s*:\s*\|\s*:", text):
        findings.append({"rule": "fork-bomb", "severity": "refuse", "words": [], "message": "Starts processes without end.", "safer": ""})
    for previous, command in zip([None, *commands], commands):
        findings.extend(judge(command, previous))
    for body in inner:
        more, found = check(body, depth + 1)
        commands, findings = commands + more, findings + found
    return commands, findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", help="the command line to check; default: standard input")
    options = parser.parse_args()
    if options.command is not None:
        text = options.command
    else:
        text = "" if sys.stdin.isatty() else sys.stdin.buffer.read().decode("utf-8", "replace")
    try:
        if not text.strip():
            raise Unbalanced("no command given")
        commands, findings = check(text)
    except Unbalanced as error:
        print(json.dumps({"error": str(error), "remedy": "pass one complete command with --command or on stdin"}))
        return 2
    verdict = max((f["severity"] for f in findings), key=RANK.__getitem__, default="safe")
    print(json.dumps({"verdict": verdict, "commands": [c["words"] for c in commands], "findings": findings}, indent=2))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
