"""rapidocr-onnxruntime, the text detector that some use as a watermark filter, in a virtual environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

VENV = Path(tempfile.gettempdir()) / "scgan-bench-rapidocr"
_PROGRAM = """
import json, sys
from rapidocr_onnxruntime import RapidOCR
engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
print(json.dumps([bool(engine(path)[0]) for path in sys.stdin.read().split()]))
"""


def flagged_by_rapidocr(pictures: list[Image.Image]) -> list[bool]:
    """Whether it reads any text in each picture, at its defaults. Installs it at the first call."""
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
    return [bool(flag) for flag in json.loads(done.stdout.splitlines()[-1])]
