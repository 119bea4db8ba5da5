"""Regions: outlines follow the head and its mirror image, implausible boxes are told, the fit fits, the mesh draws."""

import importlib.util
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import fit_regions, region_faces
from scgan_data import images
from scgan_data.errors import ScganError
from scgan_data.faces import retinaface
from scgan_data.records import ATTENTIVE, Region
from scgan_data.regions import boxes, dense, plausible
from scgan_data.regions.head import MEAN_FACE, heads

CASES = Path(__file__).parents[3] / "shared" / "cases" / "faces" / "landmarks68"
FACE = np.array([[24.0, 27.0], [40.0, 27.5], [33.0, 36.0], [26.0, 44.0], [38.5, 44.0]])
MIRROR = [1, 0, 2, 4, 3]
OTHER_EYE = {Region.LEFT_EYE: Region.RIGHT_EYE, Region.RIGHT_EYE: Region.LEFT_EYE}
FACES = st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=5, max_size=5).map(
    lambda noise: FACE + np.array(noise)
)


def turned(points: np.ndarray, degrees: float, scale: float = 1.0) -> np.ndarray:
    angle = math.radians(degrees)
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (points - FACE.mean(0)) @ rotation.T * scale + FACE.mean(0)


def single(points: np.ndarray) -> dict[Region, np.ndarray]:
    return {region: found[0] for region, found in boxes.boxes(points[None]).items()}


@settings(max_examples=40, deadline=None)
@given(FACES)
def test_a_mirrored_picture_gives_mirrored_boxes(points: np.ndarray) -> None:
    width = 64.0
    flipped = points[MIRROR] * [-1, 1] + [width, 0]
    one, two = single(points), single(flipped)
    for region, (x0, y0, x1, y1) in one.items():
        other = two[OTHER_EYE.get(region, region)]
        assert other == pytest.approx([width - x1, y0, width - x0, y1], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(FACES, st.floats(0.2, 8), st.floats(-200, 200), st.floats(-200, 200))
def test_boxes_move_and_grow_with_the_face(points: np.ndarray, scale: float, dx: float, dy: float) -> None:
    one, two = single(points), single(points * scale + [dx, dy])
    for region, box in one.items():
        assert two[region] == pytest.approx(box * scale + [dx, dy, dx, dy], abs=1e-6)


def test_the_frame_is_undone_exactly_and_fits_the_mean_face() -> None:
    some = heads(np.stack([turned(FACE, 30), FACE * 3]))
    assert some.to_picture(some.to_head(np.stack([FACE, FACE]))) == pytest.approx(np.stack([FACE, FACE]))
    exact = heads((MEAN_FACE * 20 + [50, 60])[None])
    assert exact.misfit[0] == pytest.approx(0, abs=1e-12) and abs(exact.turn[0]) == pytest.approx(20)


def test_a_quarter_turn_gives_the_turned_boxes() -> None:
    upright, turned_right = single(FACE), single(turned(FACE, 90))
    for region, box in upright.items():
        corners = turned(box.reshape(2, 2), 90)
        assert turned_right[region] == pytest.approx([*corners.min(0), *corners.max(0)])


def test_the_order_of_parts_holds_along_a_tilted_head() -> None:
    for degrees in (-45, -20, 0, 30, 45):
        found = single(turned(FACE, degrees))
        margins = plausible.margins(found, turned(FACE, degrees), drawn=False)
        assert min(margins.values()) > 0.5, degrees


def test_parts_out_of_order_size_or_place_are_beyond_their_limit() -> None:
    good = {region: box for region, box in single(FACE).items() if region in ATTENTIVE}
    assert set(plausible.margins(good, FACE, drawn=False)) == set(ATTENTIVE)
    s = abs(heads(FACE[None]).turn[0])
    down, aside = np.array([0, s, 0, s]), np.array([s, 0, s, 0])
    swapped = good | {Region.NOSE: good[Region.MOUTH] + down / 2}
    margins = plausible.margins(swapped, FACE, drawn=True)
    assert margins[Region.NOSE] < 0 and margins[Region.MOUTH] < 0 < margins[Region.EYES]
    for region in ATTENTIVE:
        middle = np.tile((good[region][:2] + good[region][2:]) / 2, 2)
        wrong = {"across": good[region] + aside, "down": good[region] + 2 * down}
        wrong |= {"size": middle + (good[region] - middle) * 3, "dot": middle + (good[region] - middle) / 30}
        for name, box in wrong.items():
            assert plausible.margins(good | {region: box}, FACE, drawn=False)[region] < 0, (region, name)
    # a drawn nose may be a dot, a photographed one not
    dot = good | {Region.NOSE: np.array([32.0, 35.0, 34.0, 36.5])}
    assert (
        plausible.margins(dot, FACE, drawn=True)[Region.NOSE]
        > 0
        > plausible.margins(dot, FACE, drawn=False)[Region.NOSE]
    )


def test_points_of_no_face_make_nothing_believable() -> None:
    crossed = FACE[[0, 1, 3, 2, 4]]
    assert max(plausible.margins(single(crossed), crossed, drawn=True).values()) < 0
    together = np.full((5, 2), 20.0)
    assert max(plausible.margins(single(together), together, drawn=True).values()) < 0


def test_what_the_edge_cuts_counts_by_area() -> None:
    box = np.array([-10.0, 0, 10, 10])
    assert plausible.inside_margin(box, (40, 40), 0.5) == 0
    assert plausible.inside_margin(box, (40, 40), 0.0) == pytest.approx(0.5)
    assert plausible.inside_margin(box + 10, (40, 40), 0.5) == 1
    assert plausible.inside_margin(box - 40, (40, 40), 0.5) == -1
    assert plausible.inside_margin(box, (40, 40), 1.0) < 0


def test_the_table_says_where_it_comes_from_and_has_no_number_too_many() -> None:
    content = json.loads(Path(boxes.__file__).with_name(boxes.FILE_NAME).read_text())
    assert content["about"]["faces"] + content["about"]["not_found"] == 376
    numbers = [v for o in content["outlines"].values() for row in o["pairs"] + o["axis"] for v in row]
    assert 200 < len(numbers) < 400 and max(map(abs, numbers)) < 5
    assert set(boxes.fitted()) == set(map(Region, content["outlines"])) and len(boxes.table_id()) == 64


def drawn_faces(count: int) -> region_faces.Faces:
    """Faces whose 68 points follow from their five, with yaw and noise, so that there is something to fit."""
    rng = np.random.default_rng(3)
    points, truth = [], []
    for _ in range(count):
        yaw, roll, scale = rng.uniform(-0.3, 0.3), rng.uniform(-15, 15), rng.uniform(20, 60)
        five = (MEAN_FACE + np.array([[0, 0], [0, 0], [yaw, 0], [0, 0], [0, 0]])) * scale + 100
        many = np.array([(1 + 0.3 * yaw) * np.cos(np.arange(68)), np.sin(np.arange(68) * 1.7)]).T * scale + 100
        points.append(turned(five + rng.normal(0, 0.01 * scale, (5, 2)), roll))
        truth.append(turned(many, roll))
    names = [f"person_{n // 2}_{n % 2:02}.png" for n in range(count)]
    return region_faces.Faces(names, np.stack(points), np.stack(truth))


def test_the_fit_lifts_the_overlap_above_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_regions, "STEPS", 30)
    faces = drawn_faces(24)
    some = heads(faces.points)
    begun = {Region.EYES: fit_regions.start(fit_regions.SHAPES[Region.EYES], some, faces)}
    first = region_faces.overlaps(boxes.boxes(faces.points, begun), faces)[Region.EYES].mean()
    fitted = region_faces.overlaps(boxes.boxes(faces.points, fit_regions.fit(faces, [Region.EYES])), faces)[Region.EYES]
    assert fitted.mean() > first + 0.01
    both = region_faces.overlaps(boxes.boxes(faces.points, fit_regions.fit(faces, [Region.LEFT_EYE])), faces)
    assert set(both) == {Region.LEFT_EYE, Region.RIGHT_EYE}


def test_no_person_is_fitted_and_measured() -> None:
    people = [f"p{n % 17}" for n in range(60)]
    fold = region_faces.folds(people)
    assert all(len({f for f, p in zip(fold, people, strict=True) if p == name}) == 1 for name in set(people))
    assert set(fold) == set(range(region_faces.FOLDS)) and fold.tolist() == region_faces.folds(people).tolist()
    assert region_faces.folds(people, seed=1).tolist() != fold.tolist()
    assert region_faces.Faces(["Wes_Craven_31.png"], FACE[None], FACE[None]).people == ["Wes_Craven"]


def test_overlap_by_hand() -> None:
    one = np.array([[0.0, 0, 2, 2], [0, 0, 1, 1], [0, 0, 4, 1]])
    other = np.array([[1.0, 0, 3, 2], [2, 2, 3, 3], [0, 0, 4, 1]])
    assert region_faces.iou(one, other).tolist() == pytest.approx([1 / 3, 0, 1])


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent: real faces with 68-point truth")
def test_real_faces_reach_the_stated_overlap() -> None:
    """Every ninth face; the numbers that ship were fitted on them too, benchmarks/regions.py holds people out."""
    import pandas as pd

    truth = pd.read_csv(CASES / "landmarks.csv").sort_values("file", ignore_index=True).iloc[::9]
    pictures = [images.load(CASES / name) for name in truth["file"]]
    points = region_faces.largest(pictures)
    assert all(one is not None for one in points)
    numbers = truth.drop(columns="file").to_numpy(float).reshape(-1, 68, 2)
    faces = region_faces.Faces(truth["file"].tolist(), np.stack([one for one in points if one is not None]), numbers)
    means = {r: v.mean() for r, v in region_faces.overlaps(boxes.boxes(faces.points), faces).items()}
    assert means[Region.EYES] > 0.6 and means[Region.NOSE] > 0.66 and means[Region.MOUTH] > 0.58
    believed = [plausible.margins(single(five), five, drawn=False) for five in faces.points]
    assert min(itertools.chain.from_iterable(m.values() for m in believed)) > 0.2


HAS_DENSE = importlib.util.find_spec("ai_edge_litert") is not None


@pytest.mark.skipif(HAS_DENSE, reason="the extra `dense` is installed")
def test_without_the_extra_one_line_says_what_to_install() -> None:
    with pytest.raises(ScganError, match="needs ai-edge-litert, which is not installed: install the extra `dense`"):
        dense.check()


@pytest.mark.skipif(not HAS_DENSE, reason="the extra `dense` is not installed")
def test_the_mesh_draws_where_the_points_are() -> None:
    import skimage.data
    from PIL import Image

    picture = Image.fromarray(skimage.data.astronaut())
    ((face, *_),) = retinaface.detect([picture])
    drawn, fitted = dense.boxes(picture, face.landmarks), single(face.landmarks)
    for region in ATTENTIVE:
        assert region_faces.iou(drawn[region][None], fitted[region][None])[0] > 0.3
    assert set(drawn) == set(dense.PARTS) == set(dense.SHIFTS)
    smooth = Image.new("RGB", picture.size, "grey")
    assert dense.boxes(smooth, face.landmarks) == {}
