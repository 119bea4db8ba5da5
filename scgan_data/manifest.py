"""The manifest: one parquet table a stage, one row a picture, one schema (`schema`) for every stage.

In memory `path` is absolute; in the file it is relative to the manifest's own folder, so that a dataset can be moved,
pushed and imported. Rows are written in one canonical order (domain, source_url, id, path), so that two runs that
decided the same write the same bytes, whatever order their workers finished in.

A row's `id` is the sha256 of its file's bytes (of `url:` + its URL where no bytes came). It is no key of the table: the
same file offered at two URLs is two rows, and `dedup` rejects one of them. `crop` makes new pictures, one or several
of a row: its rows have the crop's `id` and the source's as `parent_id`, a rejected row keeps its own.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scgan_data import files
from scgan_data.errors import ManifestError, no_manifest
from scgan_data.records import Reason, Status
from scgan_data.schema import COLUMNS, SCHEMA

FILE_NAME = "manifest.parquet"
SUMMARY_NAME = "summary.json"

_ORDER = ["domain", "source_url", "id", "path"]


def table(rows: list[dict[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """Rows as a DataFrame of exactly the schema's columns and types; missing columns become nulls.

    Raises ManifestError for a column that the schema does not know.
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    unknown = sorted(set(map(str, frame.columns)) - set(COLUMNS))
    if unknown:
        raise ManifestError(f"columns that the manifest's schema does not have: {', '.join(unknown)}")
    frame = frame.reindex(columns=COLUMNS)
    arrays = [
        pa.array(frame[f.name].astype(object) if pa.types.is_list(f.type) else frame[f.name], f.type, from_pandas=True)
        for f in SCHEMA
    ]
    return _to_pandas(pa.Table.from_arrays(arrays, schema=SCHEMA))


def _to_pandas(arrow: pa.Table) -> pd.DataFrame:
    kinds = {pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = arrow.to_pandas(types_mapper=kinds.get)
    return frame


def write(folder: Path, rows: pd.DataFrame | Iterable[pd.DataFrame], *, home: Path | None = None) -> dict[str, Any]:
    """Write `manifest.parquet` and `summary.json` into `folder`, the manifest last; returns the summary.

    Rows that come in parts must be in the canonical order; no more than one part is held at a time. `home` is where the
    folder will lie once the stage is finished (default: `folder`): paths are made relative to it.
    """
    base = (home or folder).absolute()
    counts: dict[str, Any] = {}
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{FILE_NAME}.tmp"
    with pq.ParquetWriter(partial, SCHEMA, compression="zstd") as writer:
        for part in [in_order(rows)] if isinstance(rows, pd.DataFrame) else rows:
            relative = [None if pd.isna(p) else os.path.relpath(p, base) for p in part["path"]]
            named = table(part).assign(path=pd.Series(relative, index=part.index, dtype="str"))
            arrow = pa.Table.from_pandas(named, schema=SCHEMA, preserve_index=False)
            writer.write_table(arrow.replace_schema_metadata(None))
            counts = _added(counts, summary(part))
    files.write_json(folder / SUMMARY_NAME, counts)
    partial.replace(folder / FILE_NAME)
    return counts


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the schema in the manifest's canonical order."""
    return table(rows).sort_values(_ORDER, kind="stable", ignore_index=True)


def _added(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The sum of two summaries, in their order of keys."""
    added: dict[str, Any] = {}
    for domain in sorted({*one, *other}):
        here = [counts[domain] for counts in (one, other) if domain in counts]
        reasons = Counter({reason: 0 for part in here for reason in part["reasons"]})
        for part in here:
            reasons.update(part["reasons"])
        kept, rejected = (sum(part[name] for part in here) for name in ("kept", "rejected"))
        added[domain] = {"kept": kept, "rejected": rejected, "reasons": dict(sorted(reasons.items()))}
    return added


def read(folder: Path) -> pd.DataFrame:
    """A finished stage's rows, with absolute paths.

    Raises ManifestError where the folder has no manifest, or a damaged or foreign one.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        raise no_manifest(folder, FILE_NAME)
    try:
        arrow = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise ManifestError(f"{file} cannot be read ({error}); run the stage that writes it again") from error
    try:
        rows = table(_without_retired(_to_pandas(arrow)))
    except ManifestError as error:
        raise ManifestError(f"{file}: {error}; is it a stage's, of this version?") from None
    if lacking := [field.name for field in SCHEMA if not field.nullable and field.name not in arrow.column_names]:
        raise ManifestError(f"{file} has no column {', '.join(lacking)}; is it a stage's, of this version?")
    base = str(folder.absolute())
    rows["path"] = [None if pd.isna(p) else os.path.normpath(os.path.join(base, p)) for p in rows["path"]]  # noqa: PTH118
    return rows


def _without_retired(rows: pd.DataFrame) -> pd.DataFrame:
    """What datasets of before had under another name: `crop_xyxy`, the box of an upright crop, is its `crop_quad`."""
    if "crop_xyxy" not in rows:
        return rows
    boxes = rows.pop("crop_xyxy")
    quads = [None if b is None else [b[0], b[1], b[0], b[3], b[2], b[3], b[2], b[1]] for b in boxes]
    return rows.assign(crop_quad=pd.Series(quads, rows.index, dtype=object))


def kept(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that no stage has rejected."""
    return rows[rows["status"] == Status.KEPT]


def reject(
    rows: pd.DataFrame, where: pd.Series[bool], reason: Reason, *, stage: str, value: Any = None, limit: Any = None
) -> pd.DataFrame:
    """A copy of `rows` in which the still-kept rows of the mask `where` carry the decision.

    `value` and `limit` are scalars or columns aligned with `rows`.
    """
    rows = rows.copy()
    hit = where.fillna(False).astype(bool) & (rows["status"] == Status.KEPT)
    rows.loc[hit, "status"] = Status.REJECTED.value
    rows.loc[hit, "rejected_by"] = stage
    rows.loc[hit, "reason"] = reason.value
    for name, given in (("value", value), ("limit", limit)):
        if given is not None:
            rows.loc[hit, name] = given[hit] if isinstance(given, pd.Series) else float(given)
    return rows


def decide(rows: pd.DataFrame, stage: str) -> pd.DataFrame:
    """A copy of `rows` in which `stage` rejects every still-kept row that a per-image function gave a `reason`."""
    rows = rows.copy()
    hit = rows["reason"].notna() & (rows["status"] == Status.KEPT)
    rows.loc[hit, "status"] = Status.REJECTED.value
    rows.loc[hit, "rejected_by"] = stage
    return rows


def check_complete(before: pd.DataFrame, after: pd.DataFrame, stage: str) -> None:
    """Every row's id goes out, as an id or as the parent of a crop, as often as it came. Raises ManifestError."""
    there = after["id"].value_counts()
    others = after["parent_id"].where(after["parent_id"] != after["id"]).value_counts()
    counts = before["id"].value_counts()
    lost = counts - there.add(others, fill_value=0).reindex(counts.index, fill_value=0)
    if (lost > 0).any() or len(after) < len(before):
        names = sorted(lost.index[lost > 0])
        raise ManifestError(
            f"{stage} lost {max(len(before) - len(after), len(names))} rows, among them {names[:3]}: a bug; report it"
        )


def summary(rows: pd.DataFrame) -> dict[str, Any]:
    """Counts by domain: kept, and rejected by reason. Stable key order, for `dvc metrics diff`."""
    counts: dict[str, Any] = {}
    for domain, part in rows.groupby("domain", sort=True):
        rejected = part[part["status"] == Status.REJECTED]
        reasons = {str(k): int(n) for k, n in sorted(rejected["reason"].value_counts().items())}
        counts[str(domain)] = {"kept": len(part) - len(rejected), "rejected": len(rejected), "reasons": reasons}
    return counts
