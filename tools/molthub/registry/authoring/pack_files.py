"""The files of packs as the commands write them: a first version, the next one, and what a pack is locked to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from molthub import schema_files
from molthub.model import Json, Locked
from molthub.registry import edit
from molthub.registry.authoring import yaml_write
from molthub.registry.authoring.pack_edits import PackEdits, edited_text

API_VERSION = "molthub.dev/v1alpha1"
_LOCK_HEAD = "resolved"


def lock_values(resolved: Mapping[str, Locked]) -> dict[str, Json]:
    """Return what `resolved` says, sorted by name: a pack's version is a number, a skill's is text."""
    return {
        name: yaml_write.OneLine(
            version=int(lock.version) if name.startswith("pack/") else lock.version, digest=lock.digest
        )
        for name, lock in sorted(resolved.items())
    }


def locked_text(text: str, resolved: Mapping[str, Locked], *, file: str) -> str:
    """Return a pack version's text with `resolved` as given. Raises :class:`~molthub.errors.RegistryError`."""
    return edit.set_value(text, ("spec", _LOCK_HEAD), lock_values(resolved), file=file)


def numbered_text(text: str, number: int, *, file: str) -> str:
    """Return a pack version's text as that of another number."""
    return edit.set_value(text, ("spec", "version"), number, file=file)


def new_pack(
    name: str,
    *,
    display_name: str = "",
    description: str = "",
    skills: Sequence[Json] = (),
    mcps: Sequence[Json] = (),
    env: Mapping[str, str] | None = None,
    extends: Sequence[Json] = (),
    labels: Mapping[str, str] | None = None,
) -> str:
    """Return the text of a pack's first version, not locked yet."""
    spec: dict[str, Json] = {
        "version": 1,
        "displayName": display_name,
        "description": description,
        "extends": list(extends),
        "skills": list(skills),
        "mcps": list(mcps),
        "envVars": dict(env or {}),
    }
    document = {
        "apiVersion": API_VERSION,
        "kind": "SkillPack",
        "metadata": yaml_write.OneLine(name=name, **({"labels": dict(labels)} if labels else {})),
        "spec": {key: value for key, value in spec.items() if value},
    }
    return yaml_write.document(document, schema=f"{schema_files.BASE_URL}skillpack{schema_files.SUFFIX}")


def copied_text(text: str, name: str, edits: PackEdits, *, file: str) -> str:
    """Return a pack version's text as the first version of the pack ``name``, with ``edits``, not locked yet."""
    text = edit.set_value(text, ("metadata", "name"), name, file=file)
    text = numbered_text(text, 1, file=file)
    return edited_text(text, edits, file=file)[0]
