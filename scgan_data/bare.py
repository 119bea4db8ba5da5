"""Rows for a bare folder of pictures, so that `scgan-data dedup photos/ out/` needs no collection.

Every file below the folder becomes a row, read where it lies and never copied; what is no picture, or cannot be read,
is a rejected row with its reason. Metadata tables and sidecars tell licence and author as they do to `collect`. Files
are hashed by threads, since decoding and reducing leave Python's lock to others and a process more costs a second to
start; finished ones are kept by path, size and time of change, so that a killed run goes on and a second one hashes
only what is new.

`quick` decodes JPEGs at reduced size, `exact` makes every `phash` equal to imagehash's of the whole picture
(`bare_hashes`). Neither makes a `pixel_id`, which needs a whole decode: only pictures of equal size and equal hashes
can have the same pixels, and only those are decoded whole, in a second pass. Equal pixels under other hashes (a JPEG,
decoded at reduced size, and a PNG of it) are found as near-copies. Nor do they say how sharp a picture is: of those
that have copies it is measured before one is chosen (`sharpened`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import pandas as pd

from scgan_data import bare_hashes, files, images, manifest
from scgan_data.config import Config
from scgan_data.credit import licenses
from scgan_data.errors import SourceError
from scgan_data.hashes import DecodeConfig
from scgan_data.images import UndecodableError
from scgan_data.records import SELFIE, Reason, Status
from scgan_data.runner import Work, per_image
from scgan_data.sources import Offer
from scgan_data.sources.folder import FolderSource, url_of
from scgan_data.stage import StageFolder, version_of
from scgan_data.terminal import console
from scgan_data.web.address import RefusedError
from scgan_data.web.request import Ask, Visited

MODULES = ("scgan_data.bare", *bare_hashes.MODULES)
"""The modules whose source decides a row."""
BATCH = 256
THREADS = 4
"""Of one process at most: about a quarter of a picture's time needs Python's lock."""
Answer = TypeVar("Answer")
_TOLD = ("domain", "source", "page_url", "license_url", "author", "ai_generated")


class BareConfig(Config):
    """How a bare folder's files are read."""

    domain: str = SELFIE
    """`selfie`, or the style's name, of the folder's pictures."""
    hashing: Literal["quick", "exact"] = "quick"
    """`quick` decodes JPEGs at reduced size; `exact` gives imagehash's phash of the whole picture."""
    decode: DecodeConfig = DecodeConfig()
    """Limits of the decoding gateway."""

    @property
    def mode(self) -> str:
        """The hashes' mode."""
        return bare_hashes.QUICK if self.hashing == "quick" else bare_hashes.EXACT


def rows(pictures: Path, config: BareConfig, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """A row for every file below `pictures`, in the manifest's order, those that are pictures measured.

    Raises SourceError where it is no folder, holds no file, or lies where the stage's own folder is to be.
    """
    if folder.home in (pictures.absolute(), *pictures.absolute().parents):
        raise SourceError(f"{pictures} lies in {folder.home}, which is replaced whole: name another folder to write")
    listed = _listed(pictures, config, folder)
    if "domain" not in config.model_fields_set:
        console.print(_taken_for(pictures, config.domain, listed), soft_wrap=True, markup=False)
    waiting = manifest.kept(listed)
    hashed = _per_file("hashes", waiting, _hash, config, folder, workers)
    suspects = hashed[_may_share_pixels(hashed)]
    if len(suspects):
        found = _per_file("pixels", suspects, _pixel_ids, config.decode, folder, workers)
        hashed.loc[suspects.index, "pixel_id"] = found["pixel_id"]
    refused = listed.drop(waiting.index)
    return manifest.in_order(pd.concat([part for part in (refused, manifest.decide(hashed, "dedup")) if len(part)]))


def sharpened(
    rows: pd.DataFrame, ids: Set[str], config: DecodeConfig, folder: StageFolder, *, workers: int | None = None
) -> pd.DataFrame:
    """The rows, with the sharpness of those named that have none yet."""
    wanted = rows[rows["id"].isin(ids) & rows["sharpness"].isna() & rows["phash"].notna()]
    if wanted.empty:
        return rows
    found = _per_file("sharpness", wanted, _sharpness, config, folder, workers)
    return rows.assign(sharpness=rows["sharpness"].fillna(found["sharpness"].astype("float64")))


def _sharpness(batch: pd.DataFrame, config: DecodeConfig, *, threads: int) -> pd.DataFrame:
    sides = batch[["width", "height"]].astype(int)
    size_of = dict(zip(batch["id"], zip(sides["width"], sides["height"], strict=True), strict=True))
    found = _by_threads(lambda file, name: bare_hashes.sharpness(file, size_of[name], config), batch, threads)
    return pd.DataFrame({"sharpness": found}, dtype="float64")


def _listed(pictures: Path, config: BareConfig, folder: StageFolder) -> pd.DataFrame:
    source = FolderSource(path=pictures.absolute(), domain=config.domain)
    own = f"{folder.home.as_posix()}/"
    with source.open(folder.work) as opened:
        offers = [offer for offer in opened.streams[""](_no_web) if not offer.url.startswith(own)]
    if not offers:
        raise SourceError(f"{pictures} has neither a {manifest.FILE_NAME} nor a picture: name a folder that has")
    return manifest.table([_row(offer) for offer in offers])


def _taken_for(pictures: Path, domain: str, listed: pd.DataFrame) -> str:
    """What a folder's pictures are taken for where nobody said it, and how to say it: of folders in it, for each."""
    said = (
        f"dedup: the pictures of {pictures} are taken for the domain `{domain}`; --set bare.domain=STYLE says another"
    )
    top = f"{url_of(pictures.absolute())}/"
    below = [url.removeprefix(top).partition("/") for url in listed["source_url"]]
    folders = sorted({name for name, slash, _ in below if slash})
    if len(folders) < 2:
        return said
    each = " ".join(f"--from {name}={pictures / name}" for name in folders[:2])
    return f"{said}; where its folders are domains: `scgan-data collect DIR {each}{' ...' if folders[2:] else ''}`"


def _no_web(ask: Ask) -> Visited:
    raise AssertionError(f"a folder asks nothing of the web: {ask.url}")


def _row(offer: Offer) -> dict[str, Any]:
    """A row that waits for its bytes: until they are read its id is of path, size and time of change."""
    row: dict[str, Any] = {name: getattr(offer, name) for name in _TOLD}
    row |= {"source_url": offer.url, "license": licenses.named(offer.license, offer.license_url)}
    row["extra"] = json.dumps(dict(offer.extra), ensure_ascii=False) if offer.extra else None
    refused = offer.refused
    if refused is None and offer.local is not None and offer.local.path is not None:
        signed = files.id_of_url(f"{offer.url} {offer.local.signature}")
        return row | {"id": signed, "path": str(offer.local.path), "status": Status.KEPT.value}
    refused = refused or RefusedError(Reason.FILE_UNREADABLE, "its name is no Unicode, which no table can hold")
    decision = {"status": Status.REJECTED.value, "rejected_by": "dedup", "reason": refused.reason.value}
    return row | decision | {"id": files.id_of_url(offer.url), "detail": refused.detail or None}


def _per_file(
    name: str,
    rows: pd.DataFrame,
    function: Callable[..., pd.DataFrame],
    config: Config,
    folder: StageFolder,
    workers: int | None,
) -> pd.DataFrame:
    """`per_image` with its finished results apart, so that a change of dedup's own settings hashes nothing again."""
    threads = workers or os.cpu_count() or 1
    processes = -(-threads // THREADS)
    work = Work(partial(function, threads=-(-threads // processes)), config, version_of(MODULES), BATCH)
    done = per_image(rows, work, StageFolder(name, folder.home, folder.work / name), workers=processes)
    return done.set_index(rows.index)


def _hash(batch: pd.DataFrame, config: BareConfig, *, threads: int) -> pd.DataFrame:
    """Id and measured columns of each file, or why it has none."""
    return pd.DataFrame(_by_threads(lambda path, signed: _hash_file(path, signed, config), batch, threads))


def _by_threads(function: Callable[[Path, str], Answer], batch: pd.DataFrame, threads: int) -> list[Answer]:
    """The function's answer for each row's path and id."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, map(Path, batch["path"]), batch["id"]))


def _hash_file(file: Path, signed: str, config: BareConfig) -> dict[str, Any]:
    limit = config.decode.max_bytes
    try:
        size = file.stat().st_size
        data = file.read_bytes() if size <= limit else b""
    except OSError as error:
        return {"id": signed, "reason": Reason.FILE_UNREADABLE.value, "detail": error.strerror}
    if size > limit:
        return {"id": signed, "reason": Reason.TOO_MANY_BYTES.value, "value": float(size), "limit": float(limit)}
    return {"id": files.id_of_bytes(data), **bare_hashes.hashed(data, config.decode, config.mode)}


def _may_share_pixels(hashed: pd.DataFrame) -> pd.Series[bool]:
    """The pictures whose size and hashes another file has too."""
    keys = ["width", "height", "phash", "phash256"]
    pictures = hashed[hashed["phash"].notna()]
    contents = pictures.groupby(keys)["id"].transform("nunique")
    return (contents > 1).reindex(hashed.index, fill_value=False)


def _pixel_ids(batch: pd.DataFrame, config: DecodeConfig, *, threads: int) -> pd.DataFrame:
    """The pixel id of each file; none where it changed or went since it was hashed."""
    return pd.DataFrame({"pixel_id": _by_threads(lambda path, _: _pixel_id(path, config), batch, threads)})


def _pixel_id(file: Path, config: DecodeConfig) -> str | None:
    try:
        return images.decode(file.read_bytes(), max_bytes=config.max_bytes, max_pixels=config.max_pixels).pixel_id
    except (UndecodableError, OSError):
        return None
