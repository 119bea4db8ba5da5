"""The `train` section of params.yaml: every size, every weight, and every choice that the paper leaves open.

`preset` gives the base and any key set beside it overrides, so `--set train.preset=faithful` alone turns the demo's run
into the paper's. The fields' own defaults are the demo: 64 px, five minutes on one CPU core that calculates in bf16,
ten on one that does not (figures in `step.py`). Keys that hold for one preset only are therefore better left out of
params.yaml.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from scgan_data.config import Config
from scgan_data.errors import ConfigError
from scgan_model.presets import PRESETS

Preset = Literal["demo", "faithful", "paper", "fast"]


class LossConfig(Config):
    """Weights of Eq. 8 and Eq. 4, and the forms of each loss that the paper leaves open."""

    gan: Literal["lsgan", "vanilla"] = "lsgan"
    """`vanilla` is Eq. 1 and 2 as printed (the generator's half non-saturating); `lsgan` replaces the logarithm by a
    square, which needs no tuned balance of the two sides: the demo's few hundred steps leave no time to find one."""
    alpha: float = Field(default=10.0, ge=0)
    """Weight of both cycle losses (Eq. 8)."""
    beta: float = Field(default=2.0, ge=0)
    """Weight of the total variation of the cartoon (Eq. 6); 0 is Table 3's 'without TV'. The demo doubles the paper's
    against the noise that its few steps leave in the cartoons."""
    gamma: float = Field(default=0.5, ge=0)
    """Weight of the perceptual loss (Eq. 7); 0 loads no VGG19 and gives Table 4's A and B."""
    lambda_whole: float = Field(default=1.0, ge=0)
    """Weight of the whole picture in the attentive cycle (Eq. 4)."""
    lambda_eyes: float = Field(default=0.5, ge=0)
    """Weight of the eyes in Eq. 4; the three regions at 0 give the plain cycle (Table 4's A)."""
    lambda_nose: float = Field(default=0.5, ge=0)
    """Weight of the nose in Eq. 4."""
    lambda_mouth: float = Field(default=0.5, ge=0)
    """Weight of the mouth in Eq. 4."""
    identity: float = Field(default=0.0, ge=0)
    """Weight of CycleGAN's identity loss |G_AB(y) - y| + |G_BA(x) - x|: absent from Eq. 8, hence 0."""
    regions_by: Literal["crop_reconstruction", "feed_crops"] = "crop_reconstruction"
    """Eq. 4's x^j read as the region of the whole picture's reconstruction, or as a crop fed through both generators.
    The first keeps the networks at one scale and costs nothing; the second adds two passes of three crops a picture."""
    region_reduction: Literal["mean", "sum"] = "mean"
    """A region's norm averaged over its own pixels, or summed and divided by the pixels of the whole picture. A mean
    gives an eye the say of the paper's λ whatever its size; in a sum an eye of 3 % of the area has 3 % of it."""
    tv_form: Literal["anisotropic", "isotropic", "squared"] = "anisotropic"
    """|∇G| of Eq. 6: |dx| + |dy|, or sqrt(dx² + dy²), or dx² + dy². The first leaves the flat areas and straight edges
    of a drawing alone; the square punishes edges."""
    perceptual_layer: Literal["conv4_4", "relu4_4"] = "conv4_4"
    """VGG19's layer in Eq. 7 before or after its ReLU. CartoonGAN, where the paper takes it from, uses it before."""
    perceptual_scale: Literal["relative", "raw"] = "relative"
    """`relative` divides Eq. 7 by the mean |VGG_l| of the training photographs, so that γ weighs a relative error
    whatever the resolution and the weights' origin; `raw` drowns every other loss (figures in `losses.perceptual`)."""


class TrainConfig(Config):
    """How one style is trained."""

    preset: Preset = "demo"
    """The base values: `demo` (64 px, minutes on two cores); `faithful`, also called `paper` (256 px, 200 epochs, batch
    1, fp32, CycleGAN's schedule); `fast` (the same model and number of pictures in bf16 and batches of 16, its rates
    raised by the root of the batch, with averaged weights). The last two need a GPU."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Seed of the initial weights, the order of pictures, the augmentation and the pools."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; `auto` is CUDA where there is one."""
    threads: int = Field(default=1, ge=0, le=256)
    """CPU threads. The demo's 1 gives the same weights on any number of cores, and keeps its pace on a busy machine (a
    step takes .3 s there, with two threads that wait for each other 1.7 s). 0 becomes the number of
    usable cores when training starts, and is recorded: sums of floats depend on it, so a resumed run uses the number
    that it began with."""
    precision: Literal["auto", "fp32", "tf32", "bf16"] = "auto"
    """Arithmetic of the convolutions (autocast); losses, weights and Adam stay in fp32. `auto` becomes bf16 on CUDA and
    on CPUs that calculate in it, else fp32 (on an AVX2 machine, which imitates it, a step of the demo took 10 s in bf16
    instead of .7), and is recorded: a resumed run uses what it began with. `tf32` rounds the factors of products to 10
    bits on CUDA, as torch does by itself; elsewhere it is fp32."""
    deterministic: bool = False
    """Only operations whose results do not depend on the order of threads: a resumed run is bit-equal on a GPU too, and
    slower. An operation that has no such form (`loss.regions_by: feed_crops` on CUDA) stops the training with its name.
    CPUs need it not."""
    memory_format: Literal["contiguous", "channels_last"] = "contiguous"
    """Order of a picture's numbers in memory. Tensor cores want channels_last; a CPU is 6 % slower with it."""
    compile: Literal["auto", "off"] = "off"
    """`auto` compiles the networks (torch.compile) on CUDA: a minute or two at the start, results different in the last
    bits. Not on a CPU, where the convolutions, 80 % of a step, are the same library's either way."""

    resolution_px: int = Field(default=64, ge=16, le=1024)
    """Side of the pictures that the networks see: a power of two."""
    load_px: int = Field(default=64, ge=16, le=2048)
    """Side to which pictures are resized; where larger than resolution_px a random square of that is cut out of it."""
    flip: bool = True
    """Mirror half of the pictures, their region boxes with them."""
    generator_channels: int = Field(default=32, ge=1, le=256)
    """Width of the U-Net's first level; the paper's 64 gives 54,409,603 parameters at 256 px."""
    upsampling: Literal["transposed", "resize"] = "transposed"
    """The U-Net's way up: pix2pix's 4x4 transposed convolution, or nearest-neighbour then a 3x3 convolution."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout of the U-Net's inner levels. pix2pix has .5 as its only noise; in a cycle noise is an error that nothing
    can reconstruct, so CycleGAN's public code and we leave it off."""
    discriminator_channels: int = Field(default=32, ge=1, le=256)
    """Width of the PatchGAN's first layer; the paper's 64 gives 2,764,737 parameters."""
    discriminator_layers: int = Field(default=3, ge=1, le=5)
    """Strided layers of the PatchGAN: 3 judge patches of 70x70 px, 2 of 34x34, 1 of 16x16."""

    batch_pairs: int = Field(default=2, ge=1, le=1024)
    """Selfies, and as many portraits, a step."""
    steps: int | None = Field(default=900, ge=1)
    """Length of the training in steps; null where `epochs` gives it."""
    epochs: int | None = Field(default=None, ge=1)
    """Length in passes over the larger of the two domains; null where `steps` gives it."""
    constant_fraction: float = Field(default=0.5, ge=0, le=1)
    """Part of the training at the full learning rate, before it falls linearly to 0."""
    generator_lr: float = Field(default=1e-3, gt=0, le=1)
    """Adam's learning rate of both generators."""
    discriminator_lr: float = Field(default=4e-4, gt=0, le=1)
    """Adam's learning rate of both discriminators. Where the loss `d_b` falls towards 0 they won, and cartoons turn
    back into photographs: lower it. At 128 px a quarter of this kept 4,200 steps even (benchmarks/train_long)."""
    lr_rule: Literal["fixed", "sqrt"] = "fixed"
    """`sqrt` multiplies both rates by the root of batch_pairs: with Adam, whose steps have the gradient's sign and not
    its size, the noise of a gradient falls by that root, so a batch of 16 may go 4 times as far. `fixed` takes them as
    they are. Fewer steps of the same length learn less: the usual disappointment with large batches. At 64 px, after
    2,400 pairs: cycle error .140 and KID 1.18 with batch 1, .141 and 1.19 with 16 and `sqrt`, .280 and 1.42 with 16 and
    `fixed` (benchmarks/train_presets); at 256 px and to the end of a training it is not measured."""
    adam_beta1: float = Field(default=0.5, ge=0, lt=1)
    """Adam's first momentum."""
    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Decay a step of the generators' moving average, which samples, KID, evaluation and translation then use; None is
    off: the paper has none, and the demo's rate falls to 0, which averages as well. `fast` has .999, about the last
    thousand of its steps: usual for GANs, and not measured here against other decays or none."""
    pool_images: int = Field(default=50, ge=0, le=10_000)
    """Past fakes of each domain from which the discriminators see half of theirs (CycleGAN's pool); 0 is none."""

    log_every_steps: int = Field(default=10, ge=1)
    """Steps averaged into one line of metrics.jsonl."""
    sample_every_steps: int = Field(default=100, ge=1)
    """Steps between two sample grids and held-out cycle errors."""
    checkpoint_every_steps: int = Field(default=50, ge=1)
    """Steps between two checkpoints: what a kill costs at most. A multiple of log_every_steps."""
    keep_checkpoints: int = Field(default=1, ge=1, le=1000)
    """The last checkpoints kept while a training runs, to go back to; 190 MB each at the demo's size, 1.4 GB at the
    paper's. The finished model holds the last one."""
    kid_every_steps: int | None = Field(default=None, ge=1)
    """Steps between two KIDs of the held-out selfies' cartoons against the style's portraits; the checkpoint with the
    least is kept as best.pt. None is off: the demo's 60 selfies would cost about 3 s a time and say little."""
    sample_selfies: int = Field(default=8, ge=1, le=64)
    """Test selfies (the first by id) in a grid."""
    tensorboard: bool = False
    """Write every line and grid for TensorBoard too (extra `tensorboard`), into the model's folder. Changes no number:
    an unfinished run goes on whatever it was before."""

    loss: LossConfig = LossConfig()
    """Weights and forms of the losses."""

    @model_validator(mode="before")
    @classmethod
    def _on_top_of_preset(cls, given: Any) -> Any:
        """Fill what is not given from the preset; a length given in one unit silences the preset's in the other."""
        if not isinstance(given, dict) or not isinstance(given.get("preset", "demo"), str):
            return given
        base = dict(PRESETS.get(given.get("preset", "demo"), {}))
        if given.get("epochs") is not None and "steps" not in given:
            base["steps"] = None
        if given.get("steps") is not None and "epochs" not in given:
            base["epochs"] = None
        merged = base | given
        if isinstance(given.get("loss"), dict):
            merged["loss"] = base.get("loss", {}) | given["loss"]
        return merged

    @field_validator("resolution_px")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value & (value - 1):
            raise ValueError("must be a power of two: each level of the U-Net halves it")
        return value

    @field_validator("load_px")
    @classmethod
    def _no_smaller(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("resolution_px", 0):
            raise ValueError(f"must be at least resolution_px, {info.data['resolution_px']}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs, and null for the other")
        if self.resolution_px < 4 * 2**self.discriminator_layers:
            raise ValueError(f"discriminator_layers = {self.discriminator_layers} leave no patch of resolution_px")
        if self.checkpoint_every_steps % self.log_every_steps:
            raise ValueError("checkpoint_every_steps must be a multiple of log_every_steps")
        return self

    @property
    def lr_scale(self) -> float:
        """What `lr_rule` multiplies both learning rates by."""
        return math.sqrt(self.batch_pairs) if self.lr_rule == "sqrt" else 1.0

    def resolved(self, *, begun: Mapping[str, Any] | None = None) -> TrainConfig:
        """The same with what depends on the machine filled in: the device; where `threads` is 0 or `precision` is
        `auto`, what an unfinished run began with, or else what suits the machine. Raises ConfigError where the device
        is a GPU and there is none."""
        import torch

        begun = begun or {}
        device = self.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cuda" and not torch.cuda.is_available():
            raise ConfigError("train.device = cuda, and torch finds no GPU here; leave it at auto, or set it to cpu")
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        suited = "bf16" if device == "cuda" or _calculates_in_bf16() else "fp32"
        precision = begun.get("precision", suited) if self.precision == "auto" else self.precision
        threads = self.threads or begun.get("threads") or usable
        return self.model_copy(update={"device": device, "threads": threads, "precision": precision})


def _calculates_in_bf16() -> bool:
    """Whether this machine's CPU has instructions for bf16; without them it is imitated, many times slower."""
    import torch

    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in checks)
