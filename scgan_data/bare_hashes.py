"""What `dedup` needs of a picture that nobody collected: hashes and contrast as `hashes` has them, in one of two modes.

`QUICK` decodes a JPEG's luma at the least of 1/8, 1/4, 1/2 that leaves 96 pixels, and reckons with the block that ends
beyond the picture's edge: 92 % of 200 hashes of 1-megapixel JPEGs and 93 % of 30 of press photographs equal those of
the whole, the others are 2 bits off; as many as of hashes of the whole without a rounding between (`hashes.of_parts`).
With that block taken for a whole one it was 66 % and 63 %, and 128 pixels, then needed, 86 % and 77 % for 1.4 times the
time. `EXACT` takes `phash` of the whole, and every one equals imagehash's. The decoder's own luma would save a third of
the decoding, but it is not the luma of the RGB pixels: rounded, and off where a colour was clipped.

Neither measures sharpness, which 96 pixels do not show and which costs 5 % of `EXACT`'s time: it is measured where
the order of copies needs it (`bare.sharpened`), and by `filter`, which opens the file anyway.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import imagehash
from PIL import Image

from scgan_data import hashes, images
from scgan_data.hashes import DecodeConfig
from scgan_data.images import Picture, UndecodableError

QUICK: Literal["phash/L/reduced"] = "phash/L/reduced"
"""JPEGs decoded at reduced size, then as `hashes.MODE`."""
EXACT: Literal["phash/L"] = "phash/L"
"""`phash` of the whole picture; the others as `hashes.MODE`."""
MODULES = ("scgan_data.bare_hashes", "scgan_data.lanczos_kernels", *hashes.MODULES)
"""The modules whose source decides what `hashed` returns."""
QUICK_SIDE_PX = 96
"""Three pixels a sample of `phash`, one and a half of `phash256`."""


def hashed(data: bytes, config: DecodeConfig, mode: str) -> dict[str, Any]:
    """`hashes.measure`'s columns but `pixel_id` and `sharpness`, hashed as `mode` says."""
    side_px = QUICK_SIDE_PX if mode == QUICK else None
    try:
        picture = _decoded(data, config, side_px)
    except UndecodableError as error:
        return hashes.refused(error)
    whole = picture.image if picture.image.mode == "L" else picture.image.convert("L")
    luma = hashes.reduced(whole)
    found = _exact(whole, luma) if mode == EXACT else _quick(luma, picture.full_px or whole.size)
    told = {**hashes.of_file(picture), "file_bytes": len(data), "contrast": hashes.contrast(luma)}
    return {**told, "hash_mode": mode, **found}


def _exact(whole: Image.Image, luma: Image.Image) -> dict[str, str]:
    from scgan_data import lanczos_kernels  # numba takes half a second to import

    phash = imagehash.phash(lanczos_kernels.reduced(whole, 32))
    return hashes.of_parts(luma) | {"phash": str(phash)}


def _quick(luma: Image.Image, full_px: tuple[int, int]) -> dict[str, str]:
    block_px = -(-max(full_px) // max(luma.size))
    return hashes.of_parts(luma, (full_px[0] / block_px, full_px[1] / block_px))


def sharpness(file: Path, size_px: tuple[int, int], config: DecodeConfig) -> float | None:
    """The sharpness of a picture of that width and height; None where it is not to be had."""
    side_px = max(1, hashes.MEASURED_SIDE_PX * min(size_px) // max(size_px))
    try:
        picture = _decoded(file.read_bytes(), config, side_px)
    except (UndecodableError, OSError):
        return None
    return hashes.sharpness_contrast(hashes.reduced(picture.image.convert("L")))[0]


def _decoded(data: bytes, config: DecodeConfig, side_px: int | None) -> Picture:
    return images.decode(data, max_bytes=config.max_bytes, max_pixels=config.max_pixels, luma_of_px=side_px)
