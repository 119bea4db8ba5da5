"""Croissant 1.0: croissant.json (JSON-LD) describes images/ and pictures.jsonl, a line a picture, beside it.

Two record sets: `pictures`, the table with licences and boxes (cr:BoundingBox, x0 y0 x1 y1), and `images`, each file's
content with the name that `pictures` knows it by. They are apart because mlcroissant reads a record set's files all at
once: the table of 100,000 pictures needs none of them. Version 1.0, since validators and hubs read that one; nothing
here needs 1.1. A table of JSON lines, not CSV, holds boxes as lists and numbers in full; it is also what is read back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from scgan_data import files
from scgan_data.errors import ExchangeError
from scgan_data.exchange.picture import CREDIT, Pictures
from scgan_data.exchange.said import Foreign, Said, Sizes, parse, read
from scgan_data.exchange.webdataset import of_record
from scgan_data.exchange.yolo import TABLE, write_table
from scgan_data.records import Region

METADATA = "croissant.json"
VERSION = "http://mlcommons.org/croissant/1.0"
_TEXT, _INTEGER, _FLOAT, _BOX = "sc:Text", "sc:Integer", "sc:Float", "cr:BoundingBox"
_TERMS = (
    "citeAs",
    "column",
    "equivalentProperty",
    "extract",
    "field",
    "fileObject",
    "fileProperty",
    "fileSet",
    "format",
    "includes",
    "isLiveDataset",
    "jsonPath",
    "key",
    "md5",
    "parentField",
    "path",
    "recordSet",
    "references",
    "regex",
    "repeated",
    "replace",
    "samplingRate",
    "separator",
    "source",
    "subField",
    "transform",
)


def write(pictures: Pictures, folder: Path, name: str) -> None:
    """Write pictures.jsonl and croissant.json of an export that will be called `name`."""
    write_table(pictures, folder / TABLE)
    with (folder / TABLE).open("rb") as table:
        digest = hashlib.file_digest(table, "sha256").hexdigest()
    files.write_json(folder / METADATA, metadata(pictures, name, digest))


def metadata(pictures: Pictures, name: str, table_sha256: str) -> dict[str, Any]:
    """The JSON-LD of an export's folder."""
    licenses = sorted({p.credit["license_url"] or p.credit["license"] or "unknown" for p in pictures})
    endings = sorted({p.path.suffix.lower() for p in pictures})
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": VERSION,
        "name": name,
        "description": f"{len(pictures)} head-and-shoulders selfies and cartoon portraits with boxes of "
        f"{', '.join(Region)}, half-open pixels, origin top left. Faces are personal data: use each picture only as "
        "its licence allows.",
        "license": licenses,
        "url": "croissant.json",
        "version": "1.0.0",
        "distribution": [_table(table_sha256), _images(endings)],
        "recordSet": [_pictures(), _contents()],
    }


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "sc": "https://schema.org/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        **{term: f"cr:{term}" for term in _TERMS},
    }


def _table(sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": TABLE,
        "name": TABLE,
        "contentUrl": TABLE,
        "encodingFormat": "application/jsonlines",
        "sha256": sha256,
    }


def _images(endings: list[str]) -> dict[str, Any]:
    kinds = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
    return {
        "@type": "cr:FileSet",
        "@id": "files",
        "name": "files",
        "encodingFormat": sorted({kinds.get(ending, "image/*") for ending in endings}) or ["image/png"],
        "includes": [f"images/*/*{ending}" for ending in endings] or ["images/*/*.png"],
    }


def _pictures() -> dict[str, Any]:
    types = {
        **dict.fromkeys(("id", "file_name", "split", "domain"), _TEXT),
        **dict.fromkeys(("width", "height"), _INTEGER),
        **dict.fromkeys(CREDIT, _TEXT),
        "face": _BOX,
        **dict.fromkeys(map(str, Region), _BOX),
        "regions_score": _FLOAT,
    }
    fields = [
        _field("pictures", column, kind, {"fileObject": {"@id": TABLE}, "extract": {"column": column}})
        for column, kind in types.items()
    ]
    many = {"landmarks": _FLOAT, "regions_hidden": _TEXT}
    fields += [
        _field("pictures", column, kind, {"fileObject": {"@id": TABLE}, "extract": {"column": column}})
        | {"repeated": True}
        for column, kind in many.items()
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "pictures",
        "name": "pictures",
        "key": {"@id": "pictures/id"},
        "field": fields,
    }


def _contents() -> dict[str, Any]:
    fields = [
        _field("images", "file", _TEXT, {"fileSet": {"@id": "files"}, "extract": {"fileProperty": "fullpath"}}),
        _field(
            "images", "content", "sc:ImageObject", {"fileSet": {"@id": "files"}, "extract": {"fileProperty": "content"}}
        ),
    ]
    return {"@type": "cr:RecordSet", "@id": "images", "name": "images", "field": fields}


def _field(record_set: str, name: str, data_type: str, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{record_set}/{name}",
        "name": f"{record_set}/{name}",
        "dataType": data_type,
        "source": source,
    }


class _FileObject(Foreign):
    type: Literal["cr:FileObject", "cr:FileSet"] = Field(alias="@type")
    url: str | None = Field(None, alias="contentUrl")
    encoding: str | list[str] = Field(alias="encodingFormat")


class _Metadata(Foreign):
    distribution: list[_FileObject]


def said(file: Path, sizes: Sizes) -> Iterator[Said]:
    """What the table that a croissant.json names says of its pictures. Raises ExchangeError."""
    described = parse(_Metadata, file, read(file))
    tables = [d.url for d in described.distribution if d.url and d.encoding == "application/jsonlines"]
    if len(tables) != 1 or Path(tables[0]).name != tables[0]:
        raise ExchangeError(f"{file}, distribution: needs one table of JSON lines beside it, as `export` writes it")
    table = file.parent / tables[0]
    for number, line in enumerate(read(table).splitlines(), 1):
        if line.strip():
            yield of_record(line, table, f"line {number}")
