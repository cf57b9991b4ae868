"""The workflows of this repository's own registry: those that `molthub init` writes, with what is different here."""

from __future__ import annotations

from molthub.registry.authoring.workflows import Workflows

OURS = Workflows(
    live="https://molthub.dev/",
    # Unreleased: what checks, builds and signs is the code of the base branch, never that of a pull request.
    install='python3 tools/devenv.py "$RUNNER_TEMP/molthub"',
    strict=True,
    below="registry-index",
)


def pages() -> dict[str, str]:
    """Return the workflows by their path below `docs/`."""
    return {f"../{path}": text for path, text in OURS.files().items()}
