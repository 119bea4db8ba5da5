"""Training curves and pairs of distributions as inline SVG, drawn by matplotlib in the page's own colours.

Matplotlib writes fixed colours; those of `_INKS` are turned into the page's CSS variables afterwards, so that one chart
serves the light and the dark page. Text stays text (the reader's system font), and nothing in the SVG points outside.
"""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

SIZE_INCHES, PAIR_INCHES = (4.0, 1.9), (3.2, 1.1)
PAIR_BINS = 28

_INKS = {"#010101": "--ink", "#020202": "--muted", "#030303": "--line", "#040404": "--accent"}
_INK, _MUTED, _LINE, _ACCENT = _INKS
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": _LINE,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "xtick.color": _LINE,
    "xtick.labelcolor": _MUTED,
    "ytick.color": _LINE,
    "ytick.labelcolor": _MUTED,
    "ytick.major.size": 0,
    "axes.labelcolor": _MUTED,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def curve(steps: pd.Series[float], values: pd.Series[float], *, label: str, marked_step: int | None = None) -> Markup:
    """One quantity over the steps as an SVG element: every logged value faint, a running mean strong, the last marked.

    Values that are not finite are left out. `marked_step` has a ring. `label` is what a screen reader says.
    """
    known = pd.DataFrame({"step": steps, "value": values}).replace([np.inf, -np.inf], np.nan).dropna()
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": label}):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        smooth = known["value"].ewm(span=max(2, len(known) // 20)).mean()
        dense = len(known) > 40
        axes.plot(known["step"], known["value"], color=_ACCENT, linewidth=0.8, alpha=0.3 if dense else 0)
        axes.plot(known["step"], smooth if dense else known["value"], color=_ACCENT, linewidth=1.8)
        if len(known):
            axes.plot(
                known["step"].iloc[-1:], (smooth if dense else known["value"]).iloc[-1:], "o", color=_ACCENT, ms=4
            )
            axes.set_ylim(bottom=min(0.0, float(known["value"].min())))
        ringed = known[known["step"] == marked_step]
        axes.plot(
            ringed["step"], ringed["value"], "o", color=_INK, markerfacecolor="none", ms=8, mew=1.4, clip_on=False
        )
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        return inline_svg(figure, label)


def distributions(grey: pd.Series[float], strong: pd.Series[float], *, label: str) -> Markup:
    """Two distributions in the same bins as an SVG element: one a grey area, one a strong line, each of area 1.

    The outermost half percent of both together is put into the last bins. `label` is what a screen reader says.
    """
    both = np.concatenate([grey.to_numpy(float), strong.to_numpy(float)])
    low, high = np.quantile(both, [0.005, 0.995]).tolist()
    room = 0.03 * (high - low) or 1e-6 + abs(low) * 0.01
    edges = np.linspace(low - room, high + room, PAIR_BINS + 1)
    shares = [np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] / max(1, len(v)) for v in (grey, strong)]
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": label, "axes.grid": False}):
        figure = Figure(figsize=PAIR_INCHES, layout="constrained")
        axes = figure.add_subplot()
        axes.stairs(shares[0], edges, fill=True, color=_MUTED, alpha=0.35)
        axes.stairs(shares[1], edges, color=_ACCENT, linewidth=1.6)
        axes.set_yticks([])
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        return inline_svg(figure, label)


def inline_svg(figure: Figure, label: str) -> Markup:
    """A figure as an `<svg>` element to stand inside HTML."""
    sink = StringIO()
    figure.set_canvas(FigureCanvasSVG(figure))
    figure.savefig(sink, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = sink.getvalue()
    svg = text[text.index("<svg") :]
    svg = re.sub(r'<svg width="[^"]*" height="[^"]*"', "<svg", svg, count=1)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # ids of groups would repeat from chart to chart; nothing refers to them
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # it would hold for the whole page
    svg = re.sub(r"font-family: [^;]*;", "", svg)  # the page's font
    svg = svg.replace("xlink:href", "href").replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    for colour, variable in _INKS.items():
        svg = svg.replace(colour, f"var({variable})")
    return Markup(svg.replace("<svg", Markup('<svg role="img" aria-label="{}"').format(label), 1))
