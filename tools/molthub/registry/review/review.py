"""A checked change as its reviewers see it."""

from __future__ import annotations

from molthub.registry.check import CheckResult
from molthub.registry.review.bot_changes import bot_changes
from molthub.registry.review.facts import facts_of
from molthub.registry.review.merge_class import merge_class
from molthub.registry.review.new_versions import new_versions
from molthub.registry.review.summary import Review


def review(result: CheckResult) -> Review:
    """Return what is to be known of a change. ``result`` is of a check with a base, else ValueError."""
    change = result.change
    if change is None:
        raise ValueError("the check had no base")
    versions = new_versions(change)
    bots = bot_changes(change.before, change.after)
    facts = facts_of(result, change, versions, bots)
    return Review(
        revision=result.revision,
        base=change.base.revision,
        problems=result.problems,
        versions=versions,
        bots=bots,
        facts=facts,
        merge=merge_class(facts),
    )
