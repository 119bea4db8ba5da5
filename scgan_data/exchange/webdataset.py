"""WebDataset: tar files of N pictures a split, each as ID.png followed by ID.json, its whole record, numbers in full.

The same pictures give the same bytes: members in the order of their ids (which are hashes, so that domains are mixed),
time 0, one owner, one mode, plain USTAR headers. One picture is in memory at a time, written and read. A tar that is
read is never unpacked to disk, and only its .json members are looked at.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

from scgan_data.errors import ExchangeError
from scgan_data.exchange.picture import Box, Pictures, record
from scgan_data.exchange.said import Finite, Foreign, Said, Sizes, add, parse
from scgan_data.records import Region

MAX_JSON_BYTES = 2**20


def write(pictures: Pictures, folder: Path, shard: int) -> None:
    """Write SPLIT-000000.tar, … of `shard` pictures each."""
    for split in pictures.splits:
        part = pictures.of_split(split)
        by_id = Pictures(part.rows.sort_values("id", kind="stable"))
        for number in range(0, len(by_id), shard):
            some = Pictures(by_id.rows.iloc[number : number + shard])
            _write_tar(folder / f"{split}-{number // shard:06d}.tar", some)


def _write_tar(file: Path, pictures: Pictures) -> None:
    with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as tar:
        for picture in pictures:
            _add(tar, picture.file_name, picture.path.read_bytes())
            described = json.dumps(record(picture, picture.file_name), ensure_ascii=False)
            _add(tar, f"{picture.id}.json", described.encode())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(data), 0o644, 0
    tar.addfile(member, io.BytesIO(data))


class Record(Foreign):
    """What is read of a picture's record."""

    id: str
    width: int
    height: int
    landmarks: list[Finite] | None = None


class _Boxes(Foreign):
    boxes: dict[str, tuple[Finite, Finite, Finite, Finite] | None]


def said(file: Path, sizes: Sizes) -> Iterator[Said]:
    """What a tar, or each tar of an export's folder, says of its pictures. Raises ExchangeError."""
    tars = sorted(file.glob("*.tar")) if file.is_dir() else [file]
    if not tars:
        raise ExchangeError(f"{file}: no .tar in it")
    for tar in tars:
        try:
            yield from _said_in(tar)
        except (tarfile.TarError, OSError, EOFError) as error:
            raise ExchangeError(f"{tar} cannot be read as a tar: {error}") from None


def _said_in(file: Path) -> Iterator[Said]:
    with tarfile.open(file, "r|") as tar:
        for member in tar:
            if not member.isfile() or not member.name.endswith(".json"):
                continue
            content = tar.extractfile(member)
            if content is None or member.size > MAX_JSON_BYTES:
                raise ExchangeError(f"{file}, {member.name}: larger than {MAX_JSON_BYTES} bytes")
            yield of_record(content.read(), file, member.name)


def of_record(data: bytes, file: Path, entry: str) -> Said:
    """What a picture's record, as JSON, says. Raises ExchangeError."""
    about = parse(Record, file, data, entry)
    members = parse(dict[str, object], file, data, entry)
    given = {str(region): members[str(region)] for region in Region if str(region) in members}
    boxes: dict[Region, Box] = {}
    for name, box in parse(_Boxes, file, json.dumps({"boxes": given}).encode(), entry).boxes.items():
        if box is not None:
            add(boxes, Region(name), box, f"{file}, {entry}")
    marks = about.landmarks
    points = None if not marks else tuple((marks[k], marks[k + 1]) for k in range(0, len(marks) - 1, 2))
    scope = frozenset(Region(name) for name in given)
    return Said(entry, about.id, boxes, scope, (about.width, about.height), points)
