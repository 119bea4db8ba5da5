"""What the data stages decided, read from their folders: the funnel by stage and domain, the facts of the dataset."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from scgan_data import manifest
from scgan_data.records import SELFIE, Reason, Status

STAGES = ("collect", "dedup", "filter", "crop", "annotate", "dataset")


@dataclass(frozen=True)
class Step:
    """What one stage did to one domain."""

    stage: str
    domain: str
    came: int
    kept: int
    rejected: dict[Reason, int]
    """By this stage, most frequent first."""


@dataclass(frozen=True)
class Origin:
    """Where a part of the dataset came from."""

    domain: str
    source: str
    license: str
    pictures: int
    authors: int


def read_stages(data: Path) -> dict[str, pd.DataFrame]:
    """The manifests of the finished stages in `data`, in the order of the chain: `data/01_collect`, ..."""
    folders = {stage: data / f"{number:02d}_{stage}" for number, stage in enumerate(STAGES, 1)}
    return {s: manifest.read(folder) for s, folder in folders.items() if (folder / manifest.FILE_NAME).is_file()}


def domains_of(rows: pd.DataFrame) -> list[str]:
    """The domains of a manifest, selfies first."""
    return sorted(map(str, rows["domain"].unique()), key=lambda domain: (domain != SELFIE, domain))


def funnel(stages: dict[str, pd.DataFrame]) -> dict[str, list[Step]]:
    """The steps of each domain, selfies first."""
    if not stages:
        return {}
    domains = domains_of(pd.concat([rows[["domain"]] for rows in stages.values()]))
    return {domain: _steps_of(domain, stages) for domain in domains}


def _steps_of(domain: str, stages: dict[str, pd.DataFrame]) -> list[Step]:
    steps: list[Step] = []
    for stage, rows in stages.items():
        mine = rows[rows["domain"] == domain]
        by_me = mine[(mine["status"] == Status.REJECTED) & (mine["rejected_by"] == stage)]
        rejected = {Reason(r): n for r, n in Counter(by_me["reason"].dropna()).most_common()}
        came = steps[-1].kept if steps else len(mine)
        steps.append(Step(stage, domain, came, len(manifest.kept(mine)), rejected))
    return steps


def origins(rows: pd.DataFrame) -> list[Origin]:
    """The kept rows by domain, source and licence."""
    kept = manifest.kept(rows).assign(
        source=lambda r: r["source"].fillna("unknown"), license=lambda r: r["license"].fillna("not stated")
    )
    return [
        Origin(str(domain), str(source), str(license_), len(part), part["author"].nunique())
        for (domain, source, license_), part in kept.groupby(["domain", "source", "license"], sort=True)
    ]


def split_counts(rows: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Pictures by (domain, split) of the dataset stage's kept rows."""
    kept = manifest.kept(rows).dropna(subset=["split"])
    return {(str(d), str(s)): len(part) for (d, s), part in kept.groupby(["domain", "split"], sort=True)}
