"""A page for each declared kind and each published document, from its schema and `pages.toml`."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from typing import Any

import yaml

from docgen import fields
from docgen.markdown import bullets, code, fence, page, table
from molthub import schema_files


def pages() -> dict[str, str]:
    """Return the pages of every kind, every document, the shared values, and the two lists of them."""
    written = {"kinds": _pages_of("kinds"), "documents": _pages_of("documents")}
    found = {f"{folder}/{name}.md": text for folder, group in written.items() for name, text in group.items()}
    lists = {f"{folder}/README.md": _list_page(folder) for folder in written}
    return {**found, **lists, fields.VALUES_PAGE: _values_page()}


def settings() -> dict[str, Any]:
    """Return `pages.toml`: what the pages say that no schema can."""
    return tomllib.loads((files("docgen") / "pages.toml").read_text(encoding="utf-8"))


def _pages_of(folder: str) -> dict[str, str]:
    values_page = "values.md" if folder == "kinds" else f"../{fields.VALUES_PAGE}"
    return {
        name: _kind_page(name, about, as_yaml=folder == "kinds", values_page=values_page)
        for name, about in settings()[folder].items()
    }


def _kind_page(name: str, about: dict[str, Any], *, as_yaml: bool, values_page: str) -> str:
    schema = schema_files.load(name)
    rows = [
        (code(field.path), field.kind, "yes" if field.required else "", field.default, field.meaning)
        for field in fields.fields(schema, values_page=values_page)
    ]
    return page(
        schema["title"],
        schema["description"],
        _schema_note(schema["$id"], as_yaml=as_yaml and about.get("editor", True)),
        "## Example" if len(schema["examples"]) == 1 else "## Examples",
        *(_example(example, as_yaml=as_yaml) for example in schema["examples"]),
        "## Fields",
        about.get("unknown", _UNKNOWN_DECLARED if as_yaml else _UNKNOWN_PUBLISHED),
        table(("Field", "Type", "Required", "Default", "Meaning"), rows),
        "## Rules beyond the schema" if about["rules"] else "",
        bullets(about["rules"]),
    )


_UNKNOWN_DECLARED = "Keys that are not listed are refused. `[]` stands for each item of a list."
_UNKNOWN_PUBLISHED = "Readers ignore keys that are not listed. `[]` stands for each item of a list."


def _schema_note(address: str, *, as_yaml: bool) -> str:
    note = f"JSON Schema: <{address}>."
    if not as_yaml:
        return note
    return f"{note} Editors complete and check the file as you type when it begins with:\n\n" + fence(
        f"# yaml-language-server: $schema={address}", "yaml"
    )


def _example(example: Any, *, as_yaml: bool) -> str:
    if not as_yaml:
        return fence(json.dumps(example, indent=2, ensure_ascii=False), "json")
    text = yaml.dump(example, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=110)
    return fence(text, "yaml")


class _Indented(yaml.SafeDumper):
    """Writes YAML as `molthub fmt` does: list items are indented below their key, quotes are double."""

    def choose_scalar_style(self) -> str:
        style: str = super().choose_scalar_style()
        return '"' if style == "'" else style

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 (PyYAML's signature)
        super().increase_indent(flow, indentless=False)


def _list_page(folder: str) -> str:
    title, text = _LISTS[folder]
    rows = [
        (f"[{schema['title']}]({name}.md)", schema["description"])
        for name, schema in ((name, schema_files.load(name)) for name in settings()[folder])
    ]
    more = "[Values](values.md) describes what names, versions, digests and times look like." * (folder == "kinds")
    return page(title, text, table(("Page", "What it is"), rows), more)


_LISTS = {
    "kinds": ("Declared kinds", "The files that people write: in a registry, and (where secrets are) beside bots."),
    "documents": ("Published documents", "The files that an index holds, and what commands print with `--json`."),
}


def _values_page() -> str:
    blocks = []
    for name, schema in fields.shared_values().items():
        limits = [f"pattern: {code(schema['pattern'])}"] if "pattern" in schema else []
        limits += [f"from {schema['minimum']} to {schema['maximum']}"] if "minimum" in schema else []
        limits += [f"at most {schema['maxLength']} characters"] if "maxLength" in schema else []
        shown = [code(value if isinstance(value, str) else json.dumps(value)) for value in schema.get("examples", [])]
        limits += ["for example " + ", ".join(shown)] if shown else []
        blocks += [f"## {fields.words(name)}", schema["description"], bullets(limits)]
    return page("Values", "What single values look like, wherever they stand.", *blocks)
