"""The card of an exported model, as Markdown: its use, its data, its figures, how it was trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD = """---
pipeline_tag: image-to-image
tags: [scgan, cartoonization, portraits]
---
# Selfies to {style}

A U-Net that turns a head-and-shoulders photograph of {px} x {px} px into a cartoon portrait in the style `{style}`:
generator G_AB of scGAN (Li et al., "Everyone is a Cartoonist"), after {step} training steps.

    scgan translate FOLDER photo.jpg --out cartoons

`model.safetensors` takes (B, 3, {px}, {px}) RGB in [-1, 1] and gives the same; its metadata holds the configuration.

## Intended use

Cartoon portraits of people who agree to it, from photographs with one upright face. Not for recognising or judging
people, and not for passing its output off as the artist's hand. It was trained on faces: it may fail for ages, skin
tones, glasses or head wear that its photographs lack; figures on held-out photographs are of unseen pictures, not of
unseen kinds of people. What it may be used for follows from the licences of its pictures below.
"""
NO_DATA = (
    "The export named no dataset (`--dataset`), so its sources and licences are not known here: ask who made it.\n"
)
FIGURES = {"kid": "KID", "cycle_error": "cycle error", "average_gradient": "average gradient"}
SECTION = "## Sources and licences"


def model_card(
    facts: Mapping[str, str], config: Mapping[str, Any], dataset: str | None, figures: Mapping[str, Any] | None
) -> str:
    """The card. `dataset` is the dataset's own card, `figures` an evaluation's metrics.json."""
    parts = [
        HEAD.format(style=facts["style"], step=facts["step"], px=config["resolution_px"]),
        f"\n{SECTION} of the training pictures\n\n",
        _section(dataset) if dataset else NO_DATA,
        _evaluation(figures) if figures else "",
        "\n## Training\n\n",
        "".join(f"- {name}: `{facts[key]}`\n" for key, name in _ORIGIN.items() if key in facts),
        "".join(f"- `{key}`: {value}\n" for key, value in config.items() if key in _SHOWN),
    ]
    return "".join(parts)


_ORIGIN = {"git": "code (git)", "dvc": "dataset (DVC)", "dataset": "dataset (names and metadata)"}
_SHOWN = ("preset", "seed", "batch_pairs", "steps", "epochs", "generator_lr", "precision", "ema_decay", "loss")


def _section(card: str) -> str:
    """What the dataset's card says of sources and licences; all of the card where it has no such section."""
    _, found, rest = card.partition(f"{SECTION}\n")
    return (rest.partition("\n## ")[0] if found else card).strip() + "\n"


def _evaluation(figures: Mapping[str, Any]) -> str:
    """A row a system; the features that KID is of are named, since it compares with no other."""
    rows = [(name, row) for name, row in figures.items() if isinstance(row, Mapping)]
    cells = [
        " | ".join([name, *("" if row.get(key) is None else f"{row[key]:.4f}" for key in FIGURES)])
        for name, row in rows
    ]
    head = f"| system | {' | '.join(FIGURES.values())} |\n| --- {'| --- ' * len(FIGURES)}|\n"
    of = f"On {figures.get('n')} held-out photographs; features for KID: {figures.get('feature')}.\n\n"
    return "\n## Evaluation\n\n" + of + head + "".join(f"| {row} |\n" for row in cells)
