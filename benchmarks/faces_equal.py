"""RetinaFace on ResNet50 in our batches against retinaface-pytorch's own `predict_jsons`, one picture at a time.

    python -m benchmarks.faces_equal [--file WEIGHTS]

The published weights cannot be had from everywhere, so both run the same architecture with random weights of stated
seeds (or with a file of yours). Random heads answer .5 everywhere; theirs are scaled until a few anchors in a hundred
pass the threshold, spread over the picture, so that decoding, thresholds and suppression all have work to do. The
pictures are scikit-image's, at sizes that need no reduction (the package's is not anti-aliased, ours is). With a canvas
of the picture's own size the answers must be equal; with the canvas that ships, a multiple of 32 px, so must those of
pictures of such a size, and for the others the largest difference is stated: the network sees zeros at right and below
where it else would see nothing.

Targets are for the network in float64, where what is left is the package's rounding to two digits: it shows that both
compute the same. In float32, which both ship, the random heads, whose logits were scaled up, show what the last digits
of convolutions in another order come to: stated, and on one processor .0003 of a score more than the rounding.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from benchmarks import faces_equal_peer as peer
from benchmarks.results import Figure, write
from scgan_data.faces import retinaface_resnet50
from scgan_data.faces.face import Face
from scgan_data.faces.retinaface import detect_by

SEEDS = (0, 1)
SIZES = ((320, 320), (320, 224), (256, 320), (300, 320), (320, 211))
"""Width, height; the longer side is what both are told to reduce to, so that neither reduces."""
LONGER_PX, THRESHOLD = 320, 0.7
PRECISIONS = ("float64", "float32")
TOLERANCE = 0.0051
"""`predict_jsons` rounds boxes and points (px) and scores to two digits: .005, and a little for float64's own."""
PASSING = 0.02
"""Share of the anchors that random heads let pass."""


@dataclass(frozen=True)
class Difference:
    """How far two lists of answers are apart."""

    faces: int
    unmatched: int
    xyxy_px: float
    landmarks_px: float
    score: float


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, help="a state dict to compare with, instead of random ones")
    given = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        files = [given.file] if given.file else [random_weights(seed, Path(folder)) for seed in SEEDS]
        for file, precision in itertools.product(files, PRECISIONS):
            figures += _compare(file, f"weights {file.stem}", precision)
    write("faces_equal", figures)


def pictures() -> list[NDArray[np.uint8]]:
    """Crops of photographs, of several sizes."""
    sources = [getattr(data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket", "astronaut")]
    return [np.asarray(Image.fromarray(s).resize(size)) for s, size in zip(sources, SIZES, strict=True)]


def random_weights(seed: int, folder: Path) -> Path:
    """A state dict of the package's architecture, its heads scaled so that `PASSING` of the anchors pass."""
    torch.manual_seed(seed)
    net = retinaface_resnet50.empty()
    net.train()
    with torch.no_grad():  # normalisations that fit their input, so that the features vary over the picture
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        batch = np.stack([np.asarray(Image.fromarray(p).resize((256, 256))) for p in pictures()])
        net((torch.from_numpy(batch).permute(0, 3, 1, 2).float() - 116) / 58)
        net.eval()
        logits = net((torch.from_numpy(batch).permute(0, 3, 1, 2).float() - 116) / 58)[1]
        margin = logits[..., 1] - logits[..., 0]
        scale = 6 / margin.std()
        shift = np.log(THRESHOLD / (1 - THRESHOLD)) - scale * torch.quantile(margin.flatten()[::7], 1 - PASSING)
        for head in net.ClassHead:
            head.conv1x1.weight *= scale
            head.conv1x1.bias *= scale
            head.conv1x1.bias[1::2] += shift
    file = folder / f"seed {seed}.pth"
    torch.save(net.state_dict(), file)
    return file


class Float64(torch.nn.Module):
    """A network that computes in float64; what it is given and what it says are float32 as ever."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = copy.deepcopy(net).double()

    def forward(self, x_nchw: torch.Tensor) -> list[torch.Tensor]:
        """What the network says of x (B, 3, H, W)."""
        return [said.float() for said in self.net(x_nchw.double())]


def _compare(file: Path, name: str, precision: str) -> list[Figure]:
    held = pictures()
    _, theirs = peer.predict_jsons(file, held, max_size=LONGER_PX, threshold=THRESHOLD, precision=precision)
    images = [Image.fromarray(p) for p in held]
    figures = []
    fits = [k for k, size in enumerate(SIZES) if size[0] % 32 == 0 and size[1] % 32 == 0]
    for label, step, members, holds in (
        ("own canvas", 1, list(range(len(SIZES))), True),
        ("canvas that ships, sizes of 32", 32, fits, True),
        ("canvas that ships, other sizes", 32, [k for k in range(len(SIZES)) if k not in fits], False),
    ):
        recipe = retinaface_resnet50.recipe(file, step_px=step)
        if precision == "float64":
            recipe = replace(recipe, network=partial(Float64, recipe.network()))
        ours = detect_by(recipe, [images[k] for k in members], min_score=THRESHOLD, max_side_px=LONGER_PX)
        apart = difference(ours, [theirs[k] for k in members])
        target = TOLERANCE if holds and precision == "float64" else None
        figures += _figures(f"{name}, {precision}, {label}", apart, target)
    return figures


def difference(ours: list[list[Face]], theirs: list[list[dict[str, Any]]]) -> Difference:
    """Each of their faces against the nearest of ours in the same picture."""
    apart: list[tuple[float, float, float]] = []
    count = unmatched = 0
    for mine, answers in zip(ours, theirs, strict=True):
        known = [a for a in answers if a["bbox"]]
        count += len(known)
        unmatched += abs(len(mine) - len(known))
        for answer in known:
            near = min(mine, key=lambda f: float(np.abs(np.array(f.xyxy) - answer["bbox"]).max()), default=None)
            if near is not None:
                box = float(np.abs(np.array(near.xyxy) - answer["bbox"]).max())
                marks = float(np.abs(near.landmarks - np.array(answer["landmarks"])).max())
                apart.append((box, marks, abs(near.score - answer["score"])))
    most = np.max(apart, 0) if apart else np.full(3, np.nan)
    return Difference(count, unmatched, *(float(v) for v in most))


def _figures(name: str, apart: Difference, most: float | None) -> list[Figure]:
    """Of one comparison; `most` is how far apart boxes, points and scores may be, None where nothing is promised."""
    unit = f"faces of {apart.faces} that one of the two does not have"
    none = None if most is None else 0.0
    return [
        Figure(f"{name}: unmatched", float(apart.unmatched), unit, none, at_most=True),
        Figure(f"{name}: boxes", round(apart.xyxy_px, 5), "px, largest difference", most, at_most=True),
        Figure(f"{name}: points", round(apart.landmarks_px, 5), "px, largest difference", most, at_most=True),
        Figure(f"{name}: scores", round(apart.score, 5), "largest difference", most, at_most=True),
    ]


if __name__ == "__main__":
    main()
