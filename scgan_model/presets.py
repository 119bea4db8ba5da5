"""The presets of the `train` section: what each sets away from the fields' defaults."""

from __future__ import annotations

from typing import Any

_FAITHFUL: dict[str, Any] = {
    "precision": "fp32",
    "threads": 0,
    "resolution_px": 256,
    "load_px": 286,
    "generator_channels": 64,
    "discriminator_channels": 64,
    "batch_pairs": 1,
    "steps": None,
    "epochs": 200,
    "generator_lr": 2e-4,
    "discriminator_lr": 2e-4,
    "log_every_steps": 50,
    "sample_every_steps": 5_000,
    "checkpoint_every_steps": 1_000,
    "keep_checkpoints": 3,
    "kid_every_steps": 10_000,
    "loss": {"gan": "vanilla"},
}
_FAST: dict[str, Any] = {
    "precision": "bf16",
    "memory_format": "channels_last",
    "compile": "auto",
    "batch_pairs": 16,
    "lr_rule": "sqrt",
    "ema_decay": 0.999,
    "sample_every_steps": 1_000,
    "kid_every_steps": 1_000,
}
PRESETS: dict[str, dict[str, Any]] = {
    "demo": {"loss": {"beta": 4.0}},
    "faithful": _FAITHFUL,
    "paper": _FAITHFUL,
    "fast": _FAITHFUL | _FAST,
}
"""What a preset sets away from the fields' defaults. Those of `LossConfig` are the paper's."""
