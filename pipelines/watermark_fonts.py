"""The fonts of the marks that the watermark detector is trained on, and those held out to measure it with.

matplotlib ships DejaVu, STIX and Computer Modern; the others are font wheels of the package index (SIL Open Font
License, Caladea Apache 2.0), fetched once, checked against their sha256 and read from the archive, never installed.
Whole families are held out: Manrope, Caladea, Intuitive and the monospaced ones; `benchmarks/filter_marks.py` draws
with these alone, and with Pillow's own font.
"""

from __future__ import annotations

import zipfile
from functools import cache
from io import BytesIO
from pathlib import Path

import matplotlib
from PIL import ImageFont

from scgan_data import weights
from scgan_data.weights import Wheel

WHEELS = {
    wheel.package: wheel
    for wheel in (
        Wheel("font-amatic-sc", "0.0.4", "2db7342b0fc448ae8b9f64002b0998ccd0ed8f9307d0c823de8b95c53d01d11e"),
        Wheel("font-caladea", "0.0.2", "eab5b77f1da830226524f419d16d4bc4cb5b68d2de0f47ef83760a8b202e94bc"),
        Wheel("font-fredoka-one", "0.0.4", "f177fdb46dcb7be565a68ece3a7b353a92cf038554a037f57b6303f6a5478ff8"),
        Wheel("font-hanken-grotesk", "0.0.2", "7c3609e9bcdc2c9550b2a3baaed937eb7598fc1034e7df1ebcc4eb5489fa86f9"),
        Wheel("font-intuitive", "0.0.4", "344184f23f7fa1d3b8cee328f92d268dcf5e18d15e46ef979165863cb897924a"),
        Wheel("font-manrope", "0.0.2", "2ca9192f3602a3459323dfd7447c8c5ffa0795696c62fac465ef7c9b0521d292"),
        Wheel("font-source-sans-pro", "0.0.1", "2250396f565a0fea35726e56059216d1d5d75071d64d075ebdfec183b4b85765"),
        Wheel("font-source-serif-pro", "0.0.1", "38dd9a8d8027d22aa8ef2d10d27d7c558701b32772ff9f3790f509577e91dca4"),
    )
}
TRAINED = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSerif.ttf",
    "STIXGeneral.ttf",
    "STIXGeneralBol.ttf",
    "STIXGeneralItalic.ttf",
    "cmss10.ttf",
    "cmr10.ttf",
    "font-amatic-sc/AmaticSC-Bold.ttf",
    "font-amatic-sc/AmaticSC-Regular.ttf",
    "font-fredoka-one/FredokaOne-Regular.ttf",
    "font-hanken-grotesk/HankenGrotesk-Bold.otf",
    "font-hanken-grotesk/HankenGrotesk-Light.otf",
    "font-hanken-grotesk/HankenGrotesk-MediumItalic.otf",
    "font-source-sans-pro/SourceSansPro-Black.ttf",
    "font-source-sans-pro/SourceSansPro-BoldIt.ttf",
    "font-source-sans-pro/SourceSansPro-ExtraLight.ttf",
    "font-source-sans-pro/SourceSansPro-Regular.ttf",
    "font-source-sans-pro/SourceSansPro-Semibold.ttf",
    "font-source-serif-pro/SourceSerifPro-Black.ttf",
    "font-source-serif-pro/SourceSerifPro-Light.ttf",
    "font-source-serif-pro/SourceSerifPro-SemiboldIt.ttf",
)
"""`package/file` for a wheel's, a bare file for matplotlib's."""
HELD_OUT = (
    "",
    "DejaVuSansMono.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSerif-Bold.ttf",
    "cmtt10.ttf",
    "font-caladea/Caladea-BoldItalic.ttf",
    "font-caladea/Caladea-Regular.ttf",
    "font-manrope/Manrope-ExtraBold.ttf",
    "font-manrope/Manrope-Light.ttf",
    "font-manrope/Manrope-SemiBold.ttf",
)
"""Never trained with; the empty name is Pillow's own font."""
HANDWRITING_TRAINED = ("font-amatic-sc/AmaticSC-Regular.ttf", "STIXGeneralItalic.ttf")
HANDWRITING_HELD_OUT = ("font-intuitive/Intuitive.ttf",)
"""What signatures are written in, beside strokes."""


@cache
def font(name: str, size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font by its name in `TRAINED` or `HELD_OUT`. Raises WeightsError where its wheel cannot be had."""
    if not name:
        return ImageFont.load_default(size_px)
    return ImageFont.truetype(BytesIO(_bytes(name)), size_px)


@cache
def _bytes(name: str) -> bytes:
    package, _, file = name.rpartition("/")
    if not package:
        return (Path(matplotlib.get_data_path()) / "fonts" / "ttf" / file).read_bytes()
    with zipfile.ZipFile(weights.find_wheel(WHEELS[package])) as archive:
        return archive.read(f"{package.replace('-', '_')}/files/{file}")
