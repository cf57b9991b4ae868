"""What `molthub adopt` says: for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from molthub.cli.adopt_keeping import found_secrets
from molthub.cli.committing import Editing
from molthub.console import Console, counted

if TYPE_CHECKING:
    from molthub.adopting.adopted import Adopted
    from molthub.adopting.home import Left
    from molthub.adopting.offers import PackOffer
    from molthub.adopting.proposal import Proposal
    from molthub.adopting.publishing import Published
    from molthub.errors import MolthubError
    from molthub.model import Json

_IN_FULL = 3
_SHOWN = 6


def tell(
    console: Console,
    bots: Sequence[Adopted],
    proposal: Proposal,
    made: Published | None,
    refused: Mapping[str, MolthubError],
) -> None:
    """Say what would become of the bots: packs, each bot, what stays, secrets."""
    for outcome in made.outcomes if made is not None else ():
        _tell_skill(console, outcome)
    taken = [bot for bot in bots if bot.path not in proposal.refused]
    in_full = len(taken) <= _IN_FULL
    if len(taken) > 1 or any(offer.is_known for offer in proposal.packs):
        _tell_packs(console, proposal.packs, len(taken))
    for bot in taken:
        _tell_bot(console, bot, proposal, in_full=in_full)
    if not in_full:
        _tell_left(console, taken, proposal)
    for bot in taken:
        for key in proposal.besides.get(bot.path, ()):
            console.warn(f"{bot.path}: {key} comes besides, or otherwise than it stands there")
    _tell_secrets(console, taken, in_full=in_full)
    for path, error in refused.items():
        console.result(f"{console.style('!', fg='red')} {path}  refused: {error.message}")
        place = f" ({error.place})" if error.place else ""
        console.result(f"    {error.remedy}{place}")


def _tell_skill(console: Console, outcome: object) -> None:
    from molthub.registry.authoring.publish import Outcome

    assert isinstance(outcome, Outcome)  # noqa: S101 (for the type)
    if outcome.state == "new":
        console.result(f"{console.style('+', fg='green')} publish {outcome.name} {outcome.version}  ({outcome.shown})")
    elif outcome.state == "refused":
        why = outcome.problems[0].message if outcome.problems else ""
        console.result(f"{console.style('!', fg='red')} {outcome.shown} cannot be published: {why}")
        for problem in outcome.problems[:1]:
            console.result(f"    {problem.remedy}")
    for problem in outcome.problems if outcome.state == "new" else ():
        console.say(f"      {problem.message}")


def _tell_packs(console: Console, packs: Sequence[PackOffer], count: int) -> None:
    for offer in packs:
        sign = "=" if offer.is_known else console.style("+", fg="green")
        who = "every bot" if len(offer.bots) == count else f"{len(offer.bots)} of {counted(count, 'bot')}"
        title = f"{offer.name}, which is there already" if offer.is_known else offer.name
        console.result(f"{sign} pack {title}: {counted(len(offer.parts), 'part')} on {who}")
        console.result(f"    {_some(sorted(offer.parts))}")
        for path, keys in sorted(offer.bots.items()):
            if keys:
                console.result(f"    but for {path}: {_some(sorted(keys))}")


def _tell_bot(console: Console, bot: Adopted, proposal: Proposal, *, in_full: bool) -> None:
    parts, state = bot.parts, proposal.state(bot.path)
    if state == "unchanged":
        console.result(f"{bot.path}: declared already")
        if not in_full:
            return
    else:
        keys = sorted(parts) if state == "new" else proposal.added.get(bot.path, ())
        if not in_full:
            packs = [offer.name for offer in proposal.packs if bot.path in offer.bots]
            own, gone = proposal.own.get(bot.path, ()), proposal.without.get(bot.path, ())
            heads = {"pack" if len(packs) == 1 else "packs": packs, "its own": own, "without": gone}
            said = "; ".join(f"{head} {_some(names)}" for head, names in heads.items() if names)
            console.result(f"{bot.path}: {said or 'nothing to declare'}")
            return
        console.result(f"{bot.path}: {counted(len(keys), 'key')} to declare")
        for key in keys:
            version = f" {parts[key]['version']}" if key.startswith("skill/") else ""
            console.result(f"  + {key}{version}")
    for left in _left_of(bot, proposal):
        console.result(f"  = {left.key} stays as it is: {left.reason}")
        if left.remedy:
            console.say(f"      {left.remedy}")
    for key in bot.read.spelled:
        console.say(f"  {key}: molthub will add the fields that the program itself would write")


def _left_of(bot: Adopted, proposal: Proposal) -> Iterator[Left]:
    from molthub.adopting.home import WRITTEN_BY_US

    stays = (*proposal.otherwise.get(bot.path, ()), *bot.stays)
    return (left for left in stays if left.reason != WRITTEN_BY_US)


def _tell_left(console: Console, bots: Sequence[Adopted], proposal: Proposal) -> None:
    """Say what stays the owner's on many bots: each thing once, with how many have it."""
    groups: dict[tuple[str, str], tuple[list[str], Left]] = {}
    for bot in bots:
        for left in _left_of(bot, proposal):
            groups.setdefault((left.key, left.reason), ([], left))[0].append(bot.path)
    for paths, left in groups.values():
        console.result(f"= {left.key} stays as it is on {_who(paths)}: {left.reason}")
        if left.remedy:
            console.say(f"    {left.remedy}")


def _tell_secrets(console: Console, bots: Sequence[Adopted], *, in_full: bool) -> None:
    found = found_secrets(bots)
    if not found:
        return
    console.result("secrets to keep where the bots run:")
    if in_full:
        needed = {(bot.path, one.name): one for bot in bots for one in bot.read.secrets}
        for (path, secret), one in needed.items():
            now = (
                f"stands in clear in {one.where} ({one.why})"
                if one.is_literal
                else f"is a variable that {one.where} refers to"
            )
            console.result(f"  molthub secrets set {secret} --bot {path}    now it {now}")
        return
    for kept in found:
        one, many = kept.first, len(kept.values)
        how = f"in clear in {one.where} ({one.why})" if one.is_literal else f"a variable that {one.where} refers to"
        values = f" with {many} different values" if many > 1 else ""
        console.result(f"  {kept.name}  on {_who(kept.bots)}{values}, now {how}")
    if any(len(kept.values) > 1 for kept in found):
        console.say("  where values differ, each bot needs its own: molthub secrets set NAME --bot FLEET/BOT")
    console.say("  --keep-secrets keeps all of them on this machine; --json lists every place")


def _who(paths: Sequence[str]) -> str:
    return ", ".join(paths) if len(paths) <= _IN_FULL else counted(len(paths), "bot")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def document(
    bots: Sequence[Adopted],
    proposal: Proposal,
    made: Published | None,
    refused: Mapping[str, MolthubError],
    editing: Editing,
) -> dict[str, Json]:
    """Return what ``--json`` prints (``adopt-result`` of the schemas)."""
    new = made.files if made is not None else {}
    return {
        "format": "molthub.adopted/1",
        "bots": [*_bots(bots, proposal)],
        "refused": [{"bot": path, "error": error.to_json()["error"]} for path, error in refused.items()],
        "published": [outcome.to_json() for outcome in (made.outcomes if made is not None else ())],
        "packs": [offer.name for offer in proposal.packs if not offer.is_known],
        "attached": [offer.to_json() for offer in proposal.packs],
        "files": {path: content.decode() for path, content in sorted(proposal.files.items())},
        "skillFiles": sorted(new),
        "secrets": [one.to_json() for one in found_secrets([bot for bot in bots if bot.path not in proposal.refused])],
        **editing.to_json(),
    }


def _bots(bots: Sequence[Adopted], proposal: Proposal) -> Iterator[Json]:
    for bot in bots:
        if bot.path in proposal.refused:
            continue
        yield {
            "bot": bot.path,
            "platform": bot.platform,
            "agent": bot.agent,
            "state": proposal.state(bot.path),
            "declared": sorted(bot.parts),
            "added": list(proposal.added.get(bot.path, ())),
            "packs": [offer.name for offer in proposal.packs if bot.path in offer.bots],
            "left": [left.to_json() for left in (*proposal.otherwise.get(bot.path, ()), *bot.stays)],
            "spelled": list(bot.read.spelled),
            "besides": list(proposal.besides.get(bot.path, ())),
            "secrets": [one.to_json() for one in bot.read.secrets],
        }
