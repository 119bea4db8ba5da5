"""The drawing of `explain`: the picture with its mark, and each copy beside it with the map of what differs.

The map is the one that dedup's distance is taken from: the residual after alignment, over the picture's own contrast,
white where nothing differs, red where the difference is as large as the contrast, grey where only one picture reaches.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from scgan_data import contact_sheet, files, hashes, images, similarity
from scgan_data.contact_sheet import GAP_PX, INK, PAPER
from scgan_data.limits.explain import Card

SIDE_PX, MOST = 256, 6
LINE_PX = 20


def draw(card: Card, data: Path) -> Path | None:
    """Written to the git-ignored `data/.explain.work/ID.jpg`; None where the picture's file is not there."""
    own = card.picture()
    if own is None:
        return None
    box = card.latest.get("watermark_xyxy")
    rows = [_row([_marked(images.load(own), box)], f"{card.content_id[:16]}{', with its mark' if box else ''}")]
    for pair in card.pairs[:MOST]:
        other = card.other(pair)
        if other is not None:
            rows.append(_beside(images.load(own), images.load(other), _turned(pair, card.content_id)))
    file = data / ".explain.work" / f"{card.content_id}.jpg"
    files.write_bytes(file, contact_sheet.encode(_below_each_other(rows)))
    return file


def _turned(pair: dict[str, Any], content_id: str) -> dict[str, Any]:
    """The pair with this picture's part first."""
    if pair["id_one"] == content_id:
        return pair
    return pair | {"view_one": pair["view_two"], "view_two": pair["view_one"], "id_two": pair["id_one"]}


def _beside(own: Image.Image, other: Image.Image, pair: dict[str, Any]) -> Image.Image:
    shown = ImageOps.mirror(other) if pair["mirrored"] else other
    parts = [hashes.VIEWS.get(pair[name] or "", similarity.WHOLE) for name in ("view_one", "view_two")]
    if pair["mirrored"]:
        x0, y0, x1, y1 = parts[1]
        parts[1] = (1 - x1, y0, 1 - x0, y1)
    fit = similarity.align(similarity.thumbnail(own), similarity.thumbnail(shown), *parts)
    said = "copies" if pair["confirmed"] else "not copies"
    measured = "" if pair["difference"] is None else f", difference {pair['difference']:.3f}"
    mirrored = ", shown mirrored" if pair["mirrored"] else ""
    title = f"{pair['id_two'][:16]}: {said}{measured}, {pair['reason']}{mirrored}"
    return _row([own, shown, difference_map(fit)], title)


def difference_map(fit: similarity.Fit) -> Image.Image:
    """White to red by the residual over the contrast, grey outside."""
    strength = np.clip(np.sqrt(((fit.target - fit.predicted) ** 2).mean(2)) / (fit.contrast + 1e-3), 0, 1)[..., None]
    colours = 255 - strength * np.array([46.0, 182.0, 164.0])
    colours[~fit.inside] = 190
    return Image.fromarray(colours.astype(np.uint8))


def _marked(picture: Image.Image, box: list[float] | None) -> Image.Image:
    """A copy with a box drawn in, wide enough to be seen at the sheet's size."""
    drawn = picture.copy()
    if box is not None:
        width = max(1, round(max(picture.size) / SIDE_PX * 2))
        ImageDraw.Draw(drawn).rectangle([round(v) for v in box], outline="#d1495b", width=width)
    return drawn


def _row(pictures: list[Image.Image], title: str) -> Image.Image:
    row = Image.new("RGB", (3 * (SIDE_PX + GAP_PX) + GAP_PX, SIDE_PX + LINE_PX + GAP_PX), PAPER)
    ImageDraw.Draw(row).text((GAP_PX, 3), title, fill=INK, font=ImageFont.load_default(12))
    for number, picture in enumerate(pictures):
        small = ImageOps.contain(picture, (SIDE_PX, SIDE_PX))
        row.paste(small, (GAP_PX + number * (SIDE_PX + GAP_PX), LINE_PX))
    return row


def _below_each_other(rows: list[Image.Image]) -> Image.Image:
    whole = Image.new("RGB", (rows[0].width, sum(row.height for row in rows)), PAPER)
    for number, row in enumerate(rows):
        whole.paste(row, (0, sum(r.height for r in rows[:number])))
    return whole
