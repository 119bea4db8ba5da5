"""The `archive` source: the files inside zip and tar archives and WebDataset shards, read where they lie.

Nothing is unpacked to disk, so that `../` and absolute names are only names. What a member announces and what comes
out of it are both held to `MAX_MEMBER_BYTES`; an encrypted or damaged member is a refused offer, and so is the rest of
an archive that breaks off. The format is told by the first bytes. `zips` and `tars` read the two kinds of archive; both
say in one way, `Member`, what they found. A member must be read while the stream of offers stands at it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from scgan_data.errors import SourceError
from scgan_data.sources import Local, Offer, Opened, Provenance, Visit, tars, zips
from scgan_data.sources.columns import offer_of
from scgan_data.sources.folder import url_of
from scgan_data.sources.members import Member
from scgan_data.sources.paths import files_of

SUFFIXES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")


class ArchiveSource(Provenance):
    """Pictures in zip or tar archives."""

    kind: Literal["archive"] = "archive"
    path: Path
    """A .zip, .tar, .tar.gz, .tar.bz2, .tar.xz or .tar.zst file, or several: `photos-*.zip`, `shard-{000..012}.tar`.
    JSON beside a picture (`000.json` and `000.jpg`, as in WebDataset) is its provenance, `000.txt` its caption."""

    @property
    def name(self) -> str:
        """What the manifest's `source` says."""
        return f"archive:{self.path.as_posix()}"

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Check that every archive is one. Raises SourceError."""
        files = files_of(self.path)
        for file in files:
            _check(file)

        def offers(visit: Visit) -> Iterator[Offer]:
            for file in files:
                for member in _members(file):
                    yield self._offer(file, member)

        yield Opened({"": offers}, is_local=True)

    def _offer(self, file: Path, member: Member) -> Offer:
        url = f"{url_of(file)}!/{member.name}" if member.name else url_of(file)
        if member.refused is not None or member.read is None:
            return offer_of(self, url, member.said, refused=member.refused)
        local = Local(member.signature, member.read, size_bytes=member.size_bytes)
        return offer_of(self, url, member.said, local=local)


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it is one."""
    return path.name.lower().endswith(SUFFIXES)


def _members(file: Path) -> Iterator[Member]:
    return zips.members(file) if zips.is_zip(file) else tars.members(file)


def _check(file: Path) -> None:
    try:
        zips.check(file) if zips.is_zip(file) else tars.check(file)
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise SourceError(f"{file} is no zip or tar archive that can be read: {error}") from None
