"""Any photograph to a cartoon: the data stages' own decoding, detector and crop, then G_AB.

A picture that cannot be read or gives no crop (no face, several, too small, tilted) is named with its reason and the
others go on. Cartoons are written as `NAME.png`, `NAME-2.png` where names repeat, at the model's resolution. What lies
in the folder for cartoons is no photograph of a folder above it, and no cartoon takes a photograph's place.

A face is framed as the model's own pictures were: what decides a crop was recorded with it, and holds wherever it is
used. What a crop must be like, its size and its tilt, is said by params.yaml here, if there is one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from scgan_data import config, files, images
from scgan_data.crop import CropConfig, cut, find_faces
from scgan_data.cropped import Crop, Decision
from scgan_data.errors import CheckpointError, SourceError, printable
from scgan_data.images import UndecodableError
from scgan_data.records import MEANING, SELFIE, Reason
from scgan_data.terminal import console, progress, say
from scgan_model.checkpoint import Generators, load_generators
from scgan_model.export import FILE_NAME, Exported, load_exported

BATCH = 8
LONGEST_NAME = 200
"""Bytes of a picture's name that its cartoon keeps: with suffix, and as a file in writing, it fits into 255."""


@dataclass(frozen=True)
class Translated:
    """What became of one picture: the cartoon's file, or the reason why there is none."""

    picture: Path
    cartoon: Path | None
    reason: Reason | None = None
    detail: str = ""


def translate(
    model: Path, pictures: list[Path], out: Path, *, params: Path | None = None, overrides: Sequence[str] = ()
) -> list[Translated]:
    """Translate pictures and folders of pictures, and print what became of each that failed.

    The crop's settings are those that the model recorded, over section `crop` of `params`, under `overrides`. Raises
    CheckpointError for the model, ConfigError, and SourceError where a name is no file or folder, where a cartoon would
    take the place of one of the pictures, or where no picture worked.
    """
    files = list(_files(pictures, out))
    if not files:
        raise SourceError(f"there is no file in {', '.join(map(str, pictures))}: name pictures, or a folder of some")
    targets = [out / name for name in _names(files)]
    _spare(files, targets)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generators = _load(model, device)
    crop = _crop(model, generators.crop, params, overrides)
    if generators.crop is None:
        say(f"{model} does not say what its pictures were cropped with: the settings of here are taken")
    settings = crop.model_copy(update={"size_px": generators.config.load_px})
    done: list[Translated] = []
    with progress() as bar:
        task = bar.add_task("translate", total=len(files))
        for start in range(0, len(files), BATCH):
            part = files[start : start + BATCH]
            done += _batch(part, targets[start : start + BATCH], generators, settings, device)
            bar.update(task, completed=len(done))
    _say(done, out)
    reasons = [t.reason for t in done if t.reason]
    if len(reasons) == len(done):
        why = "; ".join(f"{MEANING[reason]} ({number})" for reason, number in Counter(reasons).most_common(3))
        raise SourceError(f"none of {len(done)} pictures gave a cartoon: {why}")
    return done


def _load(model: Path, device: torch.device) -> Generators | Exported:
    """A model's folder or checkpoint, or what `scgan export` made of one."""
    if model.suffix == ".safetensors" or (model / FILE_NAME).is_file():
        return load_exported(model, device)
    return load_generators(model, device)


def _crop(model: Path, recorded: dict[str, Any] | None, params: Path | None, overrides: Sequence[str]) -> CropConfig:
    try:
        CropConfig.model_validate(recorded or {})
    except ValidationError as error:
        key = ".".join(str(part) for part in error.errors()[0]["loc"])
        said = f"{model} was trained on pictures cropped with a setting that this version does not know (`crop.{key}`)"
        raise CheckpointError(f"{said}: translate with the version that trained it") from None
    return config.load(CropConfig, "crop", file=params, recorded=recorded or {}, overrides=overrides)


def _files(names: list[Path], out: Path) -> Iterator[Path]:
    within = out.resolve()
    for name in names:
        if name.is_dir():
            found = sorted(p for p in name.rglob("*") if p.is_file() and not p.name.startswith("."))
            yield from (p for p in found if within == name.resolve() or not p.resolve().is_relative_to(within))
        elif name.is_file():
            yield name
        else:
            raise SourceError(f"{name} is no file and no folder")


def _names(files: list[Path]) -> list[str]:
    """One file name a picture, repeated ones numbered; those that differ in case only are one file to some disks."""
    taken: set[str] = set()
    names = []
    for file in files:
        kept = _cut(file.stem)
        choices = chain([kept], (f"{kept}-{number}" for number in count(2)))
        stem = next(choice for choice in choices if choice.casefold() not in taken)
        taken.add(stem.casefold())
        names.append(f"{stem}.png")
    return names


def _cut(stem: str) -> str:
    whole = os.fsencode(stem)
    return stem if len(whole) <= LONGEST_NAME else whole[:LONGEST_NAME].decode(errors="ignore")


def _spare(files: list[Path], targets: list[Path]) -> None:
    """Raises SourceError where a cartoon would take the place of one of the photographs, or of another that lies where
    the cartoons go."""
    photographs = {file.resolve() for file in files}
    for file, target in zip(files, targets, strict=True):
        if target.resolve() in photographs:
            raise SourceError(f"the cartoon of {file} would take its place, or another picture's: name another --out")
        if target.exists() and not _may_be_a_cartoon(target):
            raise SourceError(f"the cartoon of {file} would replace {target}, which is none: name another --out")


def _may_be_a_cartoon(file: Path) -> bool:
    """Whether a file has the form of what an earlier run wrote: PNG, and a square with a power of two as its side."""
    try:
        with Image.open(file, formats=("PNG",)) as image:
            width, height = image.size
    except (OSError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False
    return width == height and not width & (width - 1)


def _batch(
    files: list[Path], targets: list[Path], generators: Generators | Exported, crop: CropConfig, device: torch.device
) -> list[Translated]:
    opened = [_open(file) for file in files]
    found = iter(find_faces([o for o in opened if isinstance(o, Image.Image)], SELFIE, crop))
    cuts = [cut(o, next(found), SELFIE, crop) if isinstance(o, Image.Image) else o for o in opened]
    squares = [c.image for c in cuts if isinstance(c, Crop)]
    cartoons = iter(to_cartoons(squares, generators, device)) if squares else iter(())
    return [_finish(file, target, c, cartoons) for file, target, c in zip(files, targets, cuts, strict=True)]


def _open(file: Path) -> Image.Image | UndecodableError:
    try:
        size = file.stat().st_size
        if size > images.MAX_BYTES:  # a film among the photographs: not to be read to find that out
            raise UndecodableError(Reason.TOO_MANY_BYTES, f"{size} bytes, limit {images.MAX_BYTES}")
        return images.load(file)
    except UndecodableError as error:
        return error
    except OSError as error:
        return UndecodableError(Reason.FILE_UNREADABLE, error.strerror or type(error).__name__)


def _finish(
    file: Path, target: Path, answer: Crop | Decision | UndecodableError, cartoons: Iterator[Image.Image]
) -> Translated:
    if isinstance(answer, Crop):
        files.write_bytes(target, images.encode_png(next(cartoons)))
        return Translated(file, target)
    if isinstance(answer, UndecodableError):
        return Translated(file, None, answer.reason, answer.detail)
    shown = "" if answer.value is None else f"{answer.value:.3g}, limit {answer.limit:.3g}"
    return Translated(file, None, answer.reason, shown)


@torch.inference_mode()
def to_cartoons(
    squares: list[Image.Image], generators: Generators | Exported, device: torch.device
) -> list[Image.Image]:
    """RGB squares of the side `load_px` through G_AB: their middles, as large as what it learnt from."""
    trained = generators.config
    low = (trained.load_px - trained.resolution_px) // 2
    middle = slice(low, low + trained.resolution_px)
    pixels = np.stack([np.asarray(square, np.float32)[middle, middle] for square in squares])
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device) / 127.5 - 1  # (B, 3, H, W) in [-1, 1]
    y = ((generators.g_ab(x).float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return [Image.fromarray(one) for one in y.permute(0, 2, 3, 1).cpu().numpy()]


def _say(done: list[Translated], out: Path) -> None:
    failed = [t for t in done if t.cartoon is None]
    if failed:
        view = Table(title="without a cartoon", title_justify="left")
        for column in ("picture", "reason", ""):
            view.add_column(column, overflow="fold")
        for t in failed:
            view.add_row(*(Text(printable(text)) for text in (str(t.picture), str(t.reason), t.detail)))
        console.print(view)
    say(f"{len(done) - len(failed)} of {len(done)} pictures translated into {out}")
