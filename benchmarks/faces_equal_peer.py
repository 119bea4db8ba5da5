"""retinaface-pytorch as its authors run it, and onnxruntime: in a virtual environment that is made at the first run.

Only what we lack is installed there (`--no-deps`): albumentations, which the package's `predict_single` imports, and
onnxruntime. torch, numpy and the package itself are those of our environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WANTED = (
    "albumentations==2.0.8",
    "albucore==0.0.24",
    "simsimd",
    "stringzilla",
    "opencv-python-headless",
    "onnxruntime",
    "flatbuffers",
    "protobuf",
    "packaging",
)
VENV = Path(tempfile.gettempdir()) / "scgan-bench-faces"
_PREDICT = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np, torch
from retinaface.predict_single import Model
state, pictures, max_size, threshold, precision = sys.argv[1:]
model = Model(max_size=int(max_size))
model.load_state_dict(torch.load(state, weights_only=True))
model.eval()
if precision == "float64":
    net = model.model.double()
    model.model = lambda x_nchw: [said.float() for said in net(x_nchw.double())]
answers, started = [], 0.0
with np.load(pictures) as held:
    loaded = [held[name] for name in held.files]
model.predict_jsons(loaded[0], confidence_threshold=float(threshold))
started = time.perf_counter()
for picture in loaded:
    answers.append(model.predict_jsons(picture, confidence_threshold=float(threshold)))
print(json.dumps([time.perf_counter() - started, answers], default=float))
"""
_ONNX = """
import sys, time
import numpy as np, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
for line in sys.stdin:
    times, file = line.split()
    batch = np.load(file)
    started = time.perf_counter()
    for _ in range(int(times)):
        session.run(None, {"input": batch})
    print(time.perf_counter() - started, flush=True)
    if times == "1":
        np.savez(file + ".out.npz", *session.run(None, {"input": batch}))
"""


def predict_jsons(
    state: Path, pictures: list[NDArray[np.uint8]], *, max_size: int, threshold: float, precision: str = "float32"
) -> tuple[float, list[list[dict[str, Any]]]]:
    """Seconds and answers of the package's `predict_jsons`, one picture after the other, with that state dict.

    `precision` is that of the network's arithmetic, float32 (the package's) or float64.
    """
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder) / "pictures.npz"
        np.savez(held, *pictures)
        command = [str(python()), "-c", _PREDICT, str(state), str(held), str(max_size), str(threshold)]
        command.append(precision)
        done = subprocess.run(command, env=_environment(), check=True, stdout=subprocess.PIPE, text=True)
    seconds, answers = json.loads(done.stdout.splitlines()[-1])
    return float(seconds), answers


def onnx_session(model: Path, threads: int) -> subprocess.Popen[str]:
    """A process that runs an ONNX file: for each line `TIMES FILE` of its input on a batch (`.npy`), printing seconds.

    Asked for once, it also writes the outputs beside the batch (`.out.npz`).
    """
    command = [str(python()), "-c", _ONNX, str(model), str(threads)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=_environment(), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)


def python() -> Path:
    """The interpreter of the environment, which is made if need be."""
    found = VENV / "bin" / "python"
    if not (VENV / "installed").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        subprocess.run([str(found), "-m", "pip", "install", "-q", "--no-deps", *WANTED], check=True)
        there = sysconfig.get_path("purelib", vars={"base": str(VENV), "platbase": str(VENV)})
        Path(there, "ours.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        (VENV / "installed").touch()
    return found


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"NO_ALBUMENTATIONS_UPDATE": "1"}
