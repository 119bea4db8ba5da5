"""What `dedup` needs of a picture that nobody collected: `hashes.measure` without a pixel id, in one of two modes.

`QUICK` decodes a JPEG's luma at the least of 1/8, 1/4, 1/2 that leaves 96 pixels, and reckons with the block that ends
beyond the picture's edge: 92 % of 200 hashes of 1-megapixel JPEGs and 93 % of 30 of press photographs equal those of
the whole, the others are 2 bits off; as many as of hashes of the whole without a rounding between (`hashes.of_parts`).
With that block taken for a whole one it was 66 % and 63 %, and 128 pixels, then needed, 86 % and 77 % for 1.4 times the
time. What is decoded to fewer than 256 pixels shows no sharpness: it is left out, and measured where the order of
copies needs it (`bare.sharpened`), or by `filter`, which opens the file anyway.

`EXACT` takes `phash` of the whole, and every one equals imagehash's. The decoder's own luma would save a third of the
decoding, but it is not the luma of the RGB pixels: rounded, and off where a colour was clipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import imagehash
from PIL import Image

from scgan_data import hashes, images
from scgan_data.hashes import DecodeConfig
from scgan_data.images import UndecodableError

QUICK: Literal["phash/L/reduced"] = "phash/L/reduced"
"""JPEGs decoded at reduced size, then as `hashes.MODE`."""
EXACT: Literal["phash/L"] = "phash/L"
"""`phash` of the whole picture; the others as `hashes.MODE`."""
MODULES = ("scgan_data.bare_hashes", "scgan_data.lanczos_kernels", *hashes.MODULES)
"""The modules whose source decides what `hashed` returns."""
QUICK_SIDE_PX = 96
"""Three pixels a sample of `phash`, one and a half of `phash256`."""


def hashed(data: bytes, config: DecodeConfig, mode: str) -> dict[str, Any]:
    """`hashes.measure`'s columns but `pixel_id`, hashed as `mode` says; no `sharpness` where too little is decoded."""
    side_px = QUICK_SIDE_PX if mode == QUICK else None
    try:
        picture = images.decode(data, max_bytes=config.max_bytes, max_pixels=config.max_pixels, luma_of_px=side_px)
    except UndecodableError as error:
        return hashes.refused(error)
    luma = picture.image if picture.image.mode == "L" else picture.image.convert("L")
    of_luma = _exact(luma) if mode == EXACT else _quick(luma, picture.full_px or luma.size)
    return {**hashes.of_file(picture), "hash_mode": mode, **of_luma, "file_bytes": len(data)}


def _exact(luma: Image.Image) -> dict[str, Any]:
    from scgan_data import lanczos_kernels  # numba takes half a second to import

    phash = imagehash.phash(lanczos_kernels.reduced(luma, 32))
    return hashes.of_luma(hashes.reduced(luma)) | {"phash": str(phash)}


def _quick(luma: Image.Image, full_px: tuple[int, int]) -> dict[str, Any]:
    luma = hashes.reduced(luma)
    block_px = -(-max(full_px) // max(luma.size))
    sharpness, contrast = hashes.sharpness_contrast(luma)
    told = max(luma.size) >= min(hashes.MEASURED_SIDE_PX, max(full_px))
    extent_px = (full_px[0] / block_px, full_px[1] / block_px)
    return {**hashes.of_parts(luma, extent_px), "sharpness": sharpness if told else None, "contrast": contrast}


def sharpness(file: Path, size_px: tuple[int, int]) -> float | None:
    """The sharpness that `hashed` left out of a picture of that width and height; None where it is not to be had."""
    least_px = max(1, hashes.MEASURED_SIDE_PX * min(size_px) // max(size_px))
    try:
        luma = images.decode(file.read_bytes(), luma_of_px=least_px).image.convert("L")
    except (UndecodableError, OSError):
        return None
    return hashes.sharpness_contrast(hashes.reduced(luma))[0]
