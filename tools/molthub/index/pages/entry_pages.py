"""The page of one skill or one pack, made of nothing but its own entry and files.

What uses a skill stands on its page too, and is no fact of its own entry: the page has a gap for it, which
:func:`with_used_by` fills when all entries are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from molthub import versions
from molthub.errors import ManifestError
from molthub.index.address import base_url
from molthub.index.pages.feeds import skill_feed
from molthub.index.pages.markdown import MAX_MARKDOWN, to_html
from molthub.index.pages.render import fragment, page
from molthub.index.pages.text import shown_size
from molthub.index.releases import Archived, is_withdrawn, latest_pack, latest_skill
from molthub.index.search_rows import skill_md_of
from molthub.index.views import Files
from molthub.index.views.discovery import FOLDER
from molthub.model import PackEntry, PackRelease, Registry, SkillEntry, SkillRelease, bare_name
from molthub.registry.reading import frontmatter
from molthub.registry.upstreams.content import Content
from molthub.yaml_text import parse

MAX_SHOWN = 48 * 1024
"""A longer text file is not shown in the page, only linked."""

MAX_SHOWN_ALL = 256 * 1024
"""So much text of files a page shows at most."""

_GAP = (b"<!--used-by-->", b"<!--/used-by-->")
_WITHDRAWN = {
    "quarantined": "Quarantined: nothing of it can be installed.",
    "removed": "Removed: nothing of it is left but its name.",
    "deprecated": "Deprecated: look for something newer.",
    "archived": "Archived: there will be no new versions.",
}


class ShownFile(NamedTuple):
    """A file on a skill's page. ``text`` is None where it is no text, or too long."""

    path: str
    size: int
    executable: bool
    url: str
    text: str | None


class ShownVersion(NamedTuple):
    """A line of a list of versions. Without ``url`` it cannot be downloaded, without ``reason`` it is available.

    ``shown`` is a skill version's size, or how many skills a pack version locks.
    """

    number: str
    published: str
    digest: str
    shown: str
    word: str
    reason: str
    url: str = ""
    filename: str = ""


def entry_pages(registry: Registry, archived: Archived, entry: SkillEntry | PackEntry) -> Files:
    """Return the pages that speak of one skill or pack alone, and its feed."""
    if isinstance(entry, SkillEntry):
        return {
            f"{page_path(entry)}index.html": _skill_page(registry, archived, entry),
            f"{page_path(entry)}feed.atom": skill_feed(registry, entry),
        }
    return {f"{page_path(entry)}index.html": _pack_page(registry, entry)}


def page_path(entry: SkillEntry | PackEntry) -> str:
    """Return the folder of an entry's page."""
    return f"skills/{entry.name}/" if isinstance(entry, SkillEntry) else f"packs/{entry.name}/"


def with_used_by(content: bytes, users: Iterable[tuple[str, str, str]]) -> bytes:
    """Return a skill's page with its users: (path of the page, name, kind) each, or with none.

    Whatever the page said of them before is replaced.
    """
    listed = list(users)
    before, _, rest = content.partition(_GAP[0])
    _old, _, after = rest.partition(_GAP[1])
    filled = fragment("used_by.html", users=listed) if listed else b""
    return b"".join((before, _GAP[0], filled, _GAP[1], after))


def _skill_page(registry: Registry, archived: Archived, skill: SkillEntry) -> bytes:
    here = page_path(skill)
    number = latest_skill(skill)
    release = skill.releases[number] if number else None
    content = archived.contents.get((skill.name, number or ""), ())
    manifest = archived.manifests.get((skill.name, number or ""))
    shown = _files(skill, content)
    return page(
        "skill.html",
        registry,
        here,
        skill=skill,
        number=number,
        base=base_url(registry),
        notice=_notice(skill),
        readme=_readme(content, here, [file.path for file in shown]),
        files=shown,
        versions=_versions(skill),
        published=release.published if release else "",
        digest=release.artifact.digest if release else "",
        signature=release.artifact.signature if release else None,
        compatibility=_compatibility(content),
        links=list(_links(manifest.homepage, manifest.repository)) if manifest else [],
        dependencies=sorted(release.dependencies.items()) if release else [],
        hosts=registry.hosts,
        servers=release.needs.mcp_servers if release else (),
        env=manifest.needs.env if manifest else (),
        bins=(*release.needs.bins, *map(" or ".join, release.needs.any_bins)) if release else (),
        systems=release.needs.systems if release else (),
    )


def _links(homepage: str, repository: str) -> Iterable[tuple[str, str]]:
    said = (("Homepage", homepage), ("Repository", repository))
    return ((what, url) for what, url in said if url.startswith(("https://", "http://")))


def _notice(entry: SkillEntry | PackEntry) -> str:
    return " ".join(filter(None, (_WITHDRAWN.get(entry.status), entry.reason)))


def _readme(content: Content, here: str, files: Iterable[str]) -> str:
    source = skill_md_of(content)
    if not source or len(source) > MAX_MARKDOWN:
        return ""
    text = source.decode("utf-8-sig", "replace")
    parts = frontmatter.split(text)
    return to_html(parts.body if parts else text, here, frozenset(files))


def _compatibility(content: Content) -> str:
    """Return what SKILL.md says of where it runs; most say nothing, and are not parsed."""
    source = skill_md_of(content)
    if b"\ncompatibility:" not in source:
        return ""
    parts = frontmatter.split(source.decode("utf-8-sig", "replace"))
    try:
        said = parse(parts.yaml, "SKILL.md").value if parts else None
    except ManifestError:
        return ""
    return str(said.get("compatibility") or "") if isinstance(said, dict) else ""


def _files(skill: SkillEntry, content: Content) -> list[ShownFile]:
    """Return the files of the latest version, those of SKILL.md's own first."""
    left = MAX_SHOWN_ALL
    shown = []
    for entry, read in sorted(content, key=lambda item: (item[0].path != "SKILL.md", item[0].path)):
        text = _text(read) if len(read) <= min(MAX_SHOWN, left) else None
        left -= len(read) if text is not None else 0
        url = f"s/{skill.name}/{FOLDER}/{bare_name(skill.name)}/{entry.path}"
        shown.append(ShownFile(entry.path, entry.size, entry.executable, url, text))
    return shown


def _text(content: bytes) -> str | None:
    try:
        return content.decode() if b"\0" not in content else None
    except UnicodeDecodeError:
        return None


def _versions(skill: SkillEntry) -> list[ShownVersion]:
    numbers = sorted(skill.releases, key=versions.sort_key, reverse=True)
    return [_version(skill, number, skill.releases[number]) for number in numbers]


def _version(skill: SkillEntry, number: str, release: SkillRelease) -> ShownVersion:
    word, reason = _reason(release)
    artifact = release.artifact
    gone = not artifact.archive or release.quarantined is not None or is_withdrawn(skill)
    known = (number, release.published, artifact.digest, "" if gone else shown_size(artifact.size), word, reason)
    if gone:
        return ShownVersion(*known)
    return ShownVersion(*known, f"archives/{artifact.archive}.tar.gz", f"{bare_name(skill.name)}-{number}.tar.gz")


def _reason(release: SkillRelease | PackRelease) -> tuple[str, str]:
    found: Mapping[str, str | None] = {
        "removed": release.removed,
        "quarantined": release.quarantined,
        "yanked": release.yanked,
    }
    return next(((word, reason) for word, reason in found.items() if reason is not None), ("", ""))


def _pack_page(registry: Registry, pack: PackEntry) -> bytes:
    number = latest_pack(pack)
    release = pack.releases[number] if number is not None else None
    listed = [
        ShownVersion(str(version), other.published, other.artifact.digest, str(len(other.skills)), *_reason(other))
        for version, other in sorted(pack.releases.items(), reverse=True)
    ]
    return page(
        "pack.html",
        registry,
        page_path(pack),
        pack=pack,
        number=str(number or ""),
        base=base_url(registry),
        notice=_notice(pack),
        release=release,
        versions=listed,
        published=release.published if release else "",
        digest=release.artifact.digest if release else "",
        signature=release.artifact.signature if release else None,
    )
