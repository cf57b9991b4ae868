"""Secrets that stand in the environment: by the variable of the secret's name, or by one that is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from molthub.documents import ENV_KEY
from molthub.references.secrets import steers_programs, variable_of
from molthub.secrets.provider import NOT_FOUND, Answer, Failure
from molthub.secrets.value import SecretValue


class EnvironmentProvider:
    """The provider ``environment``: an id is a variable. One that is empty counts as one that is not set."""

    variables: tuple[str, ...] = ()
    where = "environment variables"

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self.name = name
        self._environment = environment

    def own_id(self, secret: str) -> str:
        """Return the variable of a secret's name: ``github_token`` is ``GITHUB_TOKEN``."""
        return variable_of(secret)

    def resolve(self, ids: Sequence[str]) -> Answer:
        """Return what the variables hold."""
        values: dict[str, SecretValue] = {}
        errors: dict[str, Failure] = {}
        for variable in ids:
            if not ENV_KEY.match(variable) or steers_programs(variable):
                errors[variable] = Failure("REFUSED", f"the variable {variable} holds no secret: it steers programs")
            elif found := self._environment.get(variable):
                values[variable] = SecretValue(found)
            else:
                errors[variable] = Failure(NOT_FOUND, f"no variable {variable}", f"export {variable}=...")
        return Answer(values, errors)
