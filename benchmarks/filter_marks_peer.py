"""rapidocr-onnxruntime, the text detector that some use as a watermark filter: alone, and under our rule (`mark_text`).

It runs in a virtual environment of its own, so that this needs no extra.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.filter_marks_scores import Pictures, limit, scores
from benchmarks.results import Figure, share
from benchmarks.watermark_cases import KINDS, marked, selfies
from scgan_data import mark_text
from scgan_data.mark_text import Line
from scgan_data.records import SELFIE
from scgan_data.sample.selfies import MARKED

VENV = Path(tempfile.gettempdir()) / "scgan-bench-rapidocr"
_PROGRAM = """
import json, sys
from rapidocr_onnxruntime import RapidOCR
engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
print(json.dumps([[(text, score) for _, text, score in engine(path)[0] or ()] for path in sys.stdin.read().split()]))
"""


def text_recognition() -> list[Figure]:
    """Of 100 clean and 100 marked selfies: any text, text that is a mark by the rule, our score, either of both."""
    clean = [p for k, p in enumerate(selfies(), 1) if k not in MARKED][::9][:100]
    rng = np.random.default_rng(16)
    under = [marked(picture, KINDS[k % 3], rng)[0] for k, picture in enumerate(clean)]
    return [*_of("clean selfies", clean, at_most=0.01), *_of("marked selfies", under)]


def _of(name: str, pictures: Pictures, at_most: float | None = None) -> list[Figure]:
    read = read_by_rapidocr(pictures)
    ruled = np.array([mark_text.first_mark(lines) is not None for lines in read])
    scored = scores(pictures) > limit(SELFIE)
    return [
        share(f"{name}: rapidocr reads any text", [bool(lines) for lines in read]),
        share(f"{name}: text that is a mark by the rule", ruled, at_most, at_most=True),
        share(f"{name}: our score above the limit", scored),
        share(f"{name}: either", ruled | scored, at_most, at_most=True),
    ]


def read_by_rapidocr(pictures: Pictures) -> list[list[Line]]:
    """The lines of each picture, at its defaults, without their boxes. Installs it at the first call."""
    python = VENV / "bin" / "python"
    if not (VENV / "done").is_file():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        packages = ["rapidocr-onnxruntime==1.4.4", "opencv-python-headless"]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
        (VENV / "done").touch()
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{k}.png") for k in range(len(pictures))]
        for path, picture in zip(paths, pictures, strict=True):
            picture.save(path)
        command = [str(python), "-c", _PROGRAM]
        done = subprocess.run(command, input="\n".join(paths), capture_output=True, text=True, check=True)
    read = json.loads(done.stdout.splitlines()[-1])
    return [[Line(text, float(score), (0, 0, 0, 0)) for text, score in lines] for lines in read]
