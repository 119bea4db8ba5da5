"""RetinaFace on a ResNet50 body: the network of retinaface-pytorch, in batches.

With the package's own settings (ImageNet's normalisation, no margin, the best anchor's box and points) it answers what
the package's `predict_jsons` answers one picture at a time (benchmarks/faces_equal.py), apart from the reduction of
large pictures, which is anti-aliased here. Its weights are the package's release, or a file of your own. Imports torch
only when it is asked.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scgan_data import weights
from scgan_data.errors import WeightsError
from scgan_data.faces import batches
from scgan_data.faces.face import Face
from scgan_data.faces.retinaface import Recipe, detect_by

if TYPE_CHECKING:
    import torch

NAME = "retinaface-resnet50"
MEAN_RGB = (0.485, 0.456, 0.406)
STD_RGB = (0.229, 0.224, 0.225)
CHANNELS = 256
LEVELS = {"layer2": 1, "layer3": 2, "layer4": 3}


def detect(
    images: Sequence[Image.Image], *, min_score: float = 0.7, max_side_px: int = 640, file: Path | None = None
) -> list[list[Face]]:
    """The faces of each picture, best score first; `file` names weights of your own. Raises WeightsError."""
    return detect_by(recipe(file), images, min_score=min_score, max_side_px=max_side_px)


def recipe(file: Path | None = None, *, step_px: int = 32) -> Recipe:
    """How this network is run; with `step_px` 1 every picture's canvas is its own size, as in the package."""
    return Recipe(partial(network, file), _normalised, margin=0.0, voted=False, step_px=step_px)


def _normalised(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    mean, std = (255 * np.asarray(values) for values in (MEAN_RGB, STD_RGB))
    normalised: NDArray[np.float32] = ((rgb - mean) / std).astype(np.float32)
    return normalised


@lru_cache(maxsize=2)
def network(file: Path | None = None) -> torch.nn.Module:
    """The network with the weights of a file, or with the published ones: shapes as `batches.run` says.

    Raises WeightsError.
    """
    return batches.to_device(build(_state(file or weights.find(NAME)), file or NAME))


def build(state: dict[str, Any], source: Path | str) -> torch.nn.Module:
    """The network with these parameters; `source` is named where they do not fit. Raises WeightsError."""
    import torch

    with torch.device("meta"):
        net = empty()
    wanted = net.state_dict()
    wrong = sorted(
        name
        for name in wanted.keys() | state.keys()
        if name not in wanted or getattr(state.get(name), "shape", None) != wanted[name].shape
    )
    if wrong:
        raise WeightsError(
            f"{source} holds no weights of RetinaFace on ResNet50: {len(wrong)} of {len(wanted)} parameters are "
            f"missing, unknown or of another shape, {wrong[0]} first"
        )
    net.load_state_dict(state, assign=True)
    return net.eval()


def empty() -> torch.nn.Module:
    """The package's network, its parameters as torch initialises them."""
    from retinaface.net import FPN, SSH
    from retinaface.network import RetinaFace
    from torch import nn
    from torchvision.models import resnet50
    from torchvision.models._utils import IntermediateLayerGetter

    net: torch.nn.Module = RetinaFace.__new__(RetinaFace)
    nn.Module.__init__(net)  # the package's own constructor asks torchvision in a way that it warns of
    net.body = IntermediateLayerGetter(resnet50(weights=None), LEVELS)
    net.fpn = FPN([512, 1024, 2048], CHANNELS)
    net.ssh1, net.ssh2, net.ssh3 = (SSH(CHANNELS, CHANNELS) for _ in range(3))
    net.ClassHead = RetinaFace._make_class_head(3, CHANNELS)
    net.BboxHead = RetinaFace._make_bbox_head(3, CHANNELS)
    net.LandmarkHead = RetinaFace._make_landmark_head(3, CHANNELS)
    return net


def _state(file: Path) -> dict[str, Any]:
    """The state dict of a file as torch saves it, or of a zip archive that holds one such file."""
    import torch

    try:
        data = file.read_bytes()
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = archive.namelist()
                data = archive.read(members[0]) if len(members) == 1 else data
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{file} cannot be read: {error.strerror}") from None
    except Exception as error:  # torch and pickle raise whatever a broken file leads them to
        raise WeightsError(
            f"{file} holds no weights ({type(error).__name__}): truncated, or another kind of file"
        ) from None
    if not isinstance(state, dict):
        raise WeightsError(f"{file} holds a {type(state).__name__}, not a state dict")
    return state
