"""Builders of valid registries: trees as ``{path: text or bytes}``, sources in memory, folders and git repositories.

A test starts from something valid and changes the one thing it is about:

    tree = registry(skill("git", "1.1.0", "1.2.0"), pack("dev", {"skills": ["git"]}), fleet("prod", packs=["dev"]))
    tree |= bot("prod", "ada", platform="openclaw")
    catalog = read_catalog(TreeSource(tree))
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pygit2
import yaml

from molthub.documents import file_entry, tree_digest
from molthub.errors import Problem, ResolutionError
from molthub.model import Locked
from molthub.registry.catalog import Catalog, read_catalog
from molthub.registry.resolve import resolve_pack
from molthub.registry.source import TreeFile

Content = str | bytes
Tree = dict[str, Content]

PUBLISHED = "2026-11-02T09:00:00Z"
API_VERSION = "molthub.dev/v1alpha1"


def as_yaml(value: Any) -> str:
    """Return ``value`` as block style YAML, keys in their order."""
    return yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=1000)


def from_yaml(text: Content) -> Any:
    """Return what ``text`` says, read by libyaml: nearly every test begins with manifests."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def as_bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content


# --- what is declared ----------------------------------------------------------------------------------------------


def registry(*trees: Tree, locked: bool = True, **fields: Any) -> Tree:
    """Return a whole registry: ``registry.yaml``, its owner, and the parts. ``locked`` fills in packs' ``resolved``."""
    root = {"name": "acme", "owner": "acme", **fields}
    tree: Tree = {"registry.yaml": as_yaml(root), "publishers/acme/publisher.yaml": "name: acme\nscopes: [acme]\n"}
    for part in trees:
        tree |= part
    return with_locks(tree) if locked else tree


def skill_md(name: str, description: str = "", body: str = "", **frontmatter: Any) -> str:
    """Return a SKILL.md. ``frontmatter`` is written with ``-`` for ``_``."""
    bare = name.rpartition("/")[2]
    head = {"name": bare, "description": description or f"Does what {bare} does. Use it in tests."}
    head |= {key.replace("_", "-"): value for key, value in frontmatter.items()}
    return f"---\n{as_yaml(head)}---\n{body or f'# {bare}'}\n"


def skill_version(name: str, number: str, files: Mapping[str, Content] | None = None, **fields: Any) -> Tree:
    """Return one version's folder, paths relative to it. ``fields`` are those of skill.yaml (``_`` for ``-``)."""
    manifest = {"name": name, "version": number, "description": f"Does what {name} does.", "license": "Apache-2.0"}
    manifest |= {key.replace("_", "-"): value for key, value in fields.items()}
    tree: Tree = {"SKILL.md": skill_md(name), "skill.yaml": as_yaml(manifest)}
    return tree | dict(files or {})


def content_digest(tree: Mapping[str, Content], executable: Collection[str] = ()) -> str:
    """Return the digest of one version's folder."""
    return tree_digest(
        file_entry(path, as_bytes(content), executable=path in executable) for path, content in tree.items()
    )


def skill(
    name: str,
    *numbers: str,
    project: Mapping[str, Any] | None = None,
    records: Mapping[str, Mapping[str, Any]] | None = None,
    versions: Mapping[str, Tree] | None = None,
    **fields: Any,
) -> Tree:
    """Return a skill with its versions and project.yaml, digests recorded.

    ``fields`` go into every skill.yaml; ``versions`` gives versions with fields of their own (``skill_version``);
    ``records`` adds to entries of project.yaml: ``{"1.1.0": {"yanked": "why"}}``; ``project`` to project.yaml itself.
    """
    made = {number: skill_version(name, number, **fields) for number in numbers or (() if versions else ("1.0.0",))}
    made |= dict(versions or {})
    folder = f"skills/{name}"
    tree: Tree = {f"{folder}/{number}/{path}": text for number, part in made.items() for path, text in part.items()}
    entries = {
        number: {"published": PUBLISHED, "digest": content_digest(part), **dict((records or {}).get(number, {}))}
        for number, part in made.items()
    }
    head: dict[str, Any] = {} if name.startswith("@") else {"owners": ["acme"]}
    tree[f"{folder}/project.yaml"] = as_yaml({**head, "status": "active", "versions": entries, **(project or {})})
    return tree


def pack(
    name: str,
    *specs: Mapping[str, Any],
    project: Mapping[str, Any] | None = None,
    records: Mapping[int, Mapping[str, Any]] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Tree:
    """Return a pack: one spec per version, numbered from 1, with project.yaml."""
    tree: Tree = {}
    for number, spec in enumerate(specs or ({},), start=1):
        metadata = {"name": name} | ({"labels": dict(labels)} if labels else {})
        document = {"apiVersion": API_VERSION, "kind": "SkillPack", "metadata": metadata}
        tree[f"packs/{name}/{number}.yaml"] = as_yaml({**document, "spec": {"version": number, **spec}})
    head = {"owners": ["acme"], "status": "active", "versions": {}, **(project or {})}
    tree[f"packs/{name}/project.yaml"] = as_yaml(head)
    return recorded(tree, name, {str(number): extra for number, extra in (records or {}).items()})


def recorded(tree: Tree, name: str, extra: Mapping[str, Mapping[str, Any]] | None = None) -> Tree:
    """Record the digest of every version of a pack, keeping what its entries say besides."""
    folder = f"packs/{name}"
    project = from_yaml(tree[f"{folder}/project.yaml"])
    entries = {str(number): entry for number, entry in project["versions"].items()}
    numbers = [path.rpartition("/")[2].removesuffix(".yaml") for path in tree if path.startswith(f"{folder}/")]
    for number in sorted((number for number in numbers if number.isdecimal()), key=int):
        digest = content_digest({f"{number}.yaml": tree[f"{folder}/{number}.yaml"]})
        old = {"published": PUBLISHED, **entries.get(number, {}), **dict((extra or {}).get(number, {}))}
        entries[number] = {**old, "digest": digest}
    return tree | {f"{folder}/project.yaml": as_yaml({**project, "versions": entries})}


def profile(name: str, kind: str = "Profile", **spec: Any) -> Tree:
    """Return a profile, or with ``kind="Overlay"`` an overlay."""
    document = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
    return {f"{kind.lower()}s/{name}.yaml": as_yaml(document)}


def overlay(name: str, **spec: Any) -> Tree:
    """Return an overlay."""
    return profile(name, "Overlay", **spec)


def _attachments(packs: Sequence[Any] | None) -> dict[str, Any]:
    if packs is None:
        return {}
    return {"packs": [{"name": item} if isinstance(item, str) else item for item in packs]}


def fleet(name: str, labels: Mapping[str, str] | None = None, packs: Sequence[Any] | None = None, **spec: Any) -> Tree:
    """Return a fleet without bots. ``packs`` items are names or attachments."""
    metadata = {"name": name} | ({"labels": dict(labels)} if labels else {})
    document = {"apiVersion": API_VERSION, "kind": "Fleet", "metadata": metadata}
    return {f"fleets/{name}/fleet.yaml": as_yaml({**document, "spec": {**_attachments(packs), **spec}})}


def bot(
    fleet_name: str,
    name: str,
    *,
    labels: Mapping[str, str] | None = None,
    packs: Sequence[Any] | None = None,
    platform: str = "agents-dir",
    **spec: Any,
) -> Tree:
    """Return one bot of a fleet."""
    metadata = {"name": name} | ({"labels": dict(labels)} if labels else {})
    document = {"apiVersion": API_VERSION, "kind": "Bot", "metadata": metadata}
    whole = {"platform": platform, **_attachments(packs), **spec}
    return {f"fleets/{fleet_name}/bots/{name}.yaml": as_yaml({**document, "spec": whole})}


def one_of_everything(*more: Tree, **fields: Any) -> Tree:
    """Return a valid registry that holds one of every kind, and dependencies, a scope, a host between them."""
    return registry(
        skill("git", "1.0.0", "1.1.0", dependencies={"shell": "^1.0"}),
        skill("shell"),
        skill("@acme/notes", dependencies=[{"roundtable": ">=2"}]),
        pack("base", {"skills": ["shell"]}),
        pack("dev", {"skills": ["git"], "extends": ["base"]}, {"skills": [{"name": "git", "version": "^1.1"}]}),
        profile("backend", skills=["git"], hosts={"roundtable": "2.1.0"}),
        overlay("prod", envVars={"LOG_LEVEL": "error"}),
        fleet("prod", packs=["dev"]),
        bot("prod", "ada", profile="backend", overlays=["prod"]),
        *more,
        hosts=["roundtable"],
        **fields,
    )


def with_locks(tree: Tree) -> Tree:
    """Return ``tree`` with ``resolved`` filled in for packs that have none, bases first, and digests recorded."""
    paths = [path for path in tree if path.startswith("packs/") and not path.endswith("/project.yaml")]
    open_specs = {path: spec for path in paths if "resolved" not in (spec := from_yaml(tree[path])["spec"])}
    while open_specs:
        waiting = {path.split("/")[1] for path in open_specs}
        ready = [path for path, spec in open_specs.items() if not _bases_in(spec) & waiting]
        if not ready:
            return tree  # packs that extend each other stay as they are
        catalog = read_catalog(TreeSource(tree))
        for path in ready:
            del open_specs[path]
            tree = _with_lock(tree, catalog, path)
    return tree


def _bases_in(spec: Mapping[str, Any]) -> set[str]:
    return {base if isinstance(base, str) else base["name"] for base in spec.get("extends", ())}


def _with_lock(tree: Tree, catalog: Catalog, path: str) -> Tree:
    _, name, file = path.split("/")
    found = catalog.packs[name].versions.get(int(file.removesuffix(".yaml"))) if name in catalog.packs else None
    if found is None:
        return tree
    document = from_yaml(tree[path])
    try:
        locks = resolve_pack(catalog, found)
    except ResolutionError:
        return tree  # what the test is about
    document["spec"]["resolved"] = {key: lock_entry(key, lock) for key, lock in locks.items()}
    return recorded(tree | {path: as_yaml(document)}, name)


def lock_entry(key: str, lock: Locked) -> dict[str, Any]:
    """Return a lock as a pack's ``resolved`` holds it: packs have numbers, skills versions."""
    return {"version": int(lock.version) if key.startswith("pack/") else lock.version, "digest": lock.digest}


# --- where it is read from -----------------------------------------------------------------------------------------


class TreeSource:
    """A source in memory. ``executable`` names files with that bit; ``refused`` paths come with their problems."""

    where = "memory"
    strays: tuple[str, ...] = ()
    uncommitted = 0

    def __init__(self, tree: Mapping[str, Content], executable: Collection[str] = ()) -> None:
        self._tree = {path: as_bytes(content) for path, content in sorted(tree.items())}
        self.files: Mapping[str, TreeFile] = {
            path: TreeFile(path, len(content), path in executable, "") for path, content in self._tree.items()
        }
        self.revision = f"folder-{content_digest(self._tree)[7:40]}"
        self.problems: tuple[Problem, ...] = ()
        self.refused: frozenset[str] = frozenset()

    def read(self, path: str) -> bytes:
        return self._tree[path]


def write_tree(tree: Mapping[str, Content], folder: Path, executable: Collection[str] = ()) -> Path:
    """Write a tree into a folder and return the folder."""
    for path, content in tree.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(as_bytes(content))
        if path in executable:
            file.chmod(0o755)
    return folder


def commit(
    tree: Mapping[str, Content],
    repository: Path,
    *,
    executable: Collection[str] = (),
    bare: bool = False,
    message: str = "Declare the registry",
) -> str:
    """Commit exactly ``tree`` on ``main``, making the repository where there is none; return the revision.

    The work tree of a repository that has one gets the files too.
    """
    exists = (repository / ".git").is_dir() or (repository / "HEAD").is_file()
    repo = (
        pygit2.Repository(str(repository)) if exists else pygit2.init_repository(repository, bare, initial_head="main")
    )
    index = pygit2.Index()
    for path, content in tree.items():
        mode = pygit2.enums.FileMode.BLOB_EXECUTABLE if path in executable else pygit2.enums.FileMode.BLOB
        index.add(pygit2.IndexEntry(path, repo.create_blob(as_bytes(content)), mode))
    return commit_index(repo, index, message)


def commit_index(repo: pygit2.Repository, index: pygit2.Index, message: str) -> str:
    """Commit an index of any entries (links and submodules too) on ``main``; return the revision."""
    author = pygit2.Signature("Ada", "ada@example.com", 1_762_000_000, 0)
    parents = [] if repo.head_is_unborn else [repo.head.target]
    revision = repo.create_commit("refs/heads/main", author, author, message, index.write_tree(repo), parents)
    if not repo.is_bare:
        repo.reset(revision, pygit2.enums.ResetMode.HARD)
    return str(revision)


def commit_entries(repo: pygit2.Repository, entries: Mapping[bytes, tuple[bytes, pygit2.enums.FileMode]]) -> str:
    """Commit exactly these files under any names, those that an index would refuse too; return the revision.

    Tree objects are written by hand. A link's content is its target, a submodule's its commit.
    """
    author = pygit2.Signature("Ada", "ada@example.com", 1_762_000_000, 0)
    parents = [] if repo.head_is_unborn else [repo.head.target]
    tree = _write_tree(repo, {tuple(path.split(b"/")): entry for path, entry in entries.items()})
    return str(repo.create_commit("refs/heads/main", author, author, "Change", tree, parents))


def _write_tree(
    repo: pygit2.Repository, entries: Mapping[tuple[bytes, ...], tuple[bytes, pygit2.enums.FileMode]]
) -> pygit2.Oid:
    modes = pygit2.enums.FileMode
    lines: dict[bytes, bytes] = {}
    folders: dict[bytes, dict[tuple[bytes, ...], tuple[bytes, pygit2.enums.FileMode]]] = {}
    for (name, *rest), (content, mode) in entries.items():
        if rest:
            folders.setdefault(name, {})[tuple(rest)] = (content, mode)
        else:
            blob = pygit2.Oid(hex=content.decode()) if mode == modes.COMMIT else repo.create_blob(content)
            lines[name] = b"%o %s\0%s" % (mode, name, blob.raw)
    for name, inner in folders.items():
        lines[name + b"/"] = b"%o %s\0%s" % (modes.TREE, name, _write_tree(repo, inner).raw)
    return repo.write(pygit2.enums.ObjectType.TREE, b"".join(lines[name] for name in sorted(lines)))
