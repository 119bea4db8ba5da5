"""Picture features for KID: MobileNetV2 with torchvision's ImageNet weights, globally average-pooled, 1,280 numbers.

KID in the literature is computed on Inception-v3 features; figures on other features rank systems on the same data but
are not comparable with published ones, so every result carries `NAME`. The input is resized to 224 × 224 (bilinear,
antialiased, no centre crop: our pictures are square and already cropped) and normalised with ImageNet's mean and
standard deviation, as the network was trained.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import mobilenet_v2

from scgan_data import weights

NAME = "MobileNetV2 ImageNet (torchvision V1), average pool, 1280-d, 224 px bilinear"
DIMENSION = 1280
INPUT_PX = 224
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def load(device: torch.device) -> nn.Module:
    """MobileNetV2's convolutional part with real weights, frozen, in eval mode. Raises WeightsError.

    channels_last halves its time on the CPU (47 ms of CPU time a picture instead of 90). Nothing is drawn from torch's
    random numbers, which belong to the training that measures its KID.
    """
    with torch.device("meta"):  # no initial weights, which would be random ones
        network: nn.Module = mobilenet_v2(weights=None)
    found = torch.load(weights.find("mobilenet-v2"), map_location="cpu", weights_only=True)
    network.load_state_dict(found, assign=True)
    body = network.get_submodule("features").eval().requires_grad_(False)
    return body.to(device).to(memory_format=torch.channels_last)


def prepare(pictures: Tensor) -> Tensor:
    """Pictures in [-1, 1] of any size as the network wants them: (B, 3, 224, 224), ImageNet-normalised."""
    size = (INPUT_PX, INPUT_PX)
    resized = F.interpolate(pictures, size=size, mode="bilinear", align_corners=False, antialias=True)
    mean, std = (resized.new_tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return ((resized + 1) / 2 - mean) / std


@torch.no_grad()
def extract(network: nn.Module, pictures: Tensor, *, batch_size: int = 32) -> Tensor:
    """(N, 3, H, W) in [-1, 1] -> (N, 1280) float32 on the CPU, computed in batches on the network's device."""
    if pictures.ndim != 4 or pictures.shape[1] != 3:
        raise ValueError(f"expected (N, 3, H, W), got {tuple(pictures.shape)}")
    device = next(network.parameters()).device
    batches = (pictures[i : i + batch_size] for i in range(0, len(pictures), batch_size))
    pooled = [
        network(prepare(batch.to(device).float()).to(memory_format=torch.channels_last)).mean(dim=(2, 3)).cpu()
        for batch in batches
    ]
    return torch.cat(pooled) if pooled else torch.empty(0, DIMENSION)
