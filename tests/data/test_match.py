"""match: equal domains are quiet, and each change lights its own quantity."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter
from skimage import color

from scgan_data.matching.match import match_style
from scgan_data.matching.quantities import BY_NAME
from scgan_data.matching.statistics import Light
from scgan_data.matching.table import TABLE
from tests.data.two_domains import domain_rows, lit, looked_at


@pytest.fixture(scope="module")
def selfies(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    return domain_rows(tmp_path_factory.mktemp("selfies"), "selfie", 80, seed=1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_domains_of_one_kind_have_no_light(tmp_path: Path, selfies: list[dict], seed: int) -> None:
    found = looked_at(tmp_path, selfies + domain_rows(tmp_path, "ink", 80, seed=seed))
    assert lit(found) == set()
    assert found.joint is not None and found.joint.tell.low < 0.6 and abs(found.joint.tell.auc - 0.5) < 0.15
    assert "no difference of framing is sure" in found.verdict


@pytest.mark.parametrize(
    ("moved", "expected", "shift"),
    [
        ({"scale": 1.12}, {"face_scale"}, "higher"),
        ({"down": -0.05}, {"eyes_y"}, "lower"),
        ({"yaw": 25.0}, {"yaw_deg"}, "higher"),
    ],
)
def test_another_framing_lights_exactly_its_quantity(
    tmp_path: Path, selfies: list[dict], moved: dict, expected: set[str], shift: str
) -> None:
    found = looked_at(tmp_path, selfies + domain_rows(tmp_path, "ink", 80, seed=1, **moved))
    assert lit(found) == expected
    (name,) = expected
    assert found.differences[name].shift == shift and name in found.joint.leans_on
    assert found.joint.tell.light in (Light.AMBER, Light.RED)
    assert BY_NAME[name].learns in found.advice(name) and "ink is" in found.advice(name)


def redder(picture: Image.Image) -> Image.Image:
    lab = color.rgb2lab(np.asarray(picture))
    lab[..., 1] += 12
    return Image.fromarray((color.lab2rgb(lab) * 255).round().astype(np.uint8))


def white_sides(picture: Image.Image) -> Image.Image:
    pixels = np.asarray(picture).copy()
    pixels[:40, :11] = pixels[:40, -11:] = 128
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("change", "expected", "possible"),
    [
        (lambda p: p.filter(ImageFilter.GaussianBlur(1.5)), {"sharpness"}, set()),
        (redder, {"red_green"}, {"chroma", "background_chroma"}),
        (white_sides, {"background_plain"}, {"background_lightness", "background_chroma", "chroma", "contrast"}),
    ],
)
def test_other_pictures_light_what_was_changed(
    tmp_path: Path, selfies: list[dict], change, expected: set[str], possible: set[str]
) -> None:
    found = looked_at(tmp_path, selfies + domain_rows(tmp_path, "ink", 80, seed=1, change=change))
    assert expected <= lit(found) <= expected | possible
    assert found.joint.tell.light is Light.GREEN, "colours are no part of framing"


def test_portraits_kept_whole_vary_by_the_detector_and_are_not_to_be_cut_for_it() -> None:
    rng = np.random.default_rng(1)
    scales = {"selfie": rng.normal(0.217, 0.001, 60), "ink": rng.normal(0.217, 0.03, 60)}
    table = pd.DataFrame(
        [{"id": f"{d}{n}", "domain": d, "face_scale": v} for d in scales for n, v in enumerate(scales[d])]
    )
    table = table.reindex(columns=list(TABLE)).assign(whole=False)
    found = match_style(table, "ink")
    assert found.differences["face_scale"].shift == "wider" and "--fix rebalance" in found.advice("face_scale")
    found = match_style(table.assign(whole=table["domain"] == "ink"), "ink")
    assert found.whole == 60 and "the detector errs" in found.advice("face_scale")


def test_five_pictures_give_wide_intervals_and_no_light(tmp_path: Path, selfies: list[dict]) -> None:
    found = looked_at(tmp_path, selfies[:5] + domain_rows(tmp_path, "ink", 5, seed=4, scale=1.4))
    assert lit(found) == set() and found.joint is None
    scale = found.differences["face_scale"]
    assert scale.tell.auc == 1 and scale.tell.low < 0.75 and found.advice("face_scale") == "too few pictures to say"
    widths = [d.tell.high - d.tell.low for d in found.differences.values()]
    assert np.median(widths) > 0.4


def test_breakers_are_outside_the_other_domain_the_worst_first(tmp_path: Path, selfies: list[dict]) -> None:
    rows = selfies + domain_rows(tmp_path, "ink", 80, seed=1, scale=1.12)
    found = looked_at(tmp_path, rows)
    broken = found.breakers["face_scale"]
    values = {domain: [b.value for b in broken if b.domain == domain] for domain in ("selfie", "ink")}
    assert len(values["ink"]) > 10 and min(values["ink"]) > 1 / 4.6
    beyond = [b.beyond for b in broken]
    assert beyond == sorted(beyond, reverse=True) and beyond[-1] > 0
    assert all(b.path and Path(b.path).is_file() for b in broken)
    mine = {r["id"] for r in rows}
    assert {b.id for b in broken} <= mine and len({(b.id, b.domain) for b in broken}) == len(broken)
