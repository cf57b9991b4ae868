"""Making what depends on many skills at once, bots apart: packs with their locks."""

from __future__ import annotations

from molthub.index.archive_packs import archive_packs
from molthub.index.around_skills import AroundSkills, SkillsAsked, left_out, outline_of
from molthub.index.listings import Listed, entry_views, listed, pack_lists
from molthub.index.on_demand import OfferedOnDemand, SkillsOnDemand
from molthub.index.publishers import Publishers
from molthub.index.signatures import signature_files
from molthub.index.state.state import State
from molthub.index.views import Files, Views
from molthub.publisher_signatures import demanded_by
from molthub.registry.catalog import read_around
from molthub.registry.trees.git_source import GitSource
from molthub.registry.upstreams.content import NO_UPSTREAMS, Upstreams


def make_around(
    source: GitSource,
    state: State,
    publishers: Publishers,
    *,
    upstreams: Upstreams = NO_UPSTREAMS,
    views: Views = Views.ALL,
) -> tuple[AroundSkills, list[Listed], Files]:
    """Return what an index holds of packs: what to remember, their rows, and their files."""
    part = source.part(without=left_out(fleets=False))
    skills = SkillsOnDemand(source, state, upstreams)
    catalog = read_around(part, skills, state.skills.broken(), state.skills.dangling())
    judge = publishers.judge(source, demanded_by(catalog.registry.policy))
    archived = OfferedOnDemand.of(state, skills, judge)
    archive_packs(catalog, part, archived)
    files = {f"archives/{name}.tar.gz": content for name, content in archived.archives.items()}
    packs_signed = {key: found for key, found in archived.signed.items() if key in archived.signed_manifests}
    files |= signature_files(archived, packs_signed)
    for pack in archived.packs.values():
        files |= entry_views(catalog.registry, archived, pack, views)
    if views.for_clients:
        files |= pack_lists(catalog.registry, archived)
    rows = [listed(archived, pack, views) for pack in archived.packs.values()]
    releases = [release for pack in archived.packs.values() for release in pack.releases.values()]
    found = (*catalog.problems, *archived.problems)
    around = AroundSkills(
        outline=outline_of(source, fleets=False),
        asked=SkillsAsked.of(skills, archived),
        packs=list(archived.packs),
        paths=sorted(files),
        removed=[release.artifact.digest for release in releases if release.removed is not None],
        counts={
            "packs": len(archived.packs),
            "packVersions": sum(release.removed is None for release in releases),
        },
        problems=[problem.to_json() for problem in found],
    )
    return around, rows, files
