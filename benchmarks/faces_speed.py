"""How fast faces are found: batches against one by one, against onnxruntime, and the whole `crop` stage.

    python -m benchmarks.faces_speed

The same fp32 network (MobileNet0.25) and input size throughout. `one by one` is the network as the package builds it,
a picture a call, with torch's own threads on all cores (and, stated too, one thread in each of two processes);
`batched` is what ships: channels last, batches of a fixed number of places, one thread in each of two processes;
onnxruntime runs the publisher's ONNX file on the same batches, one thread in each of two processes as well. Rounds are
interleaved and medians taken, so that a busy moment hits all; on a busy machine torch's own threads wait for one
another, and `one by one` is far too slow. The stage runs whole, decoding and writing included, on two numbers of
pictures, so that the start of its workers drops out of the difference. retinaface-pytorch's `predict_jsons` runs
another network, ResNet50 (random weights cost the same).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from benchmarks import faces_equal_peer as peer
from benchmarks.faces_equal import random_weights
from benchmarks.results import Figure, write
from scgan_data import crop, files, images, manifest, weights
from scgan_data.crop import CropConfig
from scgan_data.cropped import Crop
from scgan_data.faces import batches, retinaface
from scgan_data.records import SELFIE
from scgan_data.stage import open_stage

SIZES = ((256, 256), (416, 320), (640, 640))
"""Canvases (height, width): the closer look's, a first look's, a second look's."""
ROUNDS, ROUND_SECONDS = 7, 0.7
FEW, MANY, PREDICTED = 40, 160, 4
_OURS = """
import sys, time, numpy as np, torch
from scgan_data.faces import retinaface, retinaface_mobilenet
from scgan_data import weights
batched = sys.argv[1] == "batched"
if batched:
    torch.set_num_threads(1)
    net = retinaface.network()
else:
    net = retinaface_mobilenet.build(weights.find("retinaface-mobilenet"))
device = next(net.parameters()).device
layout = torch.channels_last if batched else torch.contiguous_format
with torch.inference_mode():
    for line in sys.stdin:
        times, file = line.split()
        batch = torch.from_numpy(np.load(file))
        calls = [call.contiguous(memory_format=layout) for call in ([batch] if batched else batch.split(1))]
        started = time.perf_counter()
        for _ in range(int(times)):
            for call in calls:
                out = [t.cpu() for t in net(call.to(device))]
        print(time.perf_counter() - started, flush=True)
"""


def main() -> None:
    """Measure and write."""
    model = weights.find("retinaface-mobilenet")
    ways = {  # started together: they import torch meanwhile
        "one by one": Way([_ours("one by one", os.cpu_count() or 1)]),
        "one by one, a thread in each of two processes": Way([_ours("one by one", 1) for _ in range(2)]),
        "batched": Way([_ours("batched", 1) for _ in range(2)]),
        "onnxruntime": Way([peer.onnx_session(model, 1) for _ in range(2)]),
    }
    with tempfile.TemporaryDirectory() as folder:
        figures = [f for size in SIZES for f in _network(ways, size, Path(folder))]
        for way in ways.values():
            for process in way.processes:
                process.communicate()
        write("faces_speed", [*figures, *_end_to_end(Path(folder))])


@dataclass(frozen=True)
class Way:
    """Processes of one kind that run at the same time."""

    processes: list[subprocess.Popen[str]]

    def seconds(self, times: int, file: Path) -> float:
        """Of `times` runs over the batch of a file in each of the processes, the slowest one's."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"{times} {file}\n")
            process.stdin.flush()
        return max(float(p.stdout.readline()) for p in self.processes if p.stdout is not None)


def _network(ways: dict[str, Way], size: tuple[int, int], folder: Path) -> list[Figure]:
    """One canvas: the three ways, and how far onnxruntime's outputs are from ours."""
    places = batches.places_of(size, "cpu")
    batch, file = _batch(size, places), folder / f"{size[0]}.npy"
    np.save(file, batch)
    rates: dict[str, list[float]] = {name: [] for name in ways}
    times = {name: max(2, round(ROUND_SECONDS / max(_warm(way, file), 1e-3))) for name, way in ways.items()}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            pictures = times[name] * places * len(way.processes)
            rates[name].append(pictures / way.seconds(times[name], file))
    rate = {name: float(np.median(seen)) for name, seen in rates.items()}
    name, unit = f"{size[1]} × {size[0]}, batches of {places}", "pictures a second on two cores"
    least, single, onnx = 20.0 if _has_cuda() else 1.5, rate["one by one"], rate["onnxruntime"]
    return [
        *(Figure(f"{name}: {way}", round(value, 1), unit) for way, value in rate.items()),
        Figure(f"{name}: batched / one by one", round(rate["batched"] / single, 2), "times", least),
        Figure(f"{name}: batched / onnxruntime", round(rate["batched"] / onnx, 2), "times", 0.7),
        Figure(f"{name}: outputs", _apart(batch, file), "largest difference from onnxruntime's", 1e-4, at_most=True),
    ]


def _warm(way: Way, file: Path) -> float:
    """Seconds of a run after the first, which pays for imports and for memory."""
    way.seconds(1, file)
    return way.seconds(2, file) / 2


def _batch(size: tuple[int, int], places: int) -> NDArray[np.float32]:
    """(places, 3, H, W) as the network wants it: a photograph with different noise."""
    rng = np.random.default_rng(0)
    photograph = np.asarray(Image.fromarray(data.astronaut()).resize((size[1], size[0])), np.float32)
    held = np.stack([photograph + rng.normal(0, 4, photograph.shape).astype(np.float32) for _ in range(places)])
    return np.ascontiguousarray((held[..., ::-1] - np.asarray(retinaface.MEAN_BGR, np.float32)).transpose(0, 3, 1, 2))


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _ours(how: str, threads: int) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-W", "ignore", "-c", _OURS, how]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _apart(batch: NDArray[np.float32], file: Path) -> float:
    """The largest difference of boxes, scores and points, in the network's own units."""
    import torch

    net = retinaface.network()
    with torch.inference_mode():
        boxes, logits, points = net(torch.from_numpy(batch).to(next(net.parameters()).device))
    ours = [t.cpu().numpy() for t in (boxes, logits.softmax(-1), points)]
    with np.load(f"{file}.out.npz") as out:
        theirs = [out[name] for name in ("arr_0", "arr_1", "arr_2")]
    return max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))


def _end_to_end(folder: Path) -> list[Figure]:
    """The stage on photographs of 1024 px as JPEG; its phases apart; predict_jsons on the same pictures."""
    rows = _photographs(folder / "pictures", MANY)
    seconds = {n: _stage(rows.head(n), folder / f"out{n}") for n in (FEW, MANY)}
    wall = (seconds[MANY] - seconds[FEW]) / (MANY - FEW)
    phases = _phases(rows.head(FEW))
    loaded = [np.asarray(images.load(path)) for path in rows["path"].head(PREDICTED)]
    took, _ = peer.predict_jsons(random_weights(0, folder), loaded, max_size=640, threshold=0.7)
    theirs = PREDICTED / took
    return [
        Figure(
            "crop stage, two workers: decode, detect, crop, write", round(1 / wall, 1), "pictures of 1024 px a second"
        ),
        *(Figure(f"one process, {name}", round(1000 * s, 1), "ms a picture") for name, s in phases.items()),
        Figure(
            "phases of one picture / the stage's time a picture",
            round(sum(phases.values()) / wall, 2),
            "times: they overlap",
        ),
        Figure(
            "predict_jsons loop, ResNet50 (another network), detection alone", round(theirs, 2), "pictures a second"
        ),
        Figure("crop stage / predict_jsons loop (another network)", round(1 / wall / theirs, 1), "times"),
    ]


def _photographs(folder: Path, count: int) -> pd.DataFrame:
    """The astronaut, cut and scaled differently each time."""
    folder.mkdir()
    rng, whole, rows = np.random.default_rng(1), Image.fromarray(data.astronaut()), []
    for k in range(count):
        left, top = rng.integers(0, 100, 2)
        picture = whole.crop((int(left), 0, int(left) + 340, 340 + int(top))).resize((1024, 1024 + 3 * int(top)))
        path = folder / f"{k}.jpg"
        picture.save(path, quality=92)
        content = path.read_bytes()
        rows.append({"id": files.id_of_bytes(content), "domain": SELFIE, "status": "kept", "path": str(path)})
    return manifest.table(rows)


def _stage(rows: pd.DataFrame, out: Path) -> float:
    started = time.perf_counter()
    with open_stage("crop", out) as stage:
        stage.commit(crop.run(rows, CropConfig(), stage, workers=2))
    return time.perf_counter() - started


def _phases(rows: pd.DataFrame) -> dict[str, float]:
    """Seconds a picture of what the stage's function does, one after the other in one process, one thread."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    config, clock, marks = CropConfig(), time.perf_counter, []
    crop.crop_batch(rows.head(8), config)  # weights, anchors
    marks.append(clock())
    pictures = [images.load(path) for path in rows["path"]]
    marks.append(clock())
    found = [f for k in range(0, len(pictures), 16) for f in crop.find_faces(pictures[k : k + 16], SELFIE, config)]
    marks.append(clock())
    for picture, faces in zip(pictures, found, strict=True):
        answer = crop.cut(picture, faces, SELFIE, config)
        if isinstance(answer, Crop):
            images.encode_png(answer.image)
    marks.append(clock())
    torch.set_num_threads(threads)
    return dict(zip(("decode", "detect", "crop and encode"), (np.diff(marks) / len(rows)).tolist(), strict=True))


if __name__ == "__main__":
    main()
