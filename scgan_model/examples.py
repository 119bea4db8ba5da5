"""What an evaluation leaves for the eye, without torch: one strip a held-out selfie, and one labelled grid of them all.

OUT/examples/<id>.png     the pictures of `COLUMNS` side by side without borders, at the model's resolution
OUT/grid.png              the same, a column a selfie and a labelled row for each of `COLUMNS`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from scgan_data.errors import ScganError
from scgan_data.files import write_bytes
from scgan_data.images import UndecodableError, encode_png, load

COLUMNS = ("input", "cartoon", "reconstruction", "untrained", "binarization")
WRITTEN = ("examples", "grid.png", "metrics.json")
"""All that an evaluation's folder holds."""
CELL_PX, GAP_PX, LABEL_PX = 128, 4, 132


def refuse_loss(out: Path) -> None:
    """Raises ScganError for a folder of something else: its metrics.json, grid.png or examples might be replaced."""
    others = {each.name for each in out.iterdir() if not each.name.startswith(".")} if out.is_dir() else set()
    if strange := sorted(others.difference(WRITTEN)):
        raise ScganError(f"{out} holds `{strange[0]}`, which is no evaluation's: name another folder to write")


def write(out: Path, pictures: Mapping[str, Sequence[Image.Image]]) -> None:
    """Write `examples/` and `grid.png` of pictures by id, each in the order of `COLUMNS`, all square and equal."""
    files = {out / "examples" / f"{name}.png": row for name, row in pictures.items()}
    for file, row in files.items():
        write_bytes(file, encode_png(side_by_side(row)))
    for old in set((out / "examples").glob("*.png")) - set(files):
        old.unlink()
    write_bytes(out / "grid.png", encode_png(labelled_grid(list(zip(*pictures.values(), strict=True)), COLUMNS)))


def read(out: Path) -> dict[str, dict[str, Image.Image]]:
    """The pictures that `write` left, by id and column; empty where there are none, without damaged ones."""
    found = {}
    for file in sorted((out / "examples").glob("*.png")):
        try:
            strip = load(file)
        except UndecodableError:
            continue
        side = strip.height
        boxes = [(i * side, 0, (i + 1) * side, side) for i in range(len(COLUMNS))]
        found[file.stem] = {name: strip.crop(box) for name, box in zip(COLUMNS, boxes, strict=True)}
    return found


def side_by_side(row: Sequence[Image.Image]) -> Image.Image:
    """Square pictures of one size as one strip."""
    side = row[0].height
    strip = Image.new("RGB", (side * len(row), side))
    for i, picture in enumerate(row):
        strip.paste(picture, (i * side, 0))
    return strip


def labelled_grid(rows: Sequence[Sequence[Image.Image]], labels: Sequence[str]) -> Image.Image:
    """Rows of square pictures on white, each row's label on its left, all scaled to one size."""
    step = CELL_PX + GAP_PX
    sheet = Image.new("RGB", (LABEL_PX + len(rows[0]) * step, GAP_PX + len(rows) * step), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(17)
    for r, (row, label) in enumerate(zip(rows, labels, strict=True)):
        top = GAP_PX + r * step
        pen.text((LABEL_PX - 12, top + CELL_PX // 2), label, fill="#333333", font=font, anchor="rm")
        for c, picture in enumerate(row):
            scaled = picture.resize((CELL_PX, CELL_PX), Image.Resampling.BICUBIC)
            sheet.paste(scaled, (LABEL_PX + c * step, top))
    return sheet
