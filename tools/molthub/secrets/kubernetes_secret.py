"""Secrets in a Secret of Kubernetes, read from its API and written to it (the extra ``kubernetes``).

In a pod the service account is shown, elsewhere what a kubeconfig says. Reading one Secret by its name needs the verb
``get`` on it alone, writing to it ``patch``; making it where there is none ``create``. Where a Secret can be mounted
into the pod, the provider ``directory`` needs no right at all.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from molthub.errors import MolthubError, missing_extra
from molthub.secrets.provider import NOT_FOUND, Answer, Failure, all_failed
from molthub.secrets.value import SecretValue

_SECONDS = 10
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_NOT_THERE = 404
_INVALID = 422
_DENIED = (401, 403)

Call = Callable[[Any, str], Any]
"""Asks something of the API (``CoreV1Api``) in a namespace."""


class KubernetesProvider:
    """The provider of kind ``kubernetes``: an id is a key of the Secret ``secret``.

    Left out, ``namespace`` is the pod's own or the context's; ``kubeconfig`` and ``context`` are as kubectl has them.
    """

    variables: tuple[str, ...] = ()
    only_if_named = False

    def __init__(
        self,
        name: str,
        secret: str,
        *,
        namespace: str | None = None,
        kubeconfig: Path | None = None,
        context: str | None = None,
    ) -> None:
        self.name = name
        self.where = f"Secret {f'{namespace}/' if namespace else ''}{secret}"
        self._secret = secret
        self._namespace = namespace
        self._kubeconfig = kubeconfig
        self._context = context

    def own_id(self, secret: str) -> str:
        """Return the secret's name."""
        return secret

    def resolve(self, ids: Sequence[str]) -> Answer:
        """Read the Secret, once."""
        held = self._held()
        if isinstance(held, Failure):
            return all_failed(ids, held)
        values: dict[str, SecretValue] = {}
        errors: dict[str, Failure] = {}
        for key in ids:
            if key not in held:
                errors[key] = Failure(NOT_FOUND, f"{self.where} has no key {key}")
                continue
            try:
                text = b64decode(held[key], validate=True).decode()
            except (ValueError, TypeError):
                errors[key] = Failure("NOT_TEXT", f"the key {key} of {self.where} is no text")
                continue
            if text:
                values[key] = SecretValue(text)
            else:
                errors[key] = Failure("EMPTY", f"the key {key} of {self.where} is empty")
        return Answer(values, errors)

    def ids(self) -> tuple[str, ...]:
        """Return the Secret's keys."""
        return tuple(sorted(self._known()))

    def keep(self, secret_id: str, value: SecretValue) -> str:
        """Write the key beside those that are there; where there is no such Secret, it is made."""
        text = {secret_id: b64encode(value.reveal().encode()).decode()}
        failure = self._patched(text)
        if failure is not None and failure.code == NOT_FOUND:
            made = {"metadata": {"name": self._secret}, "type": "Opaque", "data": text}
            failure = self._asked(
                lambda api, namespace: api.create_namespaced_secret(namespace, made, **_ONCE), "written", "create"
            )[1]
        _raise(failure)
        return self.where

    def forget(self, secret_id: str) -> str | None:
        """Take the key away; the Secret stays."""
        if secret_id not in self._known():
            return None
        _raise(self._patched({secret_id: None}))
        return self.where

    # --- asking ----------------------------------------------------------------------------------------------------

    def _held(self) -> Mapping[str, Any] | Failure:
        answer, failure = self._asked(
            lambda api, namespace: api.read_namespaced_secret(self._secret, namespace, **_ONCE), "read", "get"
        )
        if failure is not None:
            return failure
        held = answer.get("data")
        return held if isinstance(held, dict) else {}

    def _known(self) -> Mapping[str, Any]:
        """Return what is there, nothing where there is no such Secret. Raises :class:`MolthubError`."""
        held = self._held()
        if not isinstance(held, Failure):
            return held
        if held.code != NOT_FOUND:
            _raise(held)
        return {}

    def _patched(self, changed: Mapping[str, str | None]) -> Failure | None:
        body = {"data": dict(changed)}
        return self._asked(
            lambda api, namespace: api.patch_namespaced_secret(self._secret, namespace, body, **_ONCE),
            "written",
            "patch",
        )[1]

    def _asked(self, call: Call, done: str, verb: str) -> tuple[Mapping[str, Any], Failure | None]:
        """Return what the API answers, or why it did not; it is never quoted."""
        try:
            from kubernetes import client
            from kubernetes.client.exceptions import ApiException
            from kubernetes.config import ConfigException
        except ModuleNotFoundError:
            error = missing_extra("kubernetes", "reading a Secret")
            return {}, Failure("NO_EXTRA", error.message, error.remedy)
        try:
            with self._connected() as connected:
                answer = json.loads(call(client.CoreV1Api(connected), self._in_namespace()).data)
        except ApiException as error:
            return {}, self._refused(error.status, done, verb)
        except ConfigException:
            remedy = "give kubeconfig and context, or run it in a pod with a service account"
            return {}, Failure("NO_CONFIG", f"{self.where}: it is not known which cluster", remedy)
        except Exception as error:  # noqa: BLE001 (the library and those below it have no family of errors)
            return {}, Failure("UNREACHABLE", f"{self.where} cannot be {done} ({type(error).__name__})")
        return (answer if isinstance(answer, dict) else {}), None

    def _connected(self) -> Any:
        from kubernetes import client, config

        settings = client.Configuration()
        if self._kubeconfig is None and self._context is None and "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(client_configuration=settings)
        else:
            file = str(self._kubeconfig) if self._kubeconfig else None
            config.load_kube_config(file, self._context, client_configuration=settings, persist_config=False)
        settings.retries = False
        return client.ApiClient(settings)

    def _in_namespace(self) -> str:
        if self._namespace is not None:
            return self._namespace
        if self._kubeconfig is None and self._context is None and _NAMESPACE_FILE.exists():
            return _NAMESPACE_FILE.read_text().strip()
        return _namespace_of_context(self._kubeconfig, self._context)

    def _refused(self, status: int | None, done: str, verb: str) -> Failure:
        if status == _NOT_THERE:
            return Failure(NOT_FOUND, f"there is no {self.where}")
        if status in _DENIED:
            on = "on Secrets" if verb == "create" else "on this one Secret (resourceNames)"
            remedy = f"grant the verb {verb} {on}"
            return Failure("DENIED", f"{self.where} may not be {done} (HTTP {status})", remedy)
        if status == _INVALID:
            remedy = "look whether it is immutable, and whether the key is letters, digits, ., _ and -"
            return Failure("REFUSED", f"{self.where} cannot be {done}: the cluster takes no such change", remedy)
        return Failure("UNREACHABLE", f"{self.where} cannot be {done} (HTTP {status})")


_ONCE = {
    # the whole answer as bytes: as objects it would be logged by the library where somebody turns that on
    "_preload_content": False,
    "_request_timeout": _SECONDS,
}


def _raise(failure: Failure | None) -> None:
    if failure is not None:
        raise MolthubError(failure.message, remedy=failure.remedy)


def _namespace_of_context(kubeconfig: Path | None, context: str | None) -> str:
    from kubernetes import config

    contexts, active = config.list_kube_config_contexts(str(kubeconfig) if kubeconfig else None)
    found = next((one for one in contexts if one["name"] == context), active) or {}
    return str(found.get("context", {}).get("namespace") or "default")
