"""Fleets and bots of a commit: as they were where nothing changed that they were made from, or some made again."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from molthub.index.around_skills import AroundBots, outline_of
from molthub.index.incremental.underway import Underway
from molthub.index.on_demand import OfferedOnDemand, SkillsOnDemand


def update_fleets(
    underway: Underway, packs: Collection[str], standing: Collection[str], *, judged: bool
) -> Mapping[str, str]:
    """Bring fleets and bots up to the commit; return the hex names of the fleets' documents.

    ``packs`` are those that are offered, ``standing`` the bots that the folder offers where the state does not know
    them; ``judged``: the findings on skills' references changed. Raises :class:`~molthub.errors.MolthubError` where
    more bots would be taken away than is wanted.
    """
    known = None if underway.whole else AroundBots.from_json(underway.state.fact("around bots"))
    if known is not None and not judged and sorted(packs) == known.offered and _stands(underway, known):
        return known.documents
    from molthub.index.incremental.make_fleets import make_fleets  # what resolves bots is loaded where they are

    around = make_fleets(underway, known, packs, standing)
    underway.state.remember("around bots", around.to_json())
    return around.documents


def _stands(underway: Underway, known: AroundBots) -> bool:
    """Whether everything around skills is as it was, and nothing that it asked of skills is answered otherwise."""
    if known.outline != outline_of(underway.source, fleets=True):
        return False
    if not known.asked.holds(underway.state, underway.changed, names_changed=underway.names_changed):
        return False
    if not underway.changed:
        return True
    from molthub.index.incremental.answers import OF_SKILLS, of_skill
    from molthub.registry.resolving.noted import ALL

    asked = underway.state.bots.asked()
    skills = SkillsOnDemand(underway.source, underway.state)
    offered = OfferedOnDemand.of(underway.state, skills)
    return not any(
        of_skill(underway, offered, question) != answer
        for question, answer in asked.items()
        if question.kind in OF_SKILLS and (question.key == ALL or question.key.partition(" ")[0] in underway.changed)
    )
