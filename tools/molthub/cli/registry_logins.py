"""``skills registry login`` and ``logout``: the way into a private index."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from molthub.cli.client_options import open_skills
from molthub.console import Console, common_options
from molthub.errors import DeniedError, MolthubError, UsageError

if TYPE_CHECKING:
    from molthub.client.access.logins import Login
    from molthub.client.addresses import Address

_FILE = click.Path(exists=True, dir_okay=False, resolve_path=True)


@click.command()
@click.argument("registry", metavar="NAME|URL")
@click.option("--token", is_flag=True, help="Ask for a token (the default, where nothing else is given).")
@click.option("--user", metavar="NAME", help="Ask for this user's password.")
@click.option("--helper", metavar="COMMAND", help="A credential helper as git has them, for example pass-git-helper.")
@click.option("--certificate", type=_FILE, help="A client certificate (PEM), perhaps with its key.")
@click.option("--key", type=_FILE, help="The key of the client certificate (PEM, without a password).")
@click.option("--ca", type=_FILE, help="A CA certificate (PEM) to trust for this index, besides the system's.")
@common_options
def login(
    console: Console,
    *,
    registry: str,
    token: bool,
    user: str | None,
    helper: str | None,
    certificate: str | None,
    key: str | None,
    ca: str | None,
) -> None:
    """Log in at a private index. What is secret is asked for, and kept in the system's keyring alone.

    It is asked for without showing it, or read from stdin where that is no terminal; it is tried before it is kept. It
    belongs to this address, is shown to no other host, and never over http. Variables do without a keyring:
    MOLTHUB_TOKEN_SKILLS_EXAMPLE_COM, or MOLTHUB_USER_... and MOLTHUB_PASSWORD_...; and so does ~/.netrc.

    \b
    Examples:
      skills registry login https://skills.example.com/
      skills registry login company --user ada
      printf %s "$TOKEN" | skills registry login company --token
      skills registry login company --helper "git credential fill"
      skills registry login company --certificate me.pem --key me.key --ca company-ca.pem
    """
    from molthub.client.access.environment import CertificateFiles
    from molthub.client.access.logins import Login

    if sum((token, user is not None, helper is not None)) > 1:
        raise click.UsageError("--token, --user and --helper exclude each other")
    if key is not None and certificate is None:
        raise click.UsageError("--key belongs to a --certificate")
    address = _address(console, registry)
    if not address.origin.is_private:
        raise UsageError(
            "over http anybody on the way could read what is secret", place=str(address), remedy="give an https address"
        )
    files = CertificateFiles(certificate, key) if certificate is not None else None
    asked = token or user is not None or not (helper or certificate or ca)
    way = "helper" if helper else ("password" if user else "token") if asked else ""
    entry = Login(way, user or "", helper or "", files, ca)  # type: ignore[arg-type] # one of the literal's four
    secret = _ask(entry, address) if asked else None
    _try(console, address, entry, secret)
    _keep(address, entry, secret)
    console.json({"url": str(address), "access": entry.describe()})
    console.result(f"{address}  {entry.describe()}")


@click.command()
@click.argument("registry", metavar="NAME|URL")
@common_options
def logout(console: Console, *, registry: str) -> None:
    """Forget the way into a private index, and what the keyring keeps for it.

    \b
    Examples:
      skills registry logout company
    """
    from molthub.client.access.keyring_entry import forget_secret
    from molthub.client.access.logins import forget_login, read_logins

    address = str(_address(console, registry))
    known = read_logins().get(address)
    if known is not None and known.way in ("token", "password"):
        forget_secret(address)
    found = forget_login(address)
    console.json({"url": address, "loggedOut": found})
    console.say(f"logged out of {address}" if found else f"nobody was logged in at {address}")


def _address(console: Console, registry: str) -> Address:
    """Return the address of a configured registry, or of a URL."""
    from molthub.client.addresses import parse_address

    entries = (entry for config in open_skills(console).configs for entry in config.registries)
    url = next((entry.url for entry in entries if entry.name == registry), registry)
    if "://" not in url:
        remedy = "give its URL; skills registry list names what is configured"
        raise UsageError("this is no registry at a web address", place=url, remedy=remedy)
    return parse_address(url)


def _ask(entry: Login, address: Address) -> str:
    what = f"Password of {entry.user}" if entry.way == "password" else "Token"
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    secret: str = click.prompt(f"{what} for {address}", hide_input=True, err=True)
    return secret


def _try(console: Console, address: Address, entry: Login, secret: str | None) -> None:
    """Read the index with it. Raises :class:`DeniedError` where it is not accepted; nothing is kept then."""
    from molthub.client.access.find import Access
    from molthub.client.fetch_http import HttpFetcher
    from molthub.client.fetcher import NOT_FOUND
    from molthub.client.index_files import MAX_ROOT

    fetcher = HttpFetcher(str(address), attempts=1, access=Access(address, entry, secret))
    try:
        if fetcher.get("registry.json", limit=MAX_ROOT).status == NOT_FOUND:
            console.warn(f"there is no registry.json at {address}, so it may be no index")
    except (DeniedError, UsageError):
        raise
    except MolthubError as error:
        console.warn(f"it could not be tried: {error}")
    finally:
        fetcher.close()


def _keep(address: Address, entry: Login, secret: str | None) -> None:
    from molthub.client.access.keyring_entry import keep_secret
    from molthub.client.access.logins import keep_login

    if secret is not None:
        keep_secret(str(address), secret)
    keep_login(str(address), entry)


def access_of(url: str) -> str:
    """Return how this user is logged in at a registry, for people; nothing where he is not."""
    from molthub.client.access.logins import read_logins
    from molthub.client.addresses import parse_address

    try:
        login = read_logins().get(str(parse_address(url))) if "://" in url else None
    except MolthubError:
        return ""
    return login.describe() if login is not None else ""
