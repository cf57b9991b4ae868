"""Servers of programs that cannot refer to a secret in their files: started by ``molthub exec``, which finds it then.

The program's file names ``molthub`` as the command. ``exec`` reads the server's declared form in the bot's manifest
(``$HOME/.agents/molthub.json``), finds each secret, and becomes the command behind ``--``. So no secret and nothing
that stands for one has to be expanded by the program itself.
"""

from __future__ import annotations

from molthub.model import Json
from molthub.references.secrets import Secret, is_sensitive, pieces, placeholders, reference, render, value_error

COMMAND = "molthub"


def wrapped_server(name: str, server: Json) -> Json:
    """Return a declared server as its fields; one that is started and holds a secret is wrapped.

    Wrapped, the words of its command stay in the declared form: placeholders and ``$$`` as they are, for ``molthub
    exec`` to read. Variables that hold a secret are left out, since ``exec`` takes them from the manifest. What is not
    wrapped, and every other variable, is the literal text that is meant; there is no ``env`` when none is left. A
    program that expands ``${NAME}`` in literal text too is for the adapter to know.

    Raises :class:`molthub.errors.PlatformValueError` (MH707) for a secret in a server that is reached by url: ``exec``
    starts programs.
    """
    if not is_sensitive(server):
        return _literal(server)
    if "command" not in server:
        problem = "the program's files cannot refer to a secret in the url or the headers of a server"
        raise value_error(f"mcp/{name}", problem, "let the program log in itself, or reach it by a command")
    words = [server["command"], *server.get("args", ())]
    env = {key: _literal(text) for key, text in server.get("env", {}).items() if not is_sensitive(text)}
    wrapped = {"command": COMMAND, "args": ["exec", "--server", name, "--", *words]}
    return {**wrapped, "env": env} if env else wrapped


def handed_server(name: str, server: Json) -> Json:
    """Return a server of a program that hands variables of its own environment over, under their own names.

    A variable of the server that is one secret, and is called as that secret is in the environment, is left out: the
    program is to hand it over (:func:`variables`). Where another secret is left, the server is wrapped. Raises
    :class:`molthub.errors.PlatformValueError` like :func:`wrapped_server`.
    """
    env = {key: text for key, text in server.get("env", {}).items() if variable_of_text(text) != key}
    # people read what comes of it, so the command stands first
    rest = {field: server[field] for field in ("command", "args") if field in server} | ({"env": env} if env else {})
    return wrapped_server(name, server if is_sensitive(rest) else rest)


def variable_of_text(text: str) -> str | None:
    """Return the environment variable that holds a declared text, if the text is one secret and nothing else."""
    match pieces(text):
        case (Secret(name),):
            return reference(name)
    return None


def variables(server: Json) -> tuple[str, ...]:
    """Return the environment variables that may hold a server's secrets, in order of first use.

    A program that gives its servers a few variables only must be told to pass these on. Raises
    :class:`molthub.errors.PlatformValueError` (MH707) for a secret whose name is refused.
    """
    return tuple(reference(secret) for secret in placeholders(server))


def _literal(value: Json) -> Json:
    """Return a value that holds no secret as the text that is meant: ``$$`` is a ``$``."""
    return render(value, str, str)
