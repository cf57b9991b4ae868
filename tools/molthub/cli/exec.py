"""``molthub exec``: run a program with the secrets that it needs, and keep them from everything else."""

from __future__ import annotations

from pathlib import Path

import click

from molthub.console import Console, common_options
from molthub.errors import UsageError

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option("--server", metavar="NAME", help="Start this MCP server of the bot.")
@click.option("--env", "with_env", is_flag=True, help="Run any program with the bot's environment.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="The bot's home (default: $HOME).")
@click.option("--manifest", type=_FILE, help="The bot's manifest (default: .agents/molthub.json in its home).")
@click.option("--secrets", "settings", type=_FILE,
              help="The file that names the providers (default: $XDG_CONFIG_HOME/molthub/secrets.yaml).")  # fmt: skip
@click.option("--bot", metavar="FLEET/BOT", help="Whose secrets count, where the manifest does not say.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[--] COMMAND ARGS...")
@common_options
def exec_(
    console: Console,  # noqa: ARG001 (nothing is said: from here on the program speaks)
    *,
    server: str | None,
    with_env: bool,
    home: Path | None,
    manifest: Path | None,
    settings: Path | None,
    bot: str | None,
    arguments: tuple[str, ...],
) -> int:
    """Run a program with the secrets that it needs, and keep them from everything else.

    With --server, COMMAND gets the variables of that server from the bot's manifest, each secret filled in, in COMMAND
    and ARGS as well; without COMMAND the manifest's own is run. Variables that hold secrets of other servers are taken
    away. With --env, COMMAND gets the bot's variables, and those by which the bot's files refer to secrets; it is for
    the bot's own program, and left as it is.

    molthub becomes the program: signals, input, output and exit status are its own. Where a secret does not resolve,
    nothing is started. Secrets in ARGS are seen by everybody who may list processes: prefer variables.

    \b
    Examples:
      molthub exec --server github
      molthub exec --server github -- npx -y @modelcontextprotocol/server-github
      molthub exec --env -- openclaw gateway run

    \b
    Exit status:
      the program's own; 1 where nothing was started
    """
    from molthub.secrets.start import Asked, start

    if (server is None) != with_env:
        raise UsageError("say for what: a server, or the bot's environment", remedy="--server NAME, or --env")
    return start(Asked(server, arguments, home, manifest, settings, bot))
