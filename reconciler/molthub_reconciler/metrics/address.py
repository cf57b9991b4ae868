"""Where numbers of passes are to go, as it is typed: ``ADDRESS:PORT``, or a file."""

from __future__ import annotations

from pathlib import Path


def address_of(place: str) -> tuple[str, int] | None:
    """Return the address that a text names; None where it names a file."""
    host, colon, port = place.rpartition(":")
    is_address = colon and port.isascii() and port.isdigit() and "/" not in place
    return (host.strip("[]") or "127.0.0.1", int(port)) if is_address else None


def whole_place(place: str | None) -> str | None:
    """Return it so that it means the same from every folder."""
    return place if place is None or address_of(place) is not None else str(Path(place).resolve())


def folder_of(place: str | None) -> tuple[Path, ...]:
    """Return the folder that is written to, if there is one."""
    return () if place is None or address_of(place) is not None else (Path(place).resolve().parent,)
