"""What the sample site shows: clean pictures, and among them every fault that the pipeline has to find.

A copy is of a picture that is on the site too, and each picture is copied at most once; a watermarked, blurred, small
or otherwise spoilt picture is on it in that form only, so that only its own fault can be the reason to reject it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter
from pydantic import Field

from scgan_data.config import Config
from scgan_data.records import SELFIE
from scgan_data.sample import watermarks


class Kind(StrEnum):
    """What a picture of the site is."""

    CLEAN = "clean"
    EXACT_COPY = "exact_copy"
    NEAR_COPY = "near_copy"
    WATERMARKED = "watermarked"
    FACELESS = "faceless"
    SEVERAL_FACES = "several_faces"
    SMALL = "small"
    BLURRED = "blurred"
    TRUNCATED = "truncated"
    NOT_AN_IMAGE = "not_an_image"
    DISALLOWED = "disallowed"
    DISALLOWED_PAGE = "disallowed_page"
    BEHIND_DISALLOWED_PAGE = "behind_disallowed_page"
    NOAI = "noai"
    NOT_FOUND = "not_found"
    ALWAYS_429 = "always_429"
    FIRST_429 = "first_429"


class Plants(Config):
    """How many of each are planted in each domain."""

    exact_copies: int = Field(25, ge=0)
    """The same bytes at a second address."""
    near_copies: int = Field(60, ge=0)
    """Resized, recompressed, cropped by 2 to 4 % a side, brightened, darkened: in turn."""
    watermarked: int = Field(45, ge=0)
    """Text, logo, tiling: in turn."""
    faceless: int = Field(10, ge=0)
    """Among the selfies only."""
    several_faces: int = Field(10, ge=0)
    """Among the selfies only."""
    small: int = Field(8, ge=0)
    """Shorter side of 40 to 90 pixels."""
    blurred: int = Field(8, ge=0)
    """Out of focus."""
    truncated: int = Field(6, ge=0)
    """Files that end early."""
    not_images: int = Field(5, ge=0)
    """HTML, random bytes, a zip archive under a picture's name."""
    disallowed: int = Field(3, ge=0)
    """Addresses that robots.txt disallows."""
    behind_disallowed_page: int = Field(5, ge=0)
    """Pictures that only a disallowed page shows."""
    noai: int = Field(3, ge=0)
    """Answered with X-Robots-Tag: noai."""
    not_found: int = Field(3, ge=0)
    """Answered with 404."""
    always_429: int = Field(1, ge=0)
    """Answered with 429 for ever."""
    first_429: int = Field(3, ge=0)
    """Answered with 429 at first, then had."""

    @property
    def pictures(self) -> int:
        """Pictures that one domain needs beside its clean ones, at most."""
        others = self.model_copy(update={"exact_copies": 0, "near_copies": 0, "faceless": 0, "not_images": 0})
        return int(sum(others.model_dump().values())) + 3 * self.several_faces


@dataclass(frozen=True)
class Item:
    """One address of the site."""

    kind: Kind
    data: bytes
    of: int | None = None
    """Index of the item that it copies."""
    detail: str | None = None


def plant(domain: str, pool: Iterator[bytes], count: int, plants: Plants, rng: Generator) -> list[Item]:
    """A domain's items: `count` clean ones first, then what is planted. `pool` gives fresh pictures as files."""
    clean = [Item(Kind.CLEAN, next(pool)) for _ in range(count)]
    items = [*clean, *_copies(domain, clean, plants, rng), *_spoilt(domain, pool, plants, rng)]
    if domain == SELFIE:
        items += [_item(Kind.FACELESS, *_faceless(turn, rng)) for turn in range(plants.faceless)]
        items += [_item(Kind.SEVERAL_FACES, *_several(turn, pool)) for turn in range(plants.several_faces)]
    items += [_item(Kind.NOT_AN_IMAGE, *_no_image(turn, rng)) for turn in range(plants.not_images)]
    for kind, number in (
        (Kind.DISALLOWED, plants.disallowed),
        (Kind.BEHIND_DISALLOWED_PAGE, plants.behind_disallowed_page),
        (Kind.NOAI, plants.noai),
        (Kind.NOT_FOUND, plants.not_found),
        (Kind.ALWAYS_429, plants.always_429),
        (Kind.FIRST_429, plants.first_429),
    ):
        items += [Item(kind, next(pool)) for _ in range(number)]
    return items


def _item(kind: Kind, data: bytes, detail: str) -> Item:
    return Item(kind, data, detail=detail)


def _copies(domain: str, clean: list[Item], plants: Plants, rng: Generator) -> Iterator[Item]:
    order = [int(i) for i in rng.permutation(len(clean))]
    for index in order[: plants.exact_copies]:
        yield Item(Kind.EXACT_COPY, clean[index].data, of=index)
    for turn, index in enumerate(order[plants.exact_copies :][: plants.near_copies]):
        data, detail = _near_copy(domain, clean[index].data, turn, rng)
        yield Item(Kind.NEAR_COPY, data, of=index, detail=detail)


def _near_copy(domain: str, data: bytes, turn: int, rng: Generator) -> tuple[bytes, str]:
    image = _decode(data)
    match turn % 5:
        case 0:
            scale = rng.uniform(0.65, 0.85) if rng.random() < 0.5 else rng.uniform(1.2, 1.6)
            return encode(domain, _scaled(image, scale)), f"resized x {scale:.2f}"
        case 1:
            quality = int(rng.integers(35, 65))
            return _jpeg(image, quality), f"recompressed, JPEG quality {quality}"
        case 2:
            left, top, right, bottom = rng.uniform(0.02, 0.04, 4)
            width, height = image.size
            box = (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
            return encode(domain, image.crop(box)), f"cropped to {box}"
        case 3:
            gain = rng.uniform(1.12, 1.3)
            return encode(domain, _gained(image, gain)), f"brightened x {gain:.2f}"
        case _:
            gain = rng.uniform(0.7, 0.88)
            return encode(domain, _gained(image, gain)), f"darkened x {gain:.2f}"


def _spoilt(domain: str, pool: Iterator[bytes], plants: Plants, rng: Generator) -> Iterator[Item]:
    names = list(watermarks.MARKS)
    for turn in range(plants.watermarked):
        name = names[turn % len(names)]
        marked = watermarks.MARKS[name](_decode(next(pool)), rng)
        yield Item(Kind.WATERMARKED, encode(domain, marked), detail=name)
    for _ in range(plants.small):
        image = _decode(next(pool))
        side = rng.uniform(40, 90)
        yield Item(Kind.SMALL, encode(domain, _scaled(image, side / min(image.size))), detail=f"{side:.0f} px")
    for _ in range(plants.blurred):
        radius = rng.uniform(3.0, 4.5)
        blurred = _decode(next(pool)).filter(ImageFilter.GaussianBlur(radius))
        yield Item(Kind.BLURRED, encode(domain, blurred), detail=f"radius {radius:.1f} px")
    for _ in range(plants.truncated):
        data, share = next(pool), rng.uniform(0.35, 0.8)
        yield Item(Kind.TRUNCATED, data[: round(len(data) * share)], detail=f"{share:.0%} of its bytes")


def _faceless(turn: int, rng: Generator) -> tuple[bytes, str]:
    """One of scikit-image's own pictures, or a rendered landscape, in turn."""
    bundled = ("chelsea.png", "rocket.jpg", "coffee.png", "text.png", "page.png", "brick.png", "grass.png")
    if turn % 2 == 0 and turn // 2 < len(bundled):
        import skimage.data  # .3 s: only where the site is built

        image = Image.open(Path(skimage.data.__file__).parent / bundled[turn // 2]).convert("RGB")
        image.thumbnail((360, 360))
        return _jpeg(image, 90), f"scikit-image {bundled[turn // 2]}"
    return _jpeg(_landscape(rng), 90), "rendered landscape"


def _landscape(rng: Generator) -> Image.Image:
    """Sky, hills and grain, 200 x 240."""
    y, x = np.mgrid[0:240, 0:200].astype(float)
    picture = np.stack([150 - y * 0.2, 180 - y * 0.1, 220 - y * 0.05], axis=-1) + rng.uniform(-30, 30, 3)
    for depth in range(4):
        waves = sum(rng.uniform(4, 16) * np.sin(x / rng.uniform(9, 50) + rng.uniform(0, 6)) for _ in range(3))
        hill = (y > 90 + 38 * depth + waves)[..., None]
        shade = np.array([70, 105, 60]) * (1.2 - 0.22 * depth) + rng.uniform(-15, 15, 3)
        picture = np.where(hill, shade, picture)
    picture += rng.normal(0, 7, picture.shape)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def _several(turn: int, pool: Iterator[bytes]) -> tuple[bytes, str]:
    """Two selfies side by side, or three around an empty corner."""
    faces = [_decode(next(pool)) for _ in range(2 + turn % 2)]
    width, height = faces[0].size
    rows = 1 + turn % 2
    sheet = Image.new("RGB", (2 * width, rows * height), (150, 150, 150))
    for index, face in enumerate(faces):
        sheet.paste(face, (index % 2 * width, index // 2 * height))
    return _jpeg(sheet, 90), f"{len(faces)} faces"


def _no_image(turn: int, rng: Generator) -> tuple[bytes, str]:
    match turn % 3:
        case 0:
            return b"<!doctype html><title>Moved</title><p>This picture has moved.</p>\n", "HTML"
        case 1:
            return rng.bytes(4000), "random bytes"
        case _:
            buffer = BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr(zipfile.ZipInfo("picture.txt"), "no picture")
            return buffer.getvalue(), "a zip archive"


def _decode(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def _scaled(image: Image.Image, scale: float) -> Image.Image:
    size = (round(image.width * scale), round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _gained(image: Image.Image, gain: float) -> Image.Image:
    return image.point(lambda value: min(255, round(value * gain)))


def encode(domain: str, image: Image.Image) -> bytes:
    """A file as a site would offer it: photographs as JPEG, drawings as PNG."""
    if domain == SELFIE:
        return _jpeg(image, 90)
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
