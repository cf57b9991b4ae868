"""Hostile registries: every bad input is refused with a message of its own, and hurts nobody who reads or builds it.

The cases are in tests/cases/hostile. Each is a commit upon a valid registry, as a pull request would bring it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pygit2
import pytest
import yaml
from pygit2.enums import FileMode

from molthub.client.ustar import MAX_TAR, members
from molthub.client.verify import gunzip
from tests.builders import Tree, as_bytes, commit_entries, content_digest, one_of_everything, skill, skill_md
from tests.registry.command import Ran, run_molthub

FOLDER = Path(__file__).parent.parent / "cases" / "hostile"
MODES = {"link": FileMode.LINK, "submodule": FileMode.COMMIT}
Entry = tuple[bytes, FileMode]


def _read_cases() -> Iterator[Any]:
    for file in sorted(FOLDER.glob("*.yaml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        for case in document["cases"]:
            yield pytest.param({"path": document.get("file"), **case}, id=f"{file.stem}: {case['name']}")


CASES = tuple(_read_cases())


def valid() -> Tree:
    """Return a registry with one of everything and nothing wrong."""
    mallory: Tree = {"publishers/mallory/publisher.yaml": "name: mallory\ngithub: [mallory]\n"}
    return one_of_everything(mallory, policy={"licenses": ["Apache-2.0", "MIT"]})


def _path(case: Mapping[str, Any]) -> bytes:
    if "path-hex" in case:
        return bytes.fromhex(case["path-hex"])
    if "path-repeat" in case:
        return f"skills/git/1.1.0/{case['path-repeat'] * case['times']}".encode()
    return str(case["path"]).encode()


def _content(case: Mapping[str, Any], before: bytes) -> bytes:
    """Return what a case writes at its path: `text`, `hex`, `repeat`, `link`, or what was there with a replacement."""
    if "replace" in case:
        old, new = (_with_token(case, text) for text in case["replace"])
        assert old.encode() in before, f"{case['name']}: the valid registry does not hold {old!r}"
        return before.replace(old.encode(), new.encode(), 1)
    if "submodule" in case:
        return b"1" * 40
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "repeat" in case:
        return str(case["repeat"] * case["times"]).encode()
    return _with_token(case, str(case.get("text", case.get("link", "x")))).encode()


def _with_token(case: Mapping[str, Any], text: str) -> str:
    return text.replace("TOKEN", "".join(case.get("token", ["TOKEN"])))


def _new_skill(case: Mapping[str, Any]) -> Tree:
    """Return the skill that a case declares: SKILL.md, skill.yaml and files as it says, its digest recorded."""
    name = case["skill"]
    version = skill(name)
    files: Tree = {"SKILL.md": skill_md(name, body=_with_token(case, case.get("body", "Words.\n")))}
    for path, content in case.get("files", {}).items() if isinstance(case.get("files"), dict) else ():
        files[path] = bytes.fromhex(content["hex"]) if isinstance(content, dict) else content
    files |= {f"docs/{number}.md": "" for number in range(case["files"])} if isinstance(case.get("files"), int) else {}
    files |= {"docs/large.txt": "x" * case["bytes"]} if "bytes" in case else {}
    folder = f"skills/{name}/1.0.0"
    manifest = yaml.safe_load(version[f"{folder}/skill.yaml"]) | case.get("fields", {})
    files["skill.yaml"] = yaml.safe_dump(manifest, sort_keys=False)
    project: dict[str, Any] = {"status": "active"}
    if not name.startswith("@"):
        project["owners"] = [case.get("actor", "acme")]
    entry = {"published": "2026-11-20T09:00:00Z", "digest": content_digest(files)}
    files_at: Tree = {f"{folder}/{path}": content for path, content in files.items()}
    return files_at | {f"skills/{name}/project.yaml": yaml.safe_dump({**project, "versions": {"1.0.0": entry}})}


def _changed(case: Mapping[str, Any], tree: Tree) -> dict[bytes, Entry]:
    """Return the entries of the commit that a case makes upon the valid registry."""
    entries = {path.encode(): (as_bytes(content), FileMode.BLOB) for path, content in tree.items()}
    if "skill" in case:
        made = {path.encode(): (as_bytes(content), FileMode.BLOB) for path, content in _new_skill(case).items()}
        return entries | made
    path = _path(case)
    if "remove" in case:
        kept = {other: entry for other, entry in entries.items() if not other.startswith(path)}
        assert kept != entries, f"{case['name']}: nothing to remove"
        return kept
    mode = next((MODES[kind] for kind in MODES if kind in case), FileMode.BLOB)
    entries[path] = (_content(case, entries.get(path, (b"", mode))[0]), mode)
    if "beside" in case:
        entries[case["beside"].encode()] = (b"y", FileMode.BLOB)
    if "record" in case:
        _record(entries, f"skills/{case['record']}/", "1.0.0")
    return entries


def _record(entries: dict[bytes, Entry], folder: str, number: str) -> None:
    """Write the digest of a changed version into its project, as somebody would who wants to hide the change."""
    head = f"{folder}{number}/".encode()
    files: Tree = {path[len(head) :].decode(): one[0] for path, one in entries.items() if path.startswith(head)}
    project = yaml.safe_load(entries[f"{folder}project.yaml".encode()][0])
    project["versions"][number]["digest"] = content_digest(files)
    entries[f"{folder}project.yaml".encode()] = (yaml.safe_dump(project).encode(), FileMode.BLOB)


def _committed(case: Mapping[str, Any], folder: Path) -> Path:
    repo = pygit2.init_repository(folder / "registry.git", bare=True, initial_head="main")
    tree = valid()
    base = {path.encode(): (as_bytes(content), FileMode.BLOB) for path, content in tree.items()}
    commit_entries(repo, base)
    commit_entries(repo, _changed(case, tree))
    return folder / "registry.git"


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_change_is_refused(case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = _committed(case, tmp_path)
    actor = ["--actor", case["actor"]] if "actor" in case else []
    ran = run_molthub(capsys, "check", "--registry", place, "--base", "main~1", "--json", *actor)
    assert ran.status == 1, ran
    said = [("", ran.json["error"])] if "error" in ran.json else _errors(ran)
    assert all(one["remedy"] and one["message"].isprintable() and one["remedy"].isprintable() for _, one in said)
    assert [one for found, one in said if found == case.get("id", "") and case["says"] in one["message"]], said


def _errors(ran: Ran) -> list[tuple[str, dict[str, Any]]]:
    return [(problem["id"], problem) for problem in ran.json["problems"] if problem["severity"] == "error"]


@pytest.mark.parametrize("case", [case for case in CASES if str(case.id).startswith("tree: ")])
def test_building_it_hurts_nobody(case: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A registry whose owner never checks: what is published is safe to unpack, and the machine's files stay out."""
    place = _committed(case, tmp_path)
    before = sorted(tmp_path.iterdir())
    ran = run_molthub(capsys, "build", "--registry", place, "--out", tmp_path / "site", "--fleets", "--jobs", "1")
    assert ran.status in (0, 1, 4), ran
    assert "Traceback" not in ran.err
    assert set(tmp_path.iterdir()) - set(before) <= {tmp_path / "site"}
    for archive in (tmp_path / "site").glob("archives/*.tar.gz"):
        for member in members(gunzip(archive.read_bytes(), MAX_TAR, archive.name), archive.name):
            assert b"root:x:0" not in member.content


def test_refusals_have_messages_of_their_own() -> None:
    cases = [case.values[0] for case in CASES]
    assert len({(case.get("id"), case["says"]) for case in cases if isinstance(case, dict)}) >= 90
