"""Whether a covered face is noticed: `occlusion` and the detector's own score, on patches painted on real faces.

    python -m benchmarks.crop_occlusion CASES [SHEETS]

Faces are those of CASES (`faces/portraits256` and `landmarks5`) and of every eighth of the sample's selfies. A face
that something covers already counts as clean: the share of these above a limit is an upper bound of the false ones.
Each gets seven patches, seeded by its number: a mask, half the face, a phone before the mouth, sunglasses, a patch on
an eye, hair over a side, and a hand's colour, the face's own skin, before the mouth. Faces are found anew under the
patch; one that is not found any more counts as noticed. Television frames (`landmarks68`) are measured as they are.
With SHEETS what lies above the doubtful edge is drawn into that folder, which stays here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.results import Figure, share, write
from scgan_data import images
from scgan_data.faces import detectors
from scgan_data.faces.detectors import DetectionConfig
from scgan_data.faces.face import Face
from scgan_data.limits.crop_rules import CropLimits
from scgan_data.occlusion import occlusion
from scgan_data.records import Reason
from scgan_data.sample.selfies import photographs

Polygon = NDArray[np.float64]
"""(N, 2) corners: x in eye distances from between the eyes, y in the distance from there to the mouth."""
Rng = np.random.Generator
FINE = 4
INKS = ((20, 20, 24), (235, 235, 238), (120, 160, 200), (200, 60, 60), (70, 70, 80))
HAIR = ((40, 28, 20), (90, 60, 35), (190, 150, 90))


def _blob(rng: Rng, width: float, height: float, x: float, y: float) -> Polygon:
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    reach = 1 + rng.normal(0, 0.06, 24)
    return np.stack([x + width * reach * np.cos(angle), y + height * reach * np.sin(angle)], axis=1)


def _box(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _half(rng: Rng) -> list[Polygon]:
    return [_box(-1.4, -1.2, 0.05, 2) * (rng.choice([-1, 1]), 1)]


def _phone(rng: Rng) -> list[Polygon]:
    x, y = rng.uniform(-0.5, 0.5), rng.uniform(0.3, 1.2)
    return [_box(x - 0.5, y - 0.7, x + 0.5, y + 1.2)]


def _glasses(rng: Rng) -> list[Polygon]:
    return [*(_blob(rng, 0.42, 0.32, side, 0.05) for side in (-0.5, 0.5)), _box(-0.15, -0.05, 0.15, 0.05)]


def _hair(rng: Rng) -> list[Polygon]:
    return [np.array([(1.3, -1.3), (0.1, -1.3), (0.35, 0), (0.55, 1), (0.9, 2), (1.3, 2)]) * (rng.choice([-1, 1]), 1)]


MASK = np.array([(-0.95, 0.55), (0, 0.45), (0.95, 0.55), (0.8, 1.5), (0, 1.9), (-0.8, 1.5)])
PATCHES: dict[str, Callable[[Rng], list[Polygon]]] = {
    "a mask": lambda rng: [MASK],
    "half the face": _half,
    "a phone": _phone,
    "sunglasses": _glasses,
    "an eye": lambda rng: [_blob(rng, 0.4, 0.35, rng.choice([-0.5, 0.5]), 0)],
    "hair over a side": _hair,
    "a hand": lambda rng: [_blob(rng, 0.6, 0.45, 0, 1.05)],
}
"""What covers a face."""


def painted(picture: Image.Image, face: Face, kind: str, rng: Rng) -> Image.Image:
    """The picture with a patch over the face, its edge a little soft, its surface uneven."""
    eyes, mouth = face.landmarks[:2].mean(0), face.landmarks[3:].mean(0)
    along = face.landmarks[1] - face.landmarks[0]
    across = np.array([-along[1], along[0]]) / np.hypot(*along)
    stencil = Image.new("L", (picture.width * FINE, picture.height * FINE))
    for polygon in PATCHES[kind](rng):
        corners = eyes + polygon[:, :1] * along + polygon[:, 1:] * across * ((mouth - eyes) @ across)
        ImageDraw.Draw(stencil).polygon([(x, y) for x, y in (corners * FINE).tolist()], fill=255)
    soft = stencil.resize(picture.size, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.6))
    coarse = rng.normal(0, 12, (picture.height // 6 + 2, picture.width // 6 + 2)).astype(np.float32)
    rough = np.asarray(Image.fromarray(coarse).resize(picture.size, Image.Resampling.BICUBIC))[..., None]
    surface = np.clip(_colour(picture, eyes, kind, rng) + rough, 0, 255).astype(np.uint8)
    return Image.composite(Image.fromarray(surface), picture, soft)


def _colour(picture: Image.Image, eyes: NDArray[np.float64], kind: str, rng: Rng) -> NDArray[np.float64]:
    if kind == "a hand":  # the skin between the eyes, in another light
        x, y = (int(v) for v in eyes)
        return np.median(np.asarray(picture)[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3), axis=0) + rng.normal(0, 12)
    if kind == "sunglasses":
        return np.array(INKS[0], float)
    if kind in ("half the face", "an eye"):
        return rng.uniform(0, 255, 3)
    return np.array((HAIR if kind == "hair over a side" else INKS)[rng.integers(3)], float)


def main(cases: Path, sheets: Path | None = None) -> None:
    """Measure, write, and draw where a folder is named."""
    faces = [*_found(_pictures(cases)), *_found(images.decode(jpeg).image for jpeg in photographs()[::8])]
    clean = _measured(faces)
    limits = CropLimits()
    assert isinstance(limits.max_occlusion, dict)
    limit, zone = float(limits.max_occlusion["selfie"] or 0), limits.doubt[Reason.OCCLUDED]
    edge = limit * (1 - float(zone if isinstance(zone, float) else 0))
    score = float(np.quantile(clean[:, 1], 0.01))
    figures = list(_shares("clean", clean, limit, edge, score))
    for kind in PATCHES:
        covered = [painted(p, face, kind, np.random.default_rng([n, 7])) for n, (p, face) in enumerate(faces)]
        figures += _shares(kind, _measured(_found_again(covered)), limit, edge, score)
    frames = list(_found(images.load(file) for file in sorted((cases / "faces/landmarks68").glob("*.[jp][pn]g"))))
    figures += _shares("television frames as they are", of_frames := _measured(frames), limit, edge, score)
    write("crop_occlusion", figures)
    if sheets is not None:
        _draw(sheets / "crop_occlusion_clean.png", faces, clean[:, 0], edge)
        _draw(sheets / "crop_occlusion_frames.png", frames, of_frames[:, 0], edge)


def _pictures(cases: Path) -> Iterator[Image.Image]:
    for name in ("portraits256", "landmarks5"):
        for file in sorted((cases / "faces" / name).glob("*.[jp][pn]g")):
            yield images.load(file)


def _found(pictures: Iterable[Image.Image]) -> Iterator[tuple[Image.Image, Face]]:
    """Pictures in which there is a face, with the surest one."""
    for picture, face in _found_again(pictures):
        if face is not None:
            yield picture, face


def _found_again(pictures: Iterable[Image.Image]) -> Iterator[tuple[Image.Image, Face | None]]:
    for picture in pictures:
        (found,) = detectors.find([picture], "selfie", DetectionConfig())
        yield picture, max(found, key=lambda face: face.score, default=None)


def _measured(faces: Iterable[tuple[Image.Image, Face | None]]) -> NDArray[np.float64]:
    """(N, 2) occlusion and score; infinite and 0 for a face that is not found."""
    return np.array([(np.inf, 0.0) if f is None else (occlusion(p, f.landmarks), f.score) for p, f in faces])


def _shares(name: str, measured: NDArray[np.float64], limit: float, edge: float, score: float) -> Iterator[Figure]:
    above, doubtful, unsure = measured[:, 0] > limit, measured[:, 0] > edge, measured[:, 1] < score
    yield share(f"{name}: above the limit of {limit:g}", above)
    yield share(f"{name}: in doubt or above it, from {edge:.3g}", doubtful)
    yield share(f"{name}: a score below that of 99 % of the clean, {score:.4f}", unsure)


def _draw(file: Path, faces: list[tuple[Image.Image, Face]], values: NDArray[np.float64], edge: float) -> None:
    """The pictures above the edge, the highest first."""
    side, columns = 150, 8
    order = [k for k in np.argsort(-values).tolist() if values[k] > edge]
    sheet = Image.new("RGB", (side * columns, side * -(-len(order) // columns)))
    for place, k in enumerate(order):
        sheet.paste(faces[k][0].resize((side, side)), (place % columns * side, place // columns * side))
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(file)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
