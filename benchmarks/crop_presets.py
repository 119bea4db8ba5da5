"""What the four presets show, and the proportions and limits that crop's docstrings state.

    python -m benchmarks.crop_presets [CASES] [SHEETS]

Draws results/crop_presets.jpg: two public-domain photographs (NASA's of E. Collins, in scikit-image; the US Navy's of
G. Hopper, in matplotlib) and four rendered portraits, as they are and in each preset, the last row with the head
tilted. With CASES (a folder with `faces/…`) it measures, over its portraits and the sample's selfies, where the squares
lie and end, the sharpness of faces as they are and blurred, poses, and what the border cuts, and writes
results/crop_presets.json and .md; with SHEETS it draws portraits of CASES into that folder, which stays here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import cbook
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from skimage import data

from benchmarks.results import FOLDER, Figure, write
from scgan_data import crop, cropped, framing, images
from scgan_data.crop import CropConfig
from scgan_data.cropped import Crop
from scgan_data.faces import retinaface
from scgan_data.faces.face import Face
from scgan_data.files import write_bytes
from scgan_data.landmarks import head_scale
from scgan_data.pose import yaw_pitch_deg
from scgan_data.sample.portraits import portraits
from scgan_data.sample.selfies import photographs

TILE_PX, GAP_PX = 150, 4
PAPER, INK = "#fbfaf7", "#26241f"
PORTRAITS = ("portraits256", "landmarks5")
Found = list[tuple[Image.Image, Face]]


def main(cases: Path | None = None, sheets: Path | None = None) -> None:
    """Draw, and measure where there is what to measure on."""
    write_bytes(FOLDER / "crop_presets.jpg", _encoded(sheet(list(public_domain()))))
    if cases is None or not (cases / "faces").is_dir():
        sys.exit("drawn; no faces/ to measure on")
    found = {name: _found(_pictures(cases / "faces" / name)) for name in PORTRAITS}
    selfies = [images.decode(jpeg).image for jpeg in photographs()[:300]]
    figures = [f for name, faces in (found | {"selfies": _found(selfies)}).items() for f in _figures(name, faces)]
    write("crop_presets", [*_proportions(cases / "faces" / "landmarks68"), *figures])
    if sheets is not None:
        for name, faces in found.items():
            for number in range(0, min(len(faces), 24), 8):
                part = [(picture, "selfie") for picture, _ in faces[number : number + 8]]
                write_bytes(sheets / f"crop_presets_{name}_{number}.jpg", _encoded(sheet(part)))


def public_domain() -> Iterator[tuple[Image.Image, str]]:
    """Pictures and domains of the committed sheet."""
    woman = Image.fromarray(data.astronaut())
    yield woman, "selfie"
    yield images.load(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)), "selfie"
    for portrait in portraits(4, seed=11):
        yield portrait, "avataaars"
    yield woman.rotate(-22, Image.Resampling.BICUBIC).crop((60, 60, 452, 452)), "selfie"


def sheet(pictures: list[tuple[Image.Image, str]]) -> Image.Image:
    """A row a picture: the whole of it, then each preset; under a tile what of it is padded."""
    presets = list(framing.LEVEL)
    step, line = TILE_PX + GAP_PX, TILE_PX + 16
    drawn = Image.new("RGB", (GAP_PX + step * (1 + len(presets)), 20 + line * len(pictures)), PAPER)
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(11)
    for column, title in enumerate(["picture", *presets]):
        pen.text((GAP_PX + column * step, 4), title, fill=INK, font=font)
    for row, (picture, domain) in enumerate(pictures):
        whole = picture.copy()
        whole.thumbnail((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
        drawn.paste(whole, (GAP_PX, 20 + row * line))
        faces = crop.find_faces([picture], domain, CropConfig())[0]
        for column, preset in enumerate(presets, 1):
            config = CropConfig(size_px=TILE_PX, preset=preset, several="largest").model_copy(update=crop.DECIDES)
            answer = crop.cut(picture, faces, domain, config)
            place = (GAP_PX + column * step, 20 + row * line)
            if isinstance(answer, Crop):
                drawn.paste(answer.image, place)
                words = f"padded {answer.padding:.2f}"
            else:
                words = answer.reason.value
            pen.text((place[0], place[1] + TILE_PX), words, fill=INK, font=font)
    return drawn


def _encoded(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _pictures(folder: Path) -> list[Image.Image]:
    return [images.load(file) for file in sorted(folder.iterdir()) if file.suffix in {".png", ".jpg"}]


def _found(pictures: list[Image.Image]) -> Found:
    """Each picture with its largest face, where one is found."""
    found = retinaface.detect(pictures, min_score=0.5, max_side_px=320)
    return [(p, max(f, key=lambda one: one.xyxy[3] - one.xyxy[1])) for p, f in zip(pictures, found, strict=True) if f]


def _proportions(folder: Path) -> list[Figure]:
    """Brows, chin and jaw of the 68 points in the level frame, in s from the eyes' line."""
    truth = pd.read_csv(folder / "landmarks.csv").set_index("file").to_numpy().reshape(-1, 68, 2)
    rows = []
    for points in truth:
        marks = np.array([points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]])
        right = (points[45] - points[36]) / np.hypot(*(points[45] - points[36]))
        level = (points - marks[:2].mean(0)) @ np.array([right, [-right[1], right[0]]]).T / head_scale(marks)
        rows.append((level[:, 1].min(), level[:, 1].max(), np.ptp(level[:, 0])))
    middle, low, high = (np.percentile(rows, q, axis=0) for q in (50, 5, 95))
    unit = f"s, median of {len(rows)} faces"
    return [
        Figure(name, float(middle[n]), f"{unit} (nine of ten: {low[n]:.2f} to {high[n]:.2f})")
        for n, name in enumerate(("brows below the eyes", "chin below the eyes", "width of the face"))
    ]


def _figures(name: str, found: Found) -> list[Figure]:
    of = f"of {len(found)} faces"
    figures = []
    for preset in framing.LEVEL:
        quads = [framing.quad_of(framing.Frame(preset), face.landmarks, face.xyxy) for _, face in found]
        outside = [framing.fraction_outside(q, p.size) for q, (p, _) in zip(quads, found, strict=True)]
        sides = [framing.side_of(q) / head_scale(face.landmarks) for q, (_, face) in zip(quads, found, strict=True)]
        figures += [
            Figure(f"{name}: {preset}, padded", float(np.median(outside)), f"of the area, median {of}"),
            Figure(f"{name}: {preset}, side", float(np.median(sides)), f"s, median {of}"),
        ]
    for blur in (0.0, 0.01, 0.02):
        sharpness = np.array([_sharpness(picture, face, blur) for picture, face in found])
        least, low, middle, most = np.percentile(sharpness, [0, 5, 50, 100])
        words = f"median {of} ({least:.3f} least, {low:.3f} at 5 %, {most:.3f} most)"
        figures.append(Figure(f"{name}: sharpness of the face, blurred by {blur:g} of it", float(middle), words))
    poses = np.abs([yaw_pitch_deg(face.landmarks) for _, face in found])
    figures += [_poses(f"{name}: turned", poses[:, 0], of), _poses(f"{name}: raised or lowered", poses[:, 1], of)]
    cut = max(cropped.cut_off(face, picture.size) for picture, face in found)
    return [*figures, Figure(f"{name}: face cut off by the border", cut, f"of 1, most {of}")]


def _sharpness(picture: Image.Image, face: Face, blur: float) -> float:
    x0, y0, x1, y1 = face.xyxy
    radius = float(blur * max(x1 - x0, y1 - y0))
    return cropped.face_sharpness(picture.filter(ImageFilter.GaussianBlur(radius)) if blur else picture, face)


def _poses(name: str, degrees: NDArray[np.float64], of: str) -> Figure:
    middle, high, most = np.percentile(degrees, [50, 95, 100])
    return Figure(name, float(middle), f"degrees, median {of} ({high:.0f} at 95 %, {most:.0f} most)")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
