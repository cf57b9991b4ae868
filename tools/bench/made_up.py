"""A made-up registry of any size, the same for the same numbers: four files and about 13 KB in each skill version."""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pygit2

from molthub.documents import file_entry, tree_digest

WORDS = [
    "deploy",
    "review",
    "parse",
    "convert",
    "table",
    "report",
    "schema",
    "cluster",
    "release",
    "metric",
    "vector",
    "cache",
    "query",
    "index",
    "stream",
    "branch",
    "ledger",
    "invoice",
    "batch",
    "model",
    "prompt",
    "agent",
    "policy",
    "token",
    "secret",
    "bucket",
    "volume",
    "worker",
    "trace",
    "audit",
]
PUBLISHED = "2026-11-02T09:00:00Z"
EXECUTABLE = {"scripts/run.py"}


@dataclass(frozen=True)
class Size:
    """How much to make up."""

    skills: int = 2000
    versions: int = 5
    bots: int = 1000
    pack_skills: int = 100
    bot_skills: int = 5


def name_of(number: int) -> str:
    """Return the name of one made-up skill."""
    return f"skill-{number:05d}"


def _paragraph(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words)).capitalize() + "."


def skill_files(number: int, version: str) -> dict[str, bytes]:
    """Return the files of one version."""
    rng = random.Random(f"{number}/{version}")
    name = name_of(number)
    description = f"{_paragraph(rng, 18)} Use it when somebody asks to {rng.choice(WORDS)} a {rng.choice(WORDS)}."
    body = "\n\n".join(f"## Step {step}\n\n{_paragraph(rng, 90)}" for step in range(1, 9))
    guide = "\n\n".join(_paragraph(rng, 90) for _ in range(8))
    manifest = (
        f"name: {name}\nversion: {version}\ndescription: {description}\ntags: [{rng.choice(WORDS)}]\nlicense: MIT\n"
    )
    texts = {
        "SKILL.md": f"---\nname: {name}\ndescription: {description}\nlicense: MIT\n---\n\n# {name}\n\n{body}\n",
        "references/guide.md": f"# Guide\n\n{guide}\n",
        "scripts/run.py": f"#!/usr/bin/env python3\nprint('{name} {version}')\n",
        "skill.yaml": manifest,
    }
    return {path: text.encode() for path, text in texts.items()}


def _digest(files: dict[str, bytes]) -> str:
    return tree_digest(file_entry(path, text, executable=path in EXECUTABLE) for path, text in files.items())


def registry_files(size: Size) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the registry: path and bytes."""
    yield (
        "registry.yaml",
        b"name: bench\nurl: https://bench.example/\nrepository: https://git.example/b.git\nowner: bench\n",
    )
    yield "publishers/bench/publisher.yaml", b"name: bench\nscopes: []\n"
    locks = {}
    for number in range(size.skills):
        entries = []
        for minor in range(size.versions):
            version = f"1.{minor}.0"
            files = skill_files(number, version)
            digest = _digest(files)
            entries.append(f'  {version}:\n    published: "{PUBLISHED}"\n    digest: {digest}\n')
            for path, content in files.items():
                yield f"skills/{name_of(number)}/{version}/{path}", content
        locks[name_of(number)] = (version, digest)
        project = "owners: [bench]\nstatus: active\nversions:\n" + "".join(entries)
        yield f"skills/{name_of(number)}/project.yaml", project.encode()
    yield from _pack_files("bench-pack", {name: locks[name] for name in sorted(locks)[: size.pack_skills]})
    yield from _pack_files("bot-pack", {name: locks[name] for name in sorted(locks)[: size.bot_skills]})
    yield from _fleet_files(size.bots)


def _pack_files(name: str, locks: dict[str, tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    lines = ["apiVersion: molthub.dev/v1alpha1", "kind: SkillPack", "metadata:", f"  name: {name}", "spec:"]
    lines += ["  version: 1", "  skills:", *(f"    - {skill}" for skill in locks)]
    lines += ["  envVars:", "    LOG_LEVEL: info", "    TOKEN: ${secrets.token}"]
    lines += ["  mcps:", f"    - name: {name}", "      command: npx -y some-server"]
    lines += ["  resolved:"]
    for skill, (version, digest) in locks.items():
        lines += [f"    {skill}:", f"      version: {version}", f"      digest: {digest}"]
    content = ("\n".join(lines) + "\n").encode()
    digest = _digest({"1.yaml": content})
    yield f"packs/{name}/1.yaml", content
    project = f'owners: [bench]\nstatus: active\nversions:\n  1:\n    published: "{PUBLISHED}"\n    digest: {digest}\n'
    yield f"packs/{name}/project.yaml", project.encode()


def document(kind: str, name: str, spec: str) -> bytes:
    """Return one manifest of a fleet."""
    return f"apiVersion: molthub.dev/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n{spec}".encode()


def _fleet_files(bots: int) -> Iterator[tuple[str, bytes]]:
    yield "fleets/bench/fleet.yaml", document("Fleet", "bench", "  packs:\n    - name: bot-pack\n")
    for number in range(bots):
        name = f"bot-{number:05d}"
        spec = f"  platform: agents-dir\n  envVars:\n    BOT: {json.dumps(name)}\n"
        yield f"fleets/bench/bots/{name}.yaml", document("Bot", name, spec)


def write_repository(folder: Path, size: Size) -> Path:
    """Commit the registry into a bare repository and return it."""
    repo = pygit2.init_repository(str(folder), bare=True, initial_head="main")
    index = pygit2.Index()
    for path, content in registry_files(size):
        executable = path.rsplit("/", 2)[-2:] == ["scripts", "run.py"]
        mode = pygit2.enums.FileMode.BLOB_EXECUTABLE if executable else pygit2.enums.FileMode.BLOB
        index.add(pygit2.IndexEntry(path, repo.create_blob(content), mode))
    commit(repo, index, "Make up a registry")
    return folder


def import_repository(folder: Path, size: Size) -> Path:
    """Write the registry into a bare repository as one pack, without a file for each object, and return it."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    head = (
        b"commit refs/heads/main\ncommitter Bench <bench@example.com> 1762000000 +0000\ndata 18\nMake up a registry\n"
    )
    with subprocess.Popen(
        ["git", "-C", str(folder), "fast-import", "--quiet", "--depth=0"], stdin=subprocess.PIPE
    ) as git:
        assert git.stdin is not None
        git.stdin.write(head)
        for path, content in registry_files(size):
            mode = "100755" if path.rsplit("/", 2)[-2:] == ["scripts", "run.py"] else "100644"
            git.stdin.write(f"M {mode} inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
        git.stdin.close()
    return folder


def publish_one_more(folder: Path, size: Size, number: int = 0, *, other_words: bool = True) -> None:
    """Commit one more version of one skill: with another description and other tags, or with those of the last."""
    repo = pygit2.Repository(str(folder))
    index = pygit2.Index()
    index.read_tree(repo.revparse_single("HEAD").peel(pygit2.Tree))
    version, last = f"1.{size.versions}.0", f"1.{size.versions - 1}.0"
    files = skill_files(number, version)
    if not other_words:
        files = {
            path: text.replace(last.encode(), version.encode()) for path, text in skill_files(number, last).items()
        }
    for path, content in files.items():
        mode = pygit2.enums.FileMode.BLOB_EXECUTABLE if path in EXECUTABLE else pygit2.enums.FileMode.BLOB
        index.add(pygit2.IndexEntry(f"skills/{name_of(number)}/{version}/{path}", repo.create_blob(content), mode))
    project = f"skills/{name_of(number)}/project.yaml"
    old = repo[index[project].id].data.decode()
    entry = f'  {version}:\n    published: "{PUBLISHED}"\n    digest: {_digest(files)}\n'
    index.add(pygit2.IndexEntry(project, repo.create_blob((old + entry).encode()), pygit2.enums.FileMode.BLOB))
    commit(repo, index, "Publish one more version")


def change(folder: Path, files: Mapping[str, bytes], message: str) -> None:
    """Commit other contents of files."""
    repo = pygit2.Repository(str(folder))
    index = pygit2.Index()
    index.read_tree(repo.revparse_single("HEAD").peel(pygit2.Tree))
    for path, content in files.items():
        runs = path.endswith("scripts/run.py")
        mode = pygit2.enums.FileMode.BLOB_EXECUTABLE if runs else pygit2.enums.FileMode.BLOB
        index.add(pygit2.IndexEntry(path, repo.create_blob(content), mode))
    commit(repo, index, message)


def next_pack(folder: Path, name: str) -> dict[str, bytes]:
    """Return the files of the second version of a pack: another value of a variable."""
    tree = pygit2.Repository(str(folder)).revparse_single("HEAD").peel(pygit2.Tree)
    first, project = (tree[f"packs/{name}/{file}"].data for file in ("1.yaml", "project.yaml"))
    second = first.replace(b"version: 1\n", b"version: 2\n", 1).replace(b"LOG_LEVEL: info", b"LOG_LEVEL: debug")
    entry = f'  2:\n    published: "{PUBLISHED}"\n    digest: {_digest({"2.yaml": second})}\n'
    return {f"packs/{name}/2.yaml": second, f"packs/{name}/project.yaml": project + entry.encode()}


def renewed(folder: Path, pack: str, number: int = 0, version: str = "2.0.0") -> dict[str, bytes]:
    """Return the files of another version of one skill, and of the second version of a pack, which has it."""
    tree = pygit2.Repository(str(folder)).revparse_single("HEAD").peel(pygit2.Tree)
    name, files = name_of(number), skill_files(number, version)
    first, packed, project = (
        tree[path].data.decode()
        for path in (f"packs/{pack}/1.yaml", f"packs/{pack}/project.yaml", f"skills/{name}/project.yaml")
    )
    lock = f"    {name}:\n      version: {version}\n      digest: {_digest(files)}\n"
    second = re.sub(rf"    {name}:\n      version: .*\n      digest: .*\n", lock, first)
    second = second.replace("version: 1\n", "version: 2\n", 1)
    content = second.encode()
    return {
        **{f"skills/{name}/{version}/{path}": text for path, text in files.items()},
        f"skills/{name}/project.yaml": f"{project}{_released(version, _digest(files))}".encode(),
        f"packs/{pack}/2.yaml": content,
        f"packs/{pack}/project.yaml": f"{packed}{_released('2', _digest({'2.yaml': content}))}".encode(),
    }


def _released(version: str, digest: str) -> str:
    return f'  {version}:\n    published: "{PUBLISHED}"\n    digest: {digest}\n'


def commit(repo: pygit2.Repository, index: pygit2.Index, message: str) -> None:
    """Commit what ``index`` holds."""
    author = pygit2.Signature("Bench", "bench@example.com", 1_762_000_000, 0)
    parents = [] if repo.head_is_unborn else [repo.head.target]
    repo.create_commit("refs/heads/main", author, author, message, index.write_tree(repo), parents)
