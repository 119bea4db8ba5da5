"""match: its figures are those of the textbook, and nothing but what they say is in them."""

import numpy as np
import pandas as pd
import pytest
from skimage import color

from scgan_data import manifest
from scgan_data.matching import joint, measure, statistics
from scgan_data.matching.framing import framing
from scgan_data.matching.quantities import BY_NAME, FRAMING, QUANTITIES, Kind
from scgan_data.matching.statistics import Light
from scgan_data.pose import DEPTH
from tests.data.two_domains import FACE


def test_a_spread_is_seen_as_well_as_a_shift() -> None:
    rng = np.random.default_rng(0)
    both_ways = rng.normal(0, 20, 200)
    one = statistics.difference(both_ways, rng.normal(0, 2, 200), tolerance=2.0, name="yaw_deg")
    assert one is not None and one.shift == "narrower" and one.light is Light.RED
    assert abs(statistics.auc(both_ways, rng.normal(0, 4, 200)) - 0.5) < 0.1


def test_intervals_hold_the_truth() -> None:
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        tell = statistics.tell_of(rng.normal(0, 1, 40), rng.normal(1, 1, 60), rng)
        hits += tell.low <= 0.7602 <= tell.high  # the area of two unit normals one apart
    assert hits >= 57


def test_the_figures_are_those_of_the_textbook() -> None:
    from scipy import stats

    rng = np.random.default_rng(5)
    one, two = rng.normal(0, 1, 90), rng.normal(0.4, 2, 140)
    assert statistics.wasserstein(one, two) == pytest.approx(stats.wasserstein_distance(one, two))
    assert statistics.kolmogorov_smirnov(one, two) == pytest.approx(stats.ks_2samp(one, two).statistic)
    u = stats.mannwhitneyu(two, one).statistic
    assert statistics.auc(one, two) == pytest.approx(u / len(one) / len(two))
    assert statistics.auc(np.array([1.0, 2.0]), np.array([2.0, 2.0])) == 0.75  # ties count half
    rgb = rng.integers(0, 256, (50, 3), dtype=np.uint8)
    assert np.abs(measure.to_lab(rgb) - color.rgb2lab(rgb[None])[0]).max() < 0.02


def test_angles_turn_with_the_head_and_not_with_its_tilt() -> None:
    turned = {
        yaw: FACE + np.array([[0, 0]] * 2 + [[DEPTH * np.tan(np.radians(yaw)), 0]] + [[0, 0]] * 2) for yaw in (-30, 20)
    }
    tilt = np.radians(15)
    rotate = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    faces = [turned[-30], turned[20], turned[20] @ rotate]
    rows = manifest.table(
        [
            {
                "id": str(n),
                "domain": "selfie",
                "status": "kept",
                "width": 10,
                "height": 10,
                "landmarks": face.ravel().tolist(),
            }
            for n, face in enumerate(faces)
        ]
        + [{"id": "none", "domain": "selfie", "status": "kept", "width": 10, "height": 10}]
    )
    found = framing(rows)
    assert found["yaw_deg"].tolist()[:3] == pytest.approx([-30, 20, 20], abs=0.01)
    assert found["roll_deg"].tolist()[:3] == pytest.approx([0, 0, 15], abs=0.01)
    assert found["face_scale"].tolist()[:3] == pytest.approx([0.1] * 3, rel=0.001)
    assert found.loc[3, list(FRAMING)].isna().all()


def test_a_joint_fit_gives_no_odds_to_what_it_cannot_see() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(0, 1, (120, len(FRAMING))), columns=list(FRAMING))
    table["id"], table["domain"] = [f"{n:03d}" for n in range(120)], ["selfie", "ink"] * 60
    _, names = joint.usable(table)
    assert names == FRAMING and abs(joint.joint(table).tell.auc - 0.5) < 0.15
    table.loc[table["domain"] == "ink", "padding"] = np.nan
    assert "padding" not in joint.usable(table)[1]
    assert joint.usable(table.assign(yaw_deg=1.0))[1] == tuple(n for n in FRAMING if n not in ("yaw_deg", "padding"))


def test_every_quantity_says_what_it_teaches() -> None:
    assert {q.kind for q in QUANTITIES} == set(Kind) and len(BY_NAME) == len(QUANTITIES)
    assert all(q.tolerance > 0 and q.learns and q.remedy for q in QUANTITIES)
