"""The extra `dense` for the benchmark alone: ai-edge-litert in a folder of its own, behind everything on the path."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from scgan_data.records import Region
from scgan_data.regions import dense
from scgan_data.regions.head import Real

FOLDER = Path(tempfile.gettempdir()) / "scgan-bench-litert"


def install() -> None:
    """Make ai-edge-litert importable here. Installs it at the first call."""
    if not (FOLDER / "done").is_file():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(FOLDER)]
        subprocess.run([*command, "ai-edge-litert==2.3.0"], check=True)
        (FOLDER / "done").touch()
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))


def boxes(pictures: Sequence[Image.Image], points: Real) -> dict[Region, Real]:
    """{region: (N, 4)} of the pictures' faces with these (N, 5, 2) points; zeros where the model sees no face."""
    install()
    found = [dense.boxes(picture, five) for picture, five in zip(pictures, points, strict=True)]
    return {region: np.stack([one.get(region, np.zeros(4)) for one in found]) for region in dense.PARTS}
