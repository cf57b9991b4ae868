"""One skill for the ``clawhub`` command (as of 0.20.0): ``clawhub --registry <index>s/<skill>/ install <bare name>``.

    s/<skill>/api/v1/skills/<bare name>/index.html   what there is, in JSON
    s/<skill>/api/v1/download                        the latest version as a zip
    s/<skill>/api/v1/resolve                         the number of the latest version

The command asks ``download?slug=&version=`` and a host of files ignores the query, so every skill is a registry of its
own that holds its latest version. The command verifies no digest.
"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

from molthub.index.releases import Archived, latest_skill
from molthub.index.views import Files, as_plain_json
from molthub.model import Json, SkillEntry, bare_name
from molthub.registry.upstreams.content import Content


def clawhub_routes(archived: Archived, skill: SkillEntry) -> Files:
    """Return the routes of one skill; none where it has no latest version."""
    number = latest_skill(skill)
    if number is None:
        return {}
    base = f"s/{skill.name}/api/v1"
    return {
        f"{base}/skills/{bare_name(skill.name)}/index.html": as_plain_json(_shown(skill, number)),
        f"{base}/download": _zip(archived.contents[skill.name, number]),
        f"{base}/resolve": as_plain_json({"match": None, "latestVersion": {"version": number}}),
    }


def _shown(skill: SkillEntry, number: str) -> Json:
    times = [_milliseconds(release.published) for release in skill.releases.values()]
    published = _milliseconds(skill.releases[number].published)
    return {
        "skill": {
            "slug": bare_name(skill.name),
            "displayName": skill.name,
            "summary": skill.description,
            "tags": {"latest": number},
            "stats": {},
            "createdAt": min(times),
            "updatedAt": max(times),
        },
        "latestVersion": {"version": number, "createdAt": published, "changelog": ""},
        "owner": {"handle": skill.owners[0] if skill.owners else None},
        "moderation": None,
    }


def _milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp()) * 1000


def _zip(content: Content) -> bytes:
    """Return a zip without compression: what zlib makes differs from machine to machine."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for entry, read in content:
            member = zipfile.ZipInfo(entry.path)
            member.external_attr = (0o100755 if entry.executable else 0o100644) << 16
            member.create_system = 3  # Unix, wherever this runs
            archive.writestr(member, read)
    return buffer.getvalue()
