"""Who collects: an address under which the owners of the sites reach us, part of every request's User-Agent.

Named by `collect.fetch.contact` or the environment (SCGAN_CONTACT), else as it was given before; on a terminal it is
asked for once and kept in the user's configuration folder. Nobody's address belongs into a repository by accident.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import typer

from scgan_data.files import write_bytes
from scgan_data.web.fetch import FetchConfig

VARIABLE = "SCGAN_CONTACT"
_SHAPE = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|https?://\S+")


def with_contact(fetch: FetchConfig) -> FetchConfig:
    """The configuration with the contact that is known, if any is."""
    contact = fetch.contact or os.environ.get(VARIABLE) or _kept()
    return fetch.model_copy(update={"contact": contact})


def asked(fetch: FetchConfig) -> FetchConfig:
    """The configuration with a contact, asked for where none is known and a person sits there to answer."""
    known = with_contact(fetch)
    if known.contact is not None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return known
    typer.echo("Sites see who collects from them. Your e-mail address, or a page that says who you are:", err=True)
    contact = str(typer.prompt("contact", value_proc=checked, err=True))
    write_bytes(_file(), (contact + "\n").encode())
    typer.echo(f"kept in {_file()}", err=True)
    return fetch.model_copy(update={"contact": contact})


def checked(text: str) -> str:
    """The address as it is kept. Raises typer.BadParameter for what is none."""
    if not _SHAPE.fullmatch(text.strip()):
        raise typer.BadParameter("an e-mail address, or a URL that begins with https://")
    return text.strip()


def _kept() -> str | None:
    try:
        return _file().read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _file() -> Path:
    return Path(typer.get_app_dir("scgan-data")) / "contact"
