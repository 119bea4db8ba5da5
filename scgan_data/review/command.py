"""`scgan-data review`: the catalog, the book and the page put together, and what was done in a line at the end."""

from __future__ import annotations

import getpass
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from starlette.types import ASGIApp

from scgan_data.review import catalog
from scgan_data.review.app import application
from scgan_data.review.book import Book
from scgan_data.review.changes import Changes
from scgan_data.review.guard import Access
from scgan_data.review.serving import Stop, serve
from scgan_data.verdicts import Line, without_undone


def review(
    folder: Path,
    file: Path,
    reviewer: str,
    announce: Callable[[str], None],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
) -> str:
    """Serve the page of a stage's folder until Ctrl-C; what was done, in a line. Raises ScganError."""
    found = catalog.read(folder)
    book = Book(file, found)
    work = Changes(found, book, reviewer)
    before = len(_said_by(reviewer, book))

    def build(access: Access, stop: Stop) -> ASGIApp:
        return application(work, access, str(folder))

    with suppress(KeyboardInterrupt):
        serve(build, announce, host=host, port=port)
    return done(book, reviewer, before)


def done(book: Book, reviewer: str, before: int) -> str:
    """What a reviewer added to a book that had so many lines of theirs; others may have written meanwhile."""
    book.refresh()
    new = _said_by(reviewer, book)[before:]
    kept = without_undone(new)
    counts = Counter("with boxes moved" if "regions" in line else f"{line['verdict']}ed" for line in kept)
    undone = sum("undoes" in line for line in new)
    parts = [f"{count} {what}" for what, count in sorted(counts.items())] + ([f"{undone} undone"] if undone else [])
    return f"review: {', '.join(parts) or 'nothing changed'}; {book.file} has it all"


def _said_by(reviewer: str, book: Book) -> list[Line]:
    return [line for line in book.lines if line.get("reviewer") == reviewer]


def default_reviewer() -> str:
    """Git's user.email, else the login name."""
    try:
        said = subprocess.run(["git", "config", "user.email"], capture_output=True, text=True, check=False, timeout=5)
        if said.stdout.strip():
            return said.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        pass
    return getpass.getuser()
