"""The sample site: the same bytes for the same seed, marks that a person sees, a score that counts what it should."""

from __future__ import annotations

import hashlib
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pandas as pd
import pytest
import requests
from PIL import Image

from scgan_data import files, manifest
from scgan_data.crop import CropConfig, find_faces, formula
from scgan_data.landmarks import head_scale
from scgan_data.matching.quantities import BY_NAME
from scgan_data.records import Reason
from scgan_data.sample import plants, portraits, server, site, watermarks
from scgan_data.sample.plants import Kind, Plants
from scgan_data.sample.score import EXPECTED, NEVER_REQUESTED, score
from scgan_data.sources.sample import SampleSource, build

FEW = Plants(
    exact_copies=2,
    near_copies=5,
    watermarked=3,
    faceless=2,
    several_faces=2,
    small=1,
    blurred=1,
    truncated=2,
    not_images=3,
    disallowed=1,
    behind_disallowed_page=1,
    noai=1,
    not_found=1,
    always_429=1,
    first_429=1,
)
SMALL = SampleSource(seed=3, selfies=8, portraits=8, plants=FEW)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(SMALL, tmp_path_factory.mktemp("site"))


def contents(folder: Path) -> dict[str, str]:
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f.name != server.REQUESTS)
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(built: Path, tmp_path: Path) -> None:
    again = build(SMALL, tmp_path / "again")
    assert contents(again) == contents(built)
    assert build(SMALL, tmp_path / "again") == again
    other = build(SMALL.model_copy(update={"seed": 4, "selfies": 0}), tmp_path / "other")
    assert json.loads((other / "truth.json").read_text()) != json.loads((built / "truth.json").read_text())


def test_everything_that_was_asked_for_is_planted(built: Path) -> None:
    truth = pd.DataFrame(site.read_truth(built))
    counts = truth.groupby(["domain", "kind"]).size()
    for domain in ("selfie", "avataaars"):
        assert counts[domain, Kind.CLEAN] == 8
        assert counts[domain, Kind.NEAR_COPY] == 5
        assert counts[domain, Kind.DISALLOWED_PAGE] == 1
    assert counts["selfie", Kind.FACELESS] == 2 and ("avataaars", Kind.FACELESS) not in counts.index
    assert set(truth["kind"]) == set(Kind)
    originals = set(truth.loc[truth["kind"] == Kind.CLEAN, "url"])
    copied = truth["of"].dropna()
    assert set(copied) <= originals and copied.is_unique
    details = truth.loc[truth["kind"] == Kind.NEAR_COPY, "detail"].str.split().str[0]
    assert set(details) == {"resized", "recompressed,", "cropped", "brightened", "darkened"}


def test_the_server_behaves_as_its_routes_say(built: Path) -> None:
    truth = pd.DataFrame(site.read_truth(built))
    path = {k: u.removeprefix(f"http://{server.HOST}") for k, u in zip(truth["kind"], truth["url"], strict=True)}
    with server.serve(built) as port, requests.Session() as session:

        def get(name: str, **headers: str) -> requests.Response:
            return session.get(f"http://127.0.0.1:{port}{path[name]}", headers=headers, timeout=10)

        clean = get(Kind.CLEAN)
        assert (clean.status_code, clean.headers["Content-Type"]) == (200, "image/png")
        assert get(Kind.CLEAN, **{"If-None-Match": clean.headers["ETag"]}).status_code == 304
        assert get(Kind.NOT_FOUND).status_code == 404
        assert [get(Kind.FIRST_429).status_code for _ in range(2)] == [429, 200]
        assert [get(Kind.ALWAYS_429).status_code for _ in range(2)] == [429, 429]
        assert get(Kind.NOAI).headers["X-Robots-Tag"] == "noai, noimageai"
    after = {entry["url"]: entry["requested"] for entry in site.read_truth(built)}
    assert after[f"http://{server.HOST}{path[Kind.CLEAN]}"] == 2
    assert after[f"http://{server.HOST}{path[Kind.DISALLOWED]}"] == 0


def test_portraits_are_distinct_drawings_that_fill_the_square() -> None:
    drawn = list(portraits.portraits(12, 1))
    assert {image.size for image in drawn} == {(220, 220)}
    assert len({image.tobytes() for image in drawn}) == 12
    assert len({str(imagehash.phash(image, hash_size=16)) for image in drawn}) == 12
    again = list(portraits.portraits(12, 1))
    assert [image.tobytes() for image in drawn] == [image.tobytes() for image in again]


def test_portraits_are_framed_as_the_selfies_are_cropped() -> None:
    drawn, config = list(portraits.portraits(24, 2)), CropConfig()
    found = [max(faces, key=lambda face: face.score) for faces in find_faces(drawn, "avataaars", config) if faces]
    assert len(found) >= 22
    eyes = np.median([face.landmarks[:2].mean(0) for face in found], axis=0) / 220
    scale = np.median([head_scale(face.landmarks) for face in found]) / 220
    side_factor, eyes_at = formula(config, "selfie")
    half = {name: BY_NAME[name].tolerance / 2 for name in ("eyes_x", "eyes_y")}
    assert eyes[0] == pytest.approx(0.5, abs=half["eyes_x"]) and eyes[1] == pytest.approx(eyes_at, abs=half["eyes_y"])
    # By the drawings' own eyes the scale is .214 (default) or .241 (happy, side), by the detector's .204: it sets them
    # nearer than they are drawn, so what it says is no reason to draw them larger.
    assert scale == pytest.approx(1 / side_factor, abs=0.015)


@pytest.mark.parametrize("name", watermarks.MARKS)
@pytest.mark.parametrize("shade", [30, 128, 225])
def test_a_mark_is_visible_on_any_ground(name: str, shade: int) -> None:
    plain = Image.new("RGB", (178, 218), (shade, shade, shade))
    for seed in range(6):
        marked = watermarks.MARKS[name](plain, np.random.default_rng(seed))
        change = np.abs(np.asarray(marked, dtype=float) - shade).max(axis=-1)
        assert marked.size == plain.size
        assert (change > 40).mean() > 0.008, f"{name}, seed {seed}: hardly anything is drawn"
        assert (change > 10).mean() < 0.5, f"{name}, seed {seed}: the picture is covered"


def test_near_copies_are_what_they_say() -> None:
    rng = np.random.default_rng(0)
    data = plants.encode("avataaars", next(portraits.portraits(1, 5)))
    pool = iter([data] * 200)
    items = plants.plant("avataaars", pool, 60, Plants(exact_copies=0, near_copies=60), rng)
    for item in items:
        if item.kind == Kind.NEAR_COPY and item.detail and item.detail.startswith("cropped"):
            with Image.open(BytesIO(item.data)) as image:
                assert min(image.size) > 0.91 * 220 and max(image.size) < 0.97 * 220


def rows_for(truth: list[dict[str, Any]], found: bool) -> pd.DataFrame:
    """Rows as a perfect pipeline, or one that rejects nothing, would leave them."""
    rows = []
    for entry in truth:
        kind = Kind(entry["kind"])
        if kind == Kind.BEHIND_DISALLOWED_PAGE:
            continue
        reason = EXPECTED[kind][0] if found and kind in EXPECTED else None
        rows.append(
            {
                "id": files.id_of_url(entry["url"]),
                "domain": entry["domain"],
                "source_url": entry["url"],
                "status": "kept" if reason is None else "rejected",
                "reason": reason,
            }
        )
    return manifest.table(rows)


def test_a_perfect_chain_scores_all_and_an_idle_one_nothing(built: Path) -> None:
    truth = [entry | {"requested": 0} for entry in site.read_truth(built)]
    perfect = score(truth, rows_for(truth, found=True)).set_index("kind")
    planted = perfect[~perfect.index.str.startswith("clean")]
    assert (planted["found"] == planted["planted"]).all()
    assert (perfect.loc[perfect.index.str.startswith("clean"), "found"] == 0).all()
    idle = score(truth, rows_for(truth, found=False)).set_index("kind")
    assert set(idle.index[idle["found"] > 0]) == {Kind.FIRST_429, Kind.BEHIND_DISALLOWED_PAGE}


def test_either_of_a_pair_may_go_but_not_both(built: Path) -> None:
    truth = [entry | {"requested": 0} for entry in site.read_truth(built)]
    rows = rows_for(truth, found=False)
    copy = next(entry for entry in truth if entry["kind"] == Kind.EXACT_COPY and entry["domain"] == "selfie")

    def line(kind: str) -> int:
        table = score(truth, rows)
        return int(table.loc[(table["kind"] == kind) & (table["domain"] == "selfie"), "found"].iloc[0])

    original = rows["source_url"] == copy["of"]
    rows = manifest.reject(rows, original, Reason.SAME_BYTES, stage="dedup")
    assert (line("exact_copy"), line("clean: dropped as copies")) == (1, 0)
    rows = manifest.reject(rows, rows["source_url"] == copy["url"], Reason.SAME_BYTES, stage="dedup")
    assert line("clean: dropped as copies") == 1


def test_a_request_for_what_is_disallowed_is_counted_against_us(built: Path) -> None:
    truth = [entry | {"requested": int(entry["kind"] in NEVER_REQUESTED)} for entry in site.read_truth(built)]
    table = score(truth, rows_for(truth, found=True)).set_index("kind")
    assert (table.loc[list(NEVER_REQUESTED), "found"] == 0).all()
