"""``molthub completion``: the script that makes a shell complete both commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from molthub.console import Console, common_options, completion_variable


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
def completion(console: Console, shell: str) -> None:
    """Print the script that makes SHELL complete `molthub` and `skills`.

    \b
    Examples:
      molthub completion bash >> ~/.bashrc
      molthub completion zsh >> ~/.zshrc
      molthub completion fish > ~/.config/fish/completions/molthub.fish
    """
    from molthub.cli.main import molthub_group, skills_group

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    scripts = []
    for group in (molthub_group, skills_group):
        name = str(group.name)
        scripts.append(kind(group, {}, name, completion_variable(group)).source())
    console.result("\n".join(scripts))
    console.json({"shell": shell, "script": "\n".join(scripts)})
