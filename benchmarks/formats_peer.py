"""The formats' own tools, in a virtual environment that is made at the first run (about a gigabyte, two minutes)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scgan_data.records import Region

WANTED = (
    "pycocotools==2.0.11",
    "label-studio-sdk==2.1.2",
    "supervision==0.31.2",
    "datumaro==1.13.12",
    "webdataset==1.0.2",
    "mlcroissant==1.1.1",
)
VENV = Path(tempfile.gettempdir()) / "scgan-bench-formats"
_PROGRAM = Path(__file__).with_name("formats_tools.py")


def ask(exports: Path) -> dict[str, Any]:
    """What each tool reads of the exports below a folder (see formats_tools.py)."""
    answer = exports / "answer.json"
    environment = os.environ | {"SCGAN_REGIONS": json.dumps([str(region) for region in Region])}
    environment.pop("PYTHONPATH", None)
    command = [str(_python()), "-W", "ignore", str(_PROGRAM), str(exports), str(answer)]
    subprocess.run(command, check=True, env=environment)
    said: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return said


def _python() -> Path:
    python = VENV / "bin" / "python"
    if not (VENV / "installed").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *WANTED], check=True)
        (VENV / "installed").touch()
    return python
