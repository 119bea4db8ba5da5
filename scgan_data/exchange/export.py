"""Export: a stage's kept pictures as a folder of another tool's format, swapped in whole.

Pictures are hard links where the file system has them, copies where not (WebDataset's lie in the tars), so a folder of
100,000 costs neither their bytes nor memory; whoever edits pixels should copy them first. `export.json`, written last,
says that the folder is ours and may be replaced; any other folder is refused unless forced. The same folder exported
twice gives the same bytes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from scgan_data import files, manifest
from scgan_data.errors import ExchangeError
from scgan_data.exchange import coco, croissant, label_studio, webdataset, yolo
from scgan_data.exchange.formats import Format
from scgan_data.exchange.picture import Pictures
from scgan_data.stage import link, open_stage

MARK = "export.json"
SHARD = 1000
_MADE_BY = "scgan-data export"


def export(src: Path, out: Path, kind: Format, *, shard: int = SHARD, force: bool = False) -> int:
    """Write the kept pictures of a stage's folder to `out` (replaced whole); returns their number.

    `shard` is the number of pictures in a WebDataset's tar. Raises ExchangeError where `out` is not ours to replace, a
    picture is missing, or an id is there twice.
    """
    pictures = Pictures.of(manifest.kept(manifest.read(src)))
    _refuse_twice(pictures)
    _refuse_missing(pictures)
    _refuse_foreign(src.resolve(), out.resolve(), force=force)
    with open_stage("export", out) as folder:
        new = folder.work / "new"
        new.mkdir(parents=True)
        if kind is not Format.WEBDATASET:
            _place(pictures, new)
        _write(kind, pictures, new, out.resolve().name, shard)
        files.write_json(new / MARK, {"made_by": _MADE_BY, "format": str(kind), "pictures": len(pictures)})
        folder.swap_in(new)
    shutil.rmtree(folder.work, ignore_errors=True)
    return len(pictures)


def _write(kind: Format, pictures: Pictures, new: Path, name: str, shard: int) -> None:
    match kind:
        case Format.COCO:
            coco.write(pictures, new)
        case Format.LABEL_STUDIO:
            label_studio.write(pictures, new, name)
        case Format.YOLO:
            yolo.write(pictures, new)
        case Format.WEBDATASET:
            webdataset.write(pictures, new, shard)
        case Format.CROISSANT:
            croissant.write(pictures, new, name)


def _place(pictures: Pictures, new: Path) -> None:
    for picture in pictures:
        link(picture.path, new / "images" / picture.split / picture.file_name)


def _refuse_missing(pictures: Pictures) -> None:
    missing = next((p.path for p in pictures if not p.path.is_file()), None)
    if missing is not None:
        raise ExchangeError(f"{missing} is not here: `dvc pull`, or run the stage again")


def _refuse_twice(pictures: Pictures) -> None:
    """An id names the file and the verdict, so it may be there once."""
    twice = pictures.rows["id"].duplicated()
    if twice.any():
        first = pictures.rows.loc[twice, "id"].iloc[0]
        domains = " and ".join(sorted(pictures.rows.loc[pictures.rows["id"] == first, "domain"].unique()))
        what = f"{int(twice.sum())} pictures are kept twice, among them {first} ({domains})"
        raise ExchangeError(f"{what}: export the folder of `scgan-data dedup` or a later stage, or reject one")


def _refuse_foreign(src: Path, out: Path, *, force: bool) -> None:
    if out == src or out in src.parents or src in out.parents:
        raise ExchangeError(f"{out} and {src} lie in one another: export to a folder beside it")
    if out.exists() and not out.is_dir():
        raise ExchangeError(f"{out} is a file")
    if out.is_dir() and any(out.iterdir()) and not is_ours(out) and not force:
        raise ExchangeError(f"{out} exists and is no export of ours: name another folder, or replace it with --force")


def is_ours(folder: Path) -> bool:
    """Whether a folder is an export, finished."""
    file = folder / MARK
    return file.is_file() and f'"{_MADE_BY}"' in file.read_text(encoding="utf-8", errors="replace")
