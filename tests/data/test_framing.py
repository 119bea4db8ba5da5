"""Presets as published, the transform and its inverse, what lies outside, poses of a head that is known."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scgan_data import framing, pose
from scgan_data.framing import Frame
from scgan_data.landmarks import head_scale

CASES = Path(__file__).parents[3] / "shared" / "cases" / "faces"
FRAMES = [Frame(preset, level) for preset in framing.LEVEL for level in (None, True, False)]
PLACE = st.floats(-3000, 3000)
MARKS = st.tuples(PLACE, PLACE, st.floats(8, 900), st.floats(-180, 180), st.floats(0.5, 1.8)).map(
    lambda given: turned(face(given[2], given[4]), given[3]) + np.array(given[:2])
)


def face(eyes: float = 100.0, mouth: float = 1.0) -> np.ndarray:
    """Five points seen from the front, the eyes' middle at the origin."""
    return eyes * np.array([[-0.5, 0], [0.5, 0], [0, 0.57 * mouth], [-0.4, mouth], [0.4, mouth]])


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    """Clockwise on the screen, about the origin."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return points @ np.array([[c, s], [-s, c]])


def box_around(marks: np.ndarray) -> tuple[float, ...]:
    s = head_scale(marks)
    return (*(marks.min(0) - 0.5 * s), *(marks.max(0) + 0.6 * s))


def quad(frame: Frame, marks: np.ndarray) -> np.ndarray:
    return framing.quad_of(frame, marks, box_around(marks))


@given(MARKS, st.sampled_from(FRAMES), st.integers(16, 1024))
def test_every_preset_is_a_square_and_its_transform_has_an_inverse(marks, frame: Frame, px: int) -> None:
    corners, size = quad(frame, marks), (px, px)
    edges = np.roll(corners, -1, axis=0) - corners
    side = framing.side_of(corners)
    assert np.allclose(np.hypot(*edges.T), side, rtol=1e-9) and abs(edges[0] @ edges[1]) < 1e-6 * side**2
    assert edges[0][0] * edges[1][1] - edges[0][1] * edges[1][0] < 0, "not mirrored"
    there = framing.to_crop(marks, corners, size)
    assert np.abs(framing.to_parent(there, corners, size) - marks).max() < 1e-6
    assert np.allclose(framing.to_crop(corners, corners, size), [[0, 0], [0, px], [px, px], [px, 0]], atol=1e-6)


@given(MARKS, st.sampled_from(FRAMES))
def test_a_box_goes_there_and_back(marks, frame: Frame) -> None:
    corners, size, box = quad(frame, marks), (256, 256), box_around(marks)
    there = framing.box_to_crop(box, corners, size)
    back = framing.box_to_parent(there, corners, size)
    around = (back[0] <= box[0] + 1e-6, back[1] <= box[1] + 1e-6, back[2] >= box[2] - 1e-6, back[3] >= box[3] - 1e-6)
    assert all(around), "what was in the box still is"
    if framing.box_of_quad(corners) is not None:
        assert np.allclose(back, box, atol=1e-6)
    x0, y0, x1, y1 = framing.box_to_crop(box, corners, size, clip=True)
    assert 0 <= x0 <= x1 <= 256 and 0 <= y0 <= y1 <= 256


@given(MARKS, st.sampled_from(FRAMES), st.integers(-40, 40), st.integers(-40, 40))
def test_the_square_moves_with_the_face(marks, frame: Frame, dx: int, dy: int) -> None:
    one, two = quad(frame, marks), quad(frame, marks + np.array([dx, dy]))
    assert np.abs(two - one - [dx, dy]).max() <= 1.001


@given(MARKS, st.sampled_from([f for f in FRAMES if f.level or (f.level is None and framing.LEVEL[f.preset])]))
def test_a_level_square_has_the_eyes_level(marks, frame: Frame) -> None:
    seen = framing.to_crop(marks, quad(frame, marks), (100, 100))
    assert abs(seen[1, 1] - seen[0, 1]) < 1e-6 * 100 and seen[1, 0] > seen[0, 0]


def test_shoulder_is_what_it_was() -> None:
    marks = np.array([[204.3, 101.2], [247.1, 103.4], [224.0, 126.9], [205.7, 141.1], [244.2, 141.8]])
    assert framing.shoulder_square(marks, 4.6, 0.42) == (127, 20, 324, 217)
    assert framing.box_of_quad(quad(Frame(), marks)) == (127, 20, 324, 217)


def test_shoulder_holds_what_the_docstring_says() -> None:
    corners = quad(Frame(), face() + 1000)
    top, bottom = (corners[0, 1] - 1000) / 100, (corners[1, 1] - 1000) / 100
    assert (round(top, 2), round(bottom, 2)) == (-1.93, 2.67)
    level = framing.to_crop(turned(face(), 20), quad(Frame(level=True), turned(face(), 20)), (100, 100))
    assert np.allclose(level[:2, 1], 42) and np.allclose(level[:, 0].mean(), 50)


@given(MARKS)
def test_ffhq_is_the_published_formula(marks) -> None:
    eyes, mouth = (marks[0] + marks[1]) / 2, (marks[3] + marks[4]) / 2
    across, down = marks[1] - marks[0], mouth - eyes
    c, side = eyes + 0.1 * down, max(4.0 * math.dist(marks[0], marks[1]), 3.6 * math.dist(eyes, mouth))
    x = complex(*across) - 1j * complex(*down)  # a quarter turn back on a screen whose y goes down
    x *= side / 2 / abs(x)
    y = 1j * x
    expected = [complex(*c) + a * x + b * y for a, b in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
    assert np.allclose(quad(Frame("ffhq"), marks), [(z.real, z.imag) for z in expected], atol=1e-6)


def test_photo2cartoon_has_the_published_proportions_of_a_median_head() -> None:
    seen = quad(Frame("photo2cartoon"), face()) / 100
    top, bottom = framing.BOX68
    assert np.allclose(seen[0, 1], top - 0.8 * (bottom - top)) and np.allclose(
        seen[1, 1], bottom + 0.3 * (bottom - top)
    )
    assert np.allclose(seen[:, 0].mean(), 0)


def test_face_is_the_box_and_its_margin() -> None:
    corners = framing.quad_of(Frame("face", margin=0.25), face(), (-60, -80, 60, 120))
    assert framing.box_of_quad(corners) == (-150, -130, 150, 170)


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent: heads to measure on")
def test_the_box_of_68_points_is_as_measured() -> None:
    truth = pd.read_csv(CASES / "landmarks68" / "landmarks.csv").set_index("file").to_numpy().reshape(-1, 68, 2)
    spans = []
    for points in truth:
        marks = np.array([points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]])
        roll = math.degrees(math.atan2(*(points[45] - points[36])[::-1]))
        level = turned(points - marks[:2].mean(0), -roll)[:, 1] / head_scale(marks)
        spans.append((level.min(), level.max()))
    assert np.allclose(np.median(spans, axis=0), framing.BOX68, atol=0.01)


@given(st.integers(-90, 90), st.integers(-90, 90), st.integers(1, 120), st.integers(1, 60), st.integers(1, 60))
def test_what_is_outside_is_exact_for_upright_squares(x: int, y: int, side: int, width: int, height: int) -> None:
    inside = max(0, min(x + side, width) - max(x, 0)) * max(0, min(y + side, height) - max(y, 0))
    corners = framing.quad_of_box((x, y, x + side, y + side))
    assert framing.fraction_outside(corners, (width, height)) == 1 - inside / side**2


@settings(max_examples=60)
@given(st.floats(-60, 160), st.floats(-60, 160), st.floats(4, 150), st.floats(0, 360))
def test_what_is_outside_of_turned_squares_is_what_a_grid_counts(x: float, y: float, side: float, deg: float) -> None:
    corners = turned(framing.quad_of_box((-side / 2, -side / 2, side / 2, side / 2)), deg) + np.array([x, y])
    steps = (np.arange(100) + 0.5) / 100
    grid = framing.to_parent(np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2), corners, (1, 1))
    counted = ((grid < 0) | (grid > [100, 80])).any(1).mean()
    assert abs(framing.fraction_outside(corners, (100, 80)) - counted) < 0.02


@given(st.floats(-75, 75), st.floats(-60, 60), st.floats(-40, 40), st.floats(5, 500))
def test_yaw_and_pitch_are_recovered_from_a_head_that_is_turned(
    yaw: float, pitch: float, roll: float, size: float
) -> None:
    m, t, d = pose.MOUTH, pose.TIP, pose.DEPTH
    head = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, t * m, d], [-0.4, m, 0], [0.4, m, 0]])  # x right, y down, z to us
    for angles, expected in (((yaw, 0.0), (yaw, 0.0)), ((0.0, pitch), (0.0, pitch))):
        a, b = (math.radians(v) for v in angles)
        x = head[:, 0] * math.cos(a) + head[:, 2] * math.sin(a)
        z = head[:, 2] * math.cos(a) - head[:, 0] * math.sin(a)
        y = head[:, 1] * math.cos(b) - z * math.sin(b)
        found = pose.yaw_pitch_deg(turned(size * np.stack([x, y], 1), roll if not angles[0] else 0))
        assert np.allclose(found, expected, atol=1e-6)


def test_a_mirrored_head_looks_the_other_way_and_points_that_fall_together_nowhere() -> None:
    marks = np.array([[90.0, 100], [160, 104], [140, 140], [100, 180], [150, 182]])
    yaw, pitch = pose.yaw_pitch_deg(marks)
    other = pose.yaw_pitch_deg((marks * [-1, 1])[[1, 0, 2, 4, 3]])
    assert np.allclose(other, (-yaw, pitch)) and yaw > 10
    assert pose.yaw_pitch_deg(np.zeros((5, 2))) == (0.0, 0.0)
