"""The order of the data stages, and what running one means: read the manifest, load the section, call, write.

A stage is one module with `run`, a `…Config`, and `MODULES` (the sources that decide its results; dvc.yaml's deps).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from scgan_data import config, manifest, show
from scgan_data.errors import ManifestError, ScganError, StoppedError
from scgan_data.records import Origin
from scgan_data.stage import CROP_FILE, StageFolder, link, open_stage
from scgan_data.terminal import console

STAGES = ("collect", "dedup", "filter", "crop", "annotate", "dataset")
AFTER_CROP = STAGES[4:]


def module_of(stage: str) -> ModuleType:
    """A stage's module."""
    return importlib.import_module(f"scgan_data.{stage}")


def config_class(stage: str) -> type[config.Config]:
    """The pydantic model of a stage's section: `CropConfig` in `crop`."""
    model: type[config.Config] = getattr(module_of(stage), f"{stage.capitalize()}Config")
    return model


def run_stage(
    stage: str,
    src: Path | None,
    dst: Path,
    *,
    params: Path | None = None,
    overrides: Sequence[str] = (),
    workers: int | None = None,
) -> None:
    """Run one stage from one folder to another.

    Raises ScganError. Stopped by Ctrl-C it raises StoppedError, finished work being kept.
    """
    settings = config.load(config_class(stage), stage, file=params, overrides=overrides)
    run_configured(stage, settings, src, dst, styles=config.read_params(params).get("styles") or (), workers=workers)


def run_configured(
    stage: str,
    settings: config.Config,
    src: Path | None,
    dst: Path,
    *,
    styles: Sequence[str] = (),
    workers: int | None = None,
    **options: Any,
) -> None:
    """`run_stage` with a configuration in hand, and options of the stage's own. `collect` has no source folder.

    `dedup` also takes a folder of pictures that has no manifest. `styles` may be named in the settings though no row is
    of them. Raises ScganError for a `dst` that holds something else than a stage's results: it is replaced whole.
    """
    run = module_of(stage).run
    is_bare = stage == "dedup" and src is not None and src.is_dir() and not (src / manifest.FILE_NAME).exists()
    before = manifest.read(src) if src and not is_bare else None
    _refuse_loss(dst.absolute(), src, before)
    if before is not None:
        _refuse_early(stage, before, src)
    with open_stage(stage, dst) as folder:
        try:
            if is_bare and src:
                before = _bare_rows(settings, src, folder, workers)
            if before is None:
                decided = folder.commit(_some(run(settings, folder, workers=workers, **options)))
                said = show.sums(decided)
            else:
                config.check_domains(settings, stage, [*before["domain"].unique(), *styles])
                after = manifest.table(run(before, settings, folder, workers=workers, **options))
                manifest.check_complete(before, after, stage)
                if stage in AFTER_CROP and src:
                    _hand_on(src, folder)
                folder.commit(after)
                decided, said = show.own(stage, before, after, dst)
        except FileNotFoundError as error:
            if before is None or error.filename not in set(before["path"]):
                raise
            raise ManifestError(
                f"{error.filename} is gone, which {src} names: run the stage that wrote it again"
            ) from None
        except KeyboardInterrupt:
            raise StoppedError(f"{stage} stopped; finished work is kept, the same command goes on from here") from None
    if decided:
        console.print(show.table(decided, f"{stage} → {dst}"))
    console.print(f"{stage}: {said}", soft_wrap=True, markup=False)


def _hand_on(src: Path, folder: StageFolder) -> None:
    """What the pictures were cropped with, where that is known."""
    (folder.extras / CROP_FILE).unlink(missing_ok=True)
    if (src / CROP_FILE).is_file():
        link(src / CROP_FILE, folder.extras / CROP_FILE)


def _some(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The parts. Raises ScganError where they hold no row: the folder stays as it is."""
    count = 0
    for part in parts:
        count += len(part)
        yield part
    if not count:
        raise ScganError("collect: nothing was found: the sources name no picture")


def _refuse_early(stage: str, before: pd.DataFrame, src: Path | None) -> None:
    """Raises ScganError where a stage is given pictures of too early a stage, or crops where it reads whole pictures.

    A detector that sees regions leaves boxes of its own: a score of the boxes is what says that `annotate` was there.
    """
    kept = manifest.kept(before)
    if stage in ("filter", "crop") and len(kept) and kept["crop_quad"].notna().all():
        raise ScganError(f"{src}: its pictures are crops already; {stage} reads what comes before `scgan-data crop`")
    if stage in ("annotate", "dataset") and len(kept) and kept["crop_quad"].isna().all():
        raise ScganError(f"{src}: its pictures are not cropped; {stage} reads what comes after `scgan-data crop`")
    boxed = kept["regions_score"].notna() | (kept["regions_origin"].fillna(Origin.DETECTOR) != Origin.DETECTOR)
    if stage == "dataset" and len(kept) and not boxed.any():
        raise ScganError(f"{src}: no picture has a box; dataset reads what `scgan-data annotate` wrote")


def _refuse_loss(dst: Path, src: Path | None, before: pd.DataFrame | None) -> None:
    """Raises ScganError where replacing `dst` would delete what is no stage's, or what is to be read."""
    if src is not None and dst.resolve() == src.resolve():
        raise ScganError(f"{dst} is what is to be read, and would be replaced whole: name another folder to write")
    ours = (dst / manifest.FILE_NAME).is_file()
    if not ours and (dst.is_file() or (dst.is_dir() and any(dst.iterdir()))):
        raise ScganError(f"{dst} is no stage's folder, and would be replaced whole: name another")
    inside = f"{os.path.normpath(dst)}{os.sep}"
    if ours and before is not None and before["path"].dropna().str.startswith(inside).any():
        raise ScganError(f"{dst} holds the pictures that are to be read, and would be replaced whole: name another")


def _bare_rows(settings: config.Config, src: Path, folder: StageFolder, workers: int | None) -> pd.DataFrame:
    from scgan_data import bare, dedup

    assert isinstance(settings, dedup.DedupConfig)
    return bare.rows(src, settings.bare, folder, workers=workers)


def preview(settings: config.Config, dst: Path) -> None:
    """Print what `collect` would ask for, by query and host; the folder stays as it is."""
    from scgan_data import collect, yields

    assert isinstance(settings, collect.CollectConfig)
    with open_stage("collect", dst) as folder:
        table = collect.dry_run(settings, folder)
    totals = yields.totals(table)
    console.print(totals.by_query())
    console.print(totals.by_host())
    console.print(f"{len(table)} found; nothing was asked for but what names them")
