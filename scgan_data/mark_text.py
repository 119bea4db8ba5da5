"""mark_text: text recognition beside the watermark detector, and the rule by which a line of text is a mark.

Text alone is no answer: of 100 clean selfies rapidocr reads something in 29 (banners, shirts, shop signs). So a line
counts only for what it says: a site's name or a handle, a copyright, or words that stock agencies print over previews,
read with enough confidence. Off by default: it costs .4 s of one core a picture and the extra `ocr`, and adds little to
the network: it finds 5 of 10 marked pictures of the web (one more than the network's 7), 3 of 61 television frames with
an overlay (none more), 17 of 100 marked selfies (none more); it flags none of 161 clean ones. The sign © is mostly
dropped or read as @ or C; (c) and the word are read.

A site's name is a label and a domain of `DOMAINS`: the generic ones, those of picture makers and the large countries',
without those that are words (.it, .me, .in, .us); .example, which nobody can own, stands for any in the benchmarks.
Words are compared without spaces, which recognition loses. A short one (`sample`) must be the whole line; a long one
may be a part of it, or the line three quarters or more of the word, where a slanted text is read in pieces (of "not
for sale" two thirds are what hangs on any car).

Figures: benchmarks/results/filter_marks.md.
"""

from __future__ import annotations

import importlib.metadata
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from scgan_data.errors import ScganError

PACKAGE = "rapidocr-onnxruntime"
DOMAINS = (
    *("com", "net", "org", "info", "biz", "example"),
    *("photo", "photos", "photography", "pictures", "gallery", "studio", "art"),
    *("au", "br", "ca", "cn", "de", "eu", "fr", "jp", "kr", "nl", "pl", "ru", "uk"),
)
WORDS = (
    *("not for sale", "do not copy", "review copy", "preview", "sample", "proof", "watermark", "stock photo"),
    *("Shutterstock", "Getty Images", "iStock", "Alamy", "Dreamstime", "Depositphotos", "Adobe Stock", "123RF"),
    *("Bigstock", "Freepik", "VectorStock", "Stocksy", "Pond5", "Imago", "picture alliance"),
)
LONG = 8
"""Letters from which a word may be a part of a line, or a line most of a word."""
_SITE = re.compile(rf"(?<![a-z0-9-])[a-z0-9-]{{3,63}}(\.[a-z0-9-]{{2,}})*\.({'|'.join(DOMAINS)})(?![a-z0-9-])")
_HANDLE = re.compile(r"^\s*@\s?[a-z0-9_.]{3,}")
_COPYRIGHT = re.compile(r"©|\(c\)\s*(\w|$)|copyright|all\s*rights\s*reserved")

Box = tuple[int, int, int, int]


class Line(NamedTuple):
    """A recognised line of text."""

    text: str
    confidence: float
    """0 to 1."""
    xyxy: Box
    """In the picture's pixels."""


def first_mark(lines: Sequence[Line], *, words: Sequence[str] = WORDS, min_confidence: float = 0.8) -> Line | None:
    """The surest line that is a mark; None where there is none."""
    marks = [line for line in lines if line.confidence >= min_confidence and is_mark(line.text, words)]
    return max(marks, key=lambda line: (line.confidence, line.text), default=None)


def is_mark(text: str, words: Sequence[str] = WORDS) -> bool:
    """Whether a line names a site or a handle, claims a copyright, or carries one of the words."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if _SITE.search(plain) or _HANDLE.match(plain) or _COPYRIGHT.search(plain):
        return True
    return any(_carries(_letters(plain), _letters(word.casefold())) for word in words)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text)


def _carries(line: str, word: str) -> bool:
    if len(word) < LONG:
        return line == word
    return word in line or (line in word and 4 * len(line) >= 3 * len(word))


def version() -> str:
    """Of the recognition, which decides what is read. Raises ScganError where it is not installed."""
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise ScganError(
            f"`filter.watermark.text_recognition` needs {PACKAGE}, which is not installed: install the extra `ocr`"
        ) from None


def read(picture: Image.Image) -> list[Line]:
    """The lines of an RGB picture, as the recognition gives them."""
    found, _ = _engine()(np.asarray(picture)[:, :, ::-1].copy())
    return [Line(text, round(float(score), 6), _box(corners)) for corners, text, score in found or ()]


def _box(corners: Sequence[Sequence[float]]) -> Box:
    xy = np.asarray(corners, dtype=float)
    (x0, y0), (x1, y1) = np.floor(np.maximum(xy.min(0), 0)).astype(int), np.ceil(xy.max(0)).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


@cache
def _engine() -> Any:
    """One thread: the stage has a process a core."""
    version()
    from rapidocr_onnxruntime import RapidOCR

    return RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
