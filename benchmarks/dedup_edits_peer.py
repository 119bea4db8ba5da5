"""imagededup's PHash on a folder, in a virtual environment of its own that is made at the first run.

Only imagededup and what we lack are installed there (`--no-deps`); torch, numpy and Pillow, which it imports, are those
of our environment, so that both decode with the same libraries.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

NAME = "imagededup 0.3.3.post2"
WANTED = ("imagededup==0.3.3.post2", "scikit-learn", "joblib", "threadpoolctl", "PyWavelets", "cloudpickle", "narwhals")
VENV = Path(tempfile.gettempdir()) / "scgan-bench-imagededup-phash"
DEFAULT_DISTANCE = 10
"""`find_duplicates`' own."""
_HASH = """
import json, sys, time
from imagededup.methods import PHash
method = PHash(verbose=False)
started = time.monotonic()
hashes = method.encode_images(sys.argv[1], num_enc_workers=int(sys.argv[2]))
print(json.dumps([time.monotonic() - started, hashes]))
"""


@dataclass(frozen=True)
class Hashed:
    """What imagededup made of a folder."""

    seconds: float
    """Of `encode_images` alone, its imports left out."""
    hashes: dict[str, str]
    """By file name, hexadecimal; files that it could not read are missing."""


def hash_folder(folder: Path, workers: int) -> Hashed:
    """Run `PHash.encode_images` over a folder in a process of its own."""
    command = [str(_python()), "-W", "ignore", "-c", _HASH, str(folder), str(workers)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    seconds, hashes = json.loads(done.stdout.splitlines()[-1])
    return Hashed(seconds, hashes)


def _python() -> Path:
    python = VENV / "bin" / "python"
    if not (VENV / "installed").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "--no-deps", *WANTED], check=True)
        there = sysconfig.get_path("purelib", vars={"base": str(VENV), "platbase": str(VENV)})
        Path(there, "ours.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        (VENV / "installed").touch()
    return python
