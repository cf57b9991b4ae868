"""``molthub serve``: an index over HTTP, for trying it out and for small networks."""

from __future__ import annotations

from pathlib import Path

import click

from molthub.console import Console, common_options


@click.command()
@click.option(
    "--index",
    "folder",
    type=click.Path(path_type=Path),
    default="site",
    show_default=True,
    help="The folder that molthub build wrote.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
@common_options
def serve(console: Console, folder: Path, host: str, port: int) -> None:
    """Serve an index over HTTP until it is interrupted.

    Any static host serves an index as well; this one also answers searches. The folder may be built anew meanwhile.

    \b
    Examples:
      molthub serve                        ./site on http://127.0.0.1:8765/
      molthub serve --index private --port 0
      molthub serve --host 0.0.0.0         to everybody who reaches this machine
    """
    from molthub.index.serve import make_server

    server = make_server(folder, host, port, log=console.say)
    console.json({"url": server.url, "index": str(folder)})
    console.result(f"serving {folder} on {server.url}")
    console.say("try:")
    console.say(f"  skills search git --registry {server.url}")
    console.say(f"  curl '{server.url}api/v1/search?q=git'")
    console.say("stop with Ctrl-C")
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.say("stopped")
