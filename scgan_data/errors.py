"""The errors that a user can act on. Each message is one line: what is wrong, where, and what to do about it.

The command lines catch `ScganError` once, print the message and exit with code 1. A bad *picture* is never an error: it
is a row of the manifest with a reason (`records.Reason`).
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Sequence
from pathlib import Path


class ScganError(Exception):
    """Base of every error that the command lines report as one line."""


class ConfigError(ScganError):
    """params.yaml or `--set` holds an unknown key or a value out of range."""


class ManifestError(ScganError):
    """A stage's folder has no manifest, or one that this version cannot read."""


class SourceError(ScganError):
    """A source of pictures cannot be read at all (one bad picture of it is a row, not an error)."""


class StageBusyError(ScganError):
    """Another process is writing the same stage's folder."""


class WeightsError(ScganError):
    """Weights were found nowhere, or what was found is not what was asked for."""


class CheckpointError(ScganError):
    """A checkpoint is missing, truncated or of another configuration."""


class DatasetError(ScganError):
    """A dataset folder lacks what training or evaluation needs."""


class ExchangeError(ScganError):
    """A folder cannot be exported, or a file of another tool says what cannot be true of our pictures."""


class StoppedError(ScganError):
    """Ctrl-C, or another signal that asks to stop: finished work is kept. The exit code is 128 plus the signal's."""

    def __init__(self, message: str, signal_number: int = 2) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def no_manifest(folder: Path, file_name: str) -> ManifestError:
    """Why a folder has no manifest: it is not there, it is none, it is no stage's, or its stage has not finished."""
    if not folder.exists():
        return ManifestError(f"{folder} is not there: name a stage's folder, or run the stage that writes it")
    if not folder.is_dir():
        return ManifestError(f"{folder} is a file: name a stage's folder")
    if any(folder.iterdir()):
        return ManifestError(
            f"{folder} has no {file_name}, so it is no finished stage's folder: begin with `scgan-data collect` "
            "(or `dedup`, which also takes a folder of pictures)"
        )
    return ManifestError(f"{folder} is empty: run the stage that writes it")


def nearest(name: str, names: Sequence[str]) -> str:
    """The end of a line about an unknown name: the one that was meant, or all there are."""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else f"; known: {', '.join(names)}"


def printable(text: str) -> str:
    """The text with what a terminal would obey, or cannot show, written out: a file may have any name."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def one_line(error: BaseException) -> str | None:
    """The line to print for an error that a user can act on, or None where a traceback is the honest answer."""
    if isinstance(error, ScganError):
        return printable(" ".join(str(error).split()))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full{_where(error)}: free some space and run the same command again; finished work is kept"
    if isinstance(error, PermissionError):
        return f"permission denied{_where(error)}: check who owns it"
    if isinstance(error, OSError) and error.errno in _PLACES:
        return f"{_PLACES[error.errno]}{_where(error)}: name another place"
    return None


_PLACES = {
    errno.EROFS: "the file system is read-only",
    errno.EFBIG: "a file may not grow that large (ulimit -f, or the file system's own limit)",
    errno.EEXIST: "something else is there already",
    errno.ENOTDIR: "a file is where a folder is needed",
    errno.EISDIR: "a folder is where a file is needed",
    errno.ENAMETOOLONG: "the name is too long",
}
"""Where a user's path leads nowhere."""


def _where(error: OSError) -> str:
    """Where it was: of a copy or a rename, where to."""
    place = error.filename2 or error.filename
    return f" at {printable(str(place))}" if place else ""
