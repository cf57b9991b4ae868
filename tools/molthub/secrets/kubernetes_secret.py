"""Secrets in a Secret of Kubernetes, read from its API (the extra ``kubernetes``).

In a pod the service account is shown, elsewhere what a kubeconfig says. Reading one Secret by its name needs the verb
``get`` on it alone. Where a Secret can be mounted into the pod, the provider ``directory`` needs no right at all.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from molthub.errors import missing_extra
from molthub.secrets.provider import NOT_FOUND, Answer, Failure, all_failed
from molthub.secrets.value import SecretValue

_SECONDS = 10
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_NOT_THERE = 404
_DENIED = (401, 403)


class KubernetesProvider:
    """The provider of kind ``kubernetes``: an id is a key of the Secret ``secret``.

    Left out, ``namespace`` is the pod's own or the context's; ``kubeconfig`` and ``context`` are as kubectl has them.
    """

    variables: tuple[str, ...] = ()

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
                values[key] = SecretValue(b64decode(held[key], validate=True).decode())
            except (ValueError, TypeError):
                errors[key] = Failure("NOT_TEXT", f"the key {key} of {self.where} is no text")
        return Answer(values, errors)

    def _held(self) -> Mapping[str, Any] | Failure:
        try:
            from kubernetes import client
            from kubernetes.client.exceptions import ApiException
            from kubernetes.config import ConfigException
        except ModuleNotFoundError:
            error = missing_extra("kubernetes", "reading a Secret")
            return Failure("NO_EXTRA", error.message, error.remedy)
        try:
            with self._connected() as connected:
                # The whole answer as bytes: as objects it would be logged by the library where somebody turns that on.
                answer = client.CoreV1Api(connected).read_namespaced_secret(
                    self._secret, self._in_namespace(), _preload_content=False, _request_timeout=_SECONDS
                )
                held = json.loads(answer.data).get("data")
        except ApiException as error:
            return self._refused(error.status)
        except ConfigException:
            remedy = "give kubeconfig and context, or run it in a pod with a service account"
            return Failure("NO_CONFIG", f"{self.where}: it is not known which cluster", remedy)
        except Exception as error:  # noqa: BLE001 (the library and those below it have no family of errors)
            return Failure("UNREACHABLE", f"{self.where} cannot be read ({type(error).__name__})")
        return held if isinstance(held, dict) else {}

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

    def _refused(self, status: int | None) -> Failure:
        if status == _NOT_THERE:
            return Failure(NOT_FOUND, f"there is no {self.where}")
        if status in _DENIED:
            remedy = "grant the verb get on this one Secret (resourceNames)"
            return Failure("DENIED", f"{self.where} may not be read (HTTP {status})", remedy)
        return Failure("UNREACHABLE", f"{self.where} cannot be read (HTTP {status})")


def _namespace_of_context(kubeconfig: Path | None, context: str | None) -> str:
    from kubernetes import config

    contexts, active = config.list_kube_config_contexts(str(kubeconfig) if kubeconfig else None)
    found = next((one for one in contexts if one["name"] == context), active) or {}
    return str(found.get("context", {}).get("namespace") or "default")
