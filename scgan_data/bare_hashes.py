"""What `dedup` needs of a picture that nobody collected: `hashes.measure` without a pixel id, in one of two modes.

`QUICK` decodes a JPEG's luma at the least of 1/8, 1/4, 1/2 that leaves 128 pixels: 86 % of 200 hashes of 1-megapixel
JPEGs and 77 % of 30 of press photographs equal those of the whole, the others are 2 bits off; sharpness is within 10 %.
`EXACT` takes `phash` of the whole, and every one equals imagehash's. The decoder's own luma would save a third of the
decoding, but it is not the luma of the RGB pixels: rounded, and off where a colour was clipped.
"""

from __future__ import annotations

from typing import Any, Literal

import imagehash

from scgan_data import hashes, images
from scgan_data.hashes import DecodeConfig
from scgan_data.images import UndecodableError

QUICK: Literal["phash/L/draft"] = "phash/L/draft"
"""JPEGs decoded at reduced size, then as `hashes.MODE`."""
EXACT: Literal["phash/L"] = "phash/L"
"""`phash` of the whole picture; the others as `hashes.MODE`."""
MODULES = ("scgan_data.bare_hashes", "scgan_data.lanczos_kernels", *hashes.MODULES)
"""The modules whose source decides what `hashed` returns."""
QUICK_SIDE_PX = 128


def hashed(data: bytes, config: DecodeConfig, mode: str) -> dict[str, Any]:
    """`hashes.measure`'s columns but `pixel_id`, hashed as `mode` says."""
    side_px = QUICK_SIDE_PX if mode == QUICK else None
    try:
        picture = images.decode(data, max_bytes=config.max_bytes, max_pixels=config.max_pixels, luma_of_px=side_px)
    except UndecodableError as error:
        return hashes.refused(error)
    luma = picture.image if picture.image.mode == "L" else picture.image.convert("L")
    columns = {**hashes.of_file(picture), "hash_mode": mode, **hashes.of_luma(hashes.reduced(luma))}
    if mode == EXACT:
        from scgan_data import lanczos_kernels  # numba takes half a second to import

        columns["phash"] = str(imagehash.phash(lanczos_kernels.reduced(luma, 32)))
    return {**columns, "file_bytes": len(data)}
