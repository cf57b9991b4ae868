"""Keys to sign with, made in a moment, and registries whose versions they signed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pysequoia

from molthub.publisher_signatures import Release, Signing
from molthub.publisher_signatures.openpgp import sign_with_file
from molthub.registry.catalog import read_catalog
from tests.builders import Tree, TreeSource

KEY = "publishers/acme/ada.asc"
SSH_KEY = "publishers/acme/ada.pub"


def new_key(**wishes: Any) -> Any:
    return pysequoia.Tsk.generate(user_id="Ada <ada@example.com>", profile=pysequoia.Profile.RFC4880, **wishes)


def public(key: Any) -> bytes:
    armored: str = pysequoia.armor(bytes(key.extract_certificate()), pysequoia.ArmorKind.PublicKey)
    return armored.encode()


def secret(key: Any) -> bytes:
    return str(key).encode()


def fingerprint(key: Any) -> str:
    found: str = key.extract_certificate().fingerprint
    return found


def ssh_key(folder: Path, *, kind: str = "ed25519", name: str = "id", password: str = "") -> Path:
    """Make a key as a person does, and return the secret one's file."""
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", password, "-C", "ada", "-f", str(path)], check=True)
    return path


def ssh_public(key: Path) -> bytes:
    return key.with_name(f"{key.name}.pub").read_bytes()


def release_of(tree: Tree, name: str, number: str) -> Release:
    """Return what a signature of one version of a skill, or of ``pack/<name>``, speaks of."""
    source = TreeSource(tree)
    catalog = read_catalog(source)
    if name.startswith("pack/"):
        made = catalog.packs[name.removeprefix("pack/")].versions[int(number)]
        assert made.record is not None
        return Release("pack", made.name, number, made.record.digest, source.files[made.file].size)
    version = catalog.skills[name].versions[number]
    assert version.record is not None
    size = sum(source.files[f"{version.folder}/{path}"].size for path in version.files)
    return Release("skill", name, number, version.record.digest, size)


def signed(tree: Tree, key: Any, name: str = "git", number: str = "1.1.0", **changes: Any) -> Tree:
    """Return a registry's tree with the signature of one version, by a file of SSH's or an OpenPGP key."""
    right = release_of(tree, name, number)
    release = right._replace(**changes)
    made = Signing(str(key)).sign(release) if isinstance(key, Path) else sign_with_file(release, secret(key), "key")
    return {**tree, right.file: made}
