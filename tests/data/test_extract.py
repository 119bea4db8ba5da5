"""Pixels of a quad: as they were for upright squares, no aliasing at any reduction, no black outside."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data as pictures

from scgan_data import extract, framing

WOMAN = Image.fromarray(pictures.astronaut())  # public domain (NASA)


def turned_square(x: float, y: float, side: float, degrees: float) -> np.ndarray:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = framing.quad_of_box((-side / 2, -side / 2, side / 2, side / 2))
    return corners @ np.array([[c, s], [-s, c]]) + [x, y]


def as_it_was(picture: Image.Image, xyxy: tuple[int, int, int, int], size_px: int, fill: str) -> Image.Image:
    """What `crop` did before there were quads: the box cut, np.pad, Lanczos."""
    (x0, y0, x1, y1), (width, height) = xyxy, picture.size
    left, top, right, bottom = max(0, -x0), max(0, -y0), max(0, x1 - width), max(0, y1 - height)
    inner = np.asarray(picture.crop((max(0, x0), max(0, y0), min(width, x1), min(height, y1))))
    padded = np.pad(inner, ((top, bottom), (left, right), (0, 0)), mode=fill)
    return Image.fromarray(padded).resize((size_px, size_px), Image.Resampling.LANCZOS)


@settings(max_examples=60, deadline=None)
@given(st.integers(-60, 400), st.integers(-60, 400), st.integers(150, 250), st.sampled_from([64, 256]))
def test_upright_squares_have_the_bits_that_they_had(x: int, y: int, side: int, px: int) -> None:
    box = (x, y, x + side, y + side)
    quad = framing.quad_of_box(box)
    if framing.fraction_outside(quad, WOMAN.size) < 0.4:
        for fill in ("reflect", "edge"):
            new = extract.extract(WOMAN, quad, px, fill)
            assert (np.asarray(new) == np.asarray(as_it_was(WOMAN, box, px, fill))).all()


def stripes(period: float, across: bool, side: int = 1200) -> Image.Image:
    wave = 127.5 + 120 * np.cos(2 * np.pi * np.arange(side) / period)
    plane = np.tile(wave.round().astype(np.uint8), (side, 1))
    return Image.fromarray(np.repeat((plane.T if across else plane)[..., None], 3, axis=2))


@pytest.mark.parametrize("degrees", [0.0, 17.0, 45.0, -80.0])
@pytest.mark.parametrize("side", [80, 150, 400, 790, 840])
def test_patterns_too_fine_for_the_crop_vanish_and_others_stay(side: float, degrees: float) -> None:
    quad = turned_square(600, 600, side, degrees)
    px = 64
    finest = 2 * side / px  # the shortest period that the crop can show
    for across in (False, True):
        if finest > 4.4:
            gone = np.asarray(extract.extract(stripes(finest / 2.1, across), quad, px), float)[4:-4, 4:-4, 0]
            assert gone.std() < 6, "a pattern of half that period would come out as a false one"
        there = np.asarray(extract.extract(stripes(max(3 * finest, 6), across), quad, px), float)[4:-4, 4:-4, 0]
        assert there.std() > 60


def test_a_plain_affine_transform_would_alias() -> None:
    quad, px = turned_square(600, 600, 400, 17), 64
    fine = stripes(6.0, False)
    at_once = np.asarray(extract._sampled(fine, quad, px), float)[4:-4, 4:-4, 0]
    ours = np.asarray(extract.extract(fine, quad, px), float)[4:-4, 4:-4, 0]
    assert at_once.std() > 40 and ours.std() < 6


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-900, 900), st.floats(-900, 900), st.floats(3, 700), st.floats(0, 360),
    st.sampled_from(["reflect", "edge", "soft"]), st.integers(1, 90), st.integers(1, 90),
)  # fmt: skip
def test_there_is_no_black_wherever_the_square_lies(x, y, side, deg, padding, width, height) -> None:
    rng = np.random.default_rng(width * 100 + height)
    picture = Image.fromarray(rng.integers(110, 190, (height, width, 3), dtype=np.uint8))
    for quad in (turned_square(x, y, side, deg), framing.quad_of_box(np.round([x, y, x + side, y + side]))):
        if framing.side_of(quad) >= 2:
            pixels = np.asarray(extract.extract(picture, quad, 24, padding))
            assert (
                pixels.shape == (24, 24, 3) and pixels.min() > 60 and pixels.max() < 240
            )  # Lanczos overshoots a little


REACHES = st.tuples(*[st.integers(0, 19)] * 4)


@given(st.integers(-300, 300), st.integers(-300, 300), st.integers(1, 300), REACHES)
@settings(max_examples=40, deadline=None)
def test_what_fills_is_the_picture_s_own(x: int, y: int, side: int, reach: extract.Reach) -> None:
    picture = WOMAN.crop((100, 50, 140, 70))
    own = {tuple(p) for p in np.asarray(picture).reshape(-1, 3)}
    window = extract.window(picture, (x, y, x + side, y + side), reach)
    assert window.size == (side, side)
    assert {tuple(p) for p in np.asarray(window).reshape(-1, 3)} <= own


def test_edge_repeats_and_reflect_mirrors() -> None:
    small = WOMAN.crop((0, 0, 100, 100))
    pixels = np.asarray(small)
    mirrored = extract.reach_of(None, small.size)
    assert (np.asarray(extract.window(small, (-10, -20, 50, 40), extract.EDGE))[0, 30] == pixels[0, 20]).all()
    assert (np.asarray(extract.window(small, (-10, -20, 50, 40), mirrored))[0, 30] == pixels[20, 20]).all()
    assert (np.asarray(extract.window(small, (250, 0, 251, 1), mirrored))[0, 0] == pixels[0, 250 - 2 * 99]).all()
    column = np.asarray(extract.window(small, (30, -20, 31, 0), (0, 8, 0, 0)))[::-1, 0]  # upwards from the border
    assert (column == pixels[[*range(1, 9), *range(7, -1, -1), *range(1, 5)], 30]).all()


FACE = (200, 20, 20)


def with_face(box: tuple[int, int, int, int]) -> Image.Image:
    """A grey picture of 60 x 50 with a face of another colour."""
    picture = Image.new("RGB", (60, 50), (120, 120, 120))
    picture.paste(FACE, box)
    return picture


@given(st.integers(1, 54), st.integers(1, 44), st.integers(4, 40), st.integers(-200, 200), st.integers(1, 250))
@settings(deadline=None)
def test_of_a_face_no_pixel_shows_twice(x: int, y: int, wide: int, corner: int, side: int) -> None:
    box = (x, y, min(x + wide, 59), min(y + wide, 49))
    picture = with_face(box)
    reach = extract.reach_of([float(v) for v in box], picture.size)
    window = np.asarray(extract.window(picture, (corner, corner // 2, corner + side, corner // 2 + side), reach))
    once = np.zeros((side, side), bool)
    left, top, right, bottom = (max(0, v - c) for v, c in zip(box, (corner, corner // 2) * 2, strict=True))
    once[top:bottom, left:right] = True
    assert ((window == FACE).all(-1) == once).all()


@pytest.mark.parametrize("padding", ["reflect", "soft"])
@pytest.mark.parametrize("degrees", [0.0, 25.0])
def test_a_face_near_the_border_is_mirrored_only_where_none_is_known(padding: extract.Padding, degrees: float) -> None:
    picture, box = with_face((20, 6, 40, 30)), (20.0, 6.0, 40.0, 30.0)
    quad = turned_square(30, 10, 70, degrees)
    grid = framing.to_parent(
        np.stack(np.meshgrid(np.arange(64), np.arange(64)), -1).reshape(-1, 2) + 0.5, quad, (64, 64)
    )
    outside = (grid[:, 1] < -1).reshape(64, 64)
    red = [np.asarray(extract.extract(picture, quad, 64, padding, known), int)[outside][:, 0] for known in (None, box)]
    assert red[0].max() > 170 and red[1].max() < 125


def test_reflection_is_blurred_from_where_it_turns_back() -> None:
    quad, known = framing.quad_of_box((100, -150, 400, 150)), (180.0, 60.0, 280.0, 150.0)
    sharp, folded = (np.asarray(extract.extract(WOMAN, quad, 300, "reflect", box), int) for box in (None, known))
    assert (folded[150:] == sharp[150:]).all() and (folded[100:150] == sharp[100:150]).all()
    steps = [np.abs(np.diff(pixels[:60], axis=1)).mean() for pixels in (sharp, folded)]
    assert steps[1] < 0.6 * steps[0]


def test_soft_blurs_outside_only() -> None:
    quad = framing.quad_of_box((300, 300, 600, 600))  # the picture ends at 512
    soft = np.asarray(extract.extract(WOMAN, quad, 128, "soft"), int)
    plain = np.asarray(extract.extract(WOMAN, quad, 128, "reflect"), int)
    inside = int(212 / 300 * 128)
    assert (soft[:inside, :inside] == plain[:inside, :inside]).all()
    assert np.abs(np.diff(soft[-20:], axis=0)).mean() < 0.6 * np.abs(np.diff(plain[-20:], axis=0)).mean()


def test_a_square_turned_by_nothing_much_is_nearly_the_upright_one() -> None:
    upright = np.asarray(extract.extract(WOMAN, turned_square(256, 200, 300, 0), 128), float)
    turned = np.asarray(extract.extract(WOMAN, turned_square(256, 200, 300, 0.01), 128), float)
    assert np.abs(upright - turned).mean() < 1


def test_a_huge_square_is_reduced_first() -> None:
    quad = framing.quad_of_box((-20000, -20000, 20000, 20000))
    assert np.asarray(extract.extract(WOMAN, quad, 32)).min() > 20
