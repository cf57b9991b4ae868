"""The skills as a "simple repository" (https://packaging.python.org/specifications/simple-repository-api/).

PEP 503 and PEP 592 in HTML, PEP 691, 700 and 792 in JSON, both as files, since a static host negotiates nothing. One
thing differs from a Python index: names are not normalised, for a scoped skill ``@scope/name`` has its page at
``simple/@scope/name/``. What is quarantined or removed has no link; a removed project has no page.
"""

from __future__ import annotations

from html import escape

from molthub import versions
from molthub.index.views import Files, Rows, archive_url, as_plain_json, with_rows
from molthub.model import Json, SkillEntry, SkillRelease, bare_name

API_VERSION = "1.4"


def simple_pages(skill: SkillEntry) -> Files:
    """Return the page of one project as HTML and JSON; none for one that was removed."""
    if skill.status == "removed":
        return {}
    page = f"simple/{skill.name}/index"
    return {
        f"{page}.json": as_plain_json(_project(skill, f"{page}.json")),
        f"{page}.html": _page(skill, f"{page}.html"),
    }


def simple_row(skill: SkillEntry) -> bytes | None:
    """Return a project's row in the list; None for one that was removed."""
    return None if skill.status == "removed" else as_plain_json({"name": skill.name})


def simple_lists(rows: Rows) -> Files:
    """Return the list of projects in both forms."""
    return {
        "simple/index.json": with_rows(_answer({}), {"projects": rows.values()}),
        "simple/index.html": _html("Skills", [], [f'<a href="{name}/">{name}</a>' for name in rows]),
    }


def _answer(content: dict[str, Json]) -> dict[str, Json]:
    return {"meta": {"api-version": API_VERSION}, **content}


def _listed(skill: SkillEntry) -> list[tuple[str, SkillRelease]]:
    """Return the releases that are not removed, oldest first."""
    kept = [(number, release) for number, release in skill.releases.items() if release.removed is None]
    return sorted(kept, key=lambda item: versions.sort_key(item[0]))


def _linked(skill: SkillEntry) -> list[tuple[str, SkillRelease]]:
    """Return the releases that may be downloaded."""
    if skill.status == "quarantined":
        return []
    return [item for item in _listed(skill) if item[1].quarantined is None]


def _project(skill: SkillEntry, page: str) -> Json:
    status = {"status": skill.status} | ({"reason": skill.reason} if skill.reason else {})
    return _answer(
        {
            "name": skill.name,
            "project-status": status,
            "versions": [number for number, _release in _listed(skill)],
            "files": [_file(skill.name, number, release, page) for number, release in _linked(skill)],
        }
    )


def _file(name: str, number: str, release: SkillRelease, page: str) -> Json:
    return {
        "filename": _filename(name, number),
        "url": archive_url(page, release.artifact.archive),
        "hashes": {"sha256": release.artifact.archive},
        "size": release.artifact.size,
        "upload-time": release.published,
        "yanked": release.yanked if release.yanked is not None else False,
    }


def _filename(name: str, number: str) -> str:
    return f"{bare_name(name)}-{number}.tar.gz"


def _page(skill: SkillEntry, page: str) -> bytes:
    meta: list[tuple[str, str]] = [("pypi:project-status", skill.status)]
    meta += [("pypi:project-status-reason", skill.reason)] if skill.reason else []
    return _html(skill.name, meta, [_link(skill.name, number, release, page) for number, release in _linked(skill)])


def _link(name: str, number: str, release: SkillRelease, page: str) -> str:
    url = f"{archive_url(page, release.artifact.archive)}#sha256={release.artifact.archive}"
    yanked = f' data-yanked="{escape(release.yanked)}"' if release.yanked is not None else ""
    return f'<a href="{url}"{yanked}>{escape(_filename(name, number))}</a>'


def _html(title: str, meta: list[tuple[str, str]], links: list[str]) -> bytes:
    head = [("pypi:repository-version", API_VERSION), *meta]
    tags = "".join(f'<meta name="{name}" content="{escape(content)}">\n' for name, content in head)
    body = "".join(f"{link}<br>\n" for link in links)
    text = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{tags}<title>{escape(title)}</title>\n'
        f"</head>\n<body>\n<h1>{escape(title)}</h1>\n{body}</body>\n</html>\n"
    )
    return text.encode()
