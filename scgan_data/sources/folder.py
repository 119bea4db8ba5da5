"""The `folder` source: every file below a folder, hidden ones left out. Files are read where they lie, never copied."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from scgan_data.errors import SourceError
from scgan_data.records import SELFIE
from scgan_data.sources import Offer, Opened, Provenance, Visit


class FolderSource(Provenance):
    """Pictures in a folder and the folders below it."""

    kind: Literal["folder"] = "folder"
    path: Path
    """The folder."""
    domain: str = SELFIE
    """`selfie`, or the style's name."""

    @property
    def name(self) -> str:
        """What the manifest's `source` says."""
        return f"folder:{self.path.as_posix()}"

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Check that the folder can be read. Raises SourceError."""
        if not self.path.is_dir():
            raise SourceError(f"{self.path} is no folder: correct the source's `path`, or create the folder")
        if not os.access(self.path, os.R_OK | os.X_OK):
            raise SourceError(f"{self.path} cannot be read: check who owns it")
        yield Opened(self._offers, is_local=True)

    def _offers(self, visit: Visit) -> Iterator[Offer]:
        for file in _files(self.path):
            url = os.fsencode(file.as_posix()).decode("utf-8", "backslashreplace")
            yield Offer(
                url,
                self.domain,
                self.name,
                license=self.license,
                license_url=self.license_url,
                author=self.author,
                file=file,
            )


def _files(folder: Path) -> Iterator[Path]:
    """All that is not hidden and not a folder, in a stable order; links to folders are not followed."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(parent) / name
