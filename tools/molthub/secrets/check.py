"""Which secrets resolve, by whom, and who lacks what: told without a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from molthub.errors import ExitStatus, MolthubError, Problem
from molthub.model import Json
from molthub.secrets.bots import BotSecrets
from molthub.secrets.resolver import Missing, Resolved, Resolver
from molthub.secrets.uses import Use, by_secret

FORMAT = "molthub.secrets-check/1"


@dataclass(frozen=True, slots=True)
class Checked:
    """One secret of a bot: ``provider`` has it, or it is ``missing``."""

    name: str
    uses: tuple[Use, ...]
    provider: str | None = None
    missing: Missing | None = None

    def to_json(self) -> dict[str, Json]:
        """Return its part of the published document."""
        found: dict[str, Json] = {"name": self.name, "provider": self.provider}
        if self.missing is not None:
            found |= {"reason": self.missing.reason, "remedy": self.missing.remedy}
        return {**found, "uses": [_use_to_json(use) for use in self.uses]}


@dataclass(frozen=True, slots=True)
class CheckedBot:
    """One bot: its secrets, or why they are not known. Without a name it is the one whose home this is.

    ``warnings`` name values that its program would not hand on as they are.
    """

    bot: str | None
    secrets: tuple[Checked, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def shown(self) -> str:
        """The bot, for people."""
        return self.bot or "this home"

    @property
    def missing(self) -> tuple[Checked, ...]:
        """The secrets that do not resolve."""
        return tuple(secret for secret in self.secrets if secret.missing is not None)


@dataclass(frozen=True, slots=True)
class SecretsCheck:
    """All bots that were asked for."""

    bots: tuple[CheckedBot, ...] = field(default_factory=tuple)

    @property
    def exit_status(self) -> ExitStatus:
        """4 where a bot's secrets are not known, 3 where one is missing."""
        unknown = [bot for bot in self.bots if bot.problems]
        if unknown:
            return ExitStatus.FAILED if len(unknown) == len(self.bots) else ExitStatus.PARTLY_DONE
        return ExitStatus.PENDING if any(bot.missing for bot in self.bots) else ExitStatus.DONE

    def to_json(self) -> dict[str, Json]:
        """Return the document ``molthub.secrets-check/1``."""
        return {
            "format": FORMAT,
            "summary": {
                "bots": len(self.bots),
                "secrets": sum(len(bot.secrets) for bot in self.bots),
                "missing": sum(len(bot.missing) for bot in self.bots),
            },
            "bots": [
                {
                    "bot": bot.bot,
                    "secrets": [secret.to_json() for secret in bot.secrets],
                    "problems": [problem.to_json() for problem in bot.problems],
                    "warnings": [problem.to_json() for problem in bot.warnings],
                }
                for bot in self.bots
            ],
        }


def check_secrets(bots: Iterable[BotSecrets], resolver_of: Callable[[str | None], Resolver]) -> SecretsCheck:
    """Ask the providers of each bot for what it needs, once, and forget the values at once.

    A bot whose providers cannot be told stops no other.
    """
    return SecretsCheck(tuple(_checked(bot, resolver_of) for bot in bots))


def _checked(bot: BotSecrets, resolver_of: Callable[[str | None], Resolver]) -> CheckedBot:
    try:
        resolver = resolver_of(bot.bot)
    except MolthubError as error:
        return CheckedBot(bot.bot, problems=(*bot.problems, Problem("MH731", error.message, error.remedy)))
    wanted = by_secret(bot.uses)
    resolved = resolver.resolve(wanted)
    secrets = (
        Checked(name, uses, resolved.providers.get(name), resolved.missing.get(name)) for name, uses in wanted.items()
    )
    return CheckedBot(bot.bot, tuple(secrets), bot.problems, _spoiled(bot, resolved))


def _spoiled(bot: BotSecrets, resolved: Resolved) -> tuple[Problem, ...]:
    if not bot.programs or not resolved.values:
        return ()
    from molthub.secrets.spoiled import pitfalls_of, spoiled

    kinds = {name: pitfalls_of(value) for name, value in resolved.values.items()}
    return tuple(problem for name, agent in bot.programs for problem in spoiled(name, agent, bot.given, kinds))


HEADERS = ("bot", "secret", "found", "needed by", "declared at")


def rows(check: SecretsCheck) -> Iterator[tuple[str, ...]]:
    """Yield a row for each secret and place that needs it, under :data:`HEADERS`."""
    for bot in check.bots:
        for secret in bot.secrets:
            for number, use in enumerate(secret.uses):
                head = (bot.shown, secret.name, secret.provider or "missing") if number == 0 else ("", "", "")
                yield (*head, use.shown, use.at)


def problems(check: SecretsCheck) -> Iterator[Problem]:
    """Yield what is missing or not known, one finding each."""
    for bot in check.bots:
        yield from (
            problem.in_file(f"{bot.shown}: {problem.file}" if problem.file else bot.shown) for problem in bot.problems
        )
        yield from (warning.in_file(bot.shown) for warning in bot.warnings)
        for secret in bot.missing:
            if secret.missing is not None:
                message = f"secret {secret.name} does not resolve: {secret.missing.reason}"
                yield Problem("MH731", message, secret.missing.remedy, file=bot.shown)


def _use_to_json(use: Use) -> dict[str, Json]:
    return {"key": use.key, "part": use.part, "at": use.at or None}
