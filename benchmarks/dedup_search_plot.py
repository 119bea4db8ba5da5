"""The plot of `dedup_search`: seconds for all pairs against the number of hashes, both axes logarithmic."""

from __future__ import annotations

from pathlib import Path


def draw(lines: dict[int, dict[int, float]], target_s: dict[int, float], plot: Path) -> None:
    """Write the seconds a count of hashes, a line a distance, the targets at a million dotted."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), dpi=120)
    for distance, line in lines.items():
        axes.loglog(list(line), list(line.values()), "o-", label=f"distance ≤ {distance}")
        axes.axhline(target_s[distance], ls=":", lw=0.8, color=axes.lines[-1].get_color())
    axes.set(xlabel="hashes", ylabel="seconds for all pairs", title="dotted: the targets at a million")
    axes.set_ylim(top=2 * max(seconds for line in lines.values() for seconds in line.values()))
    axes.legend()
    figure.tight_layout()
    plot.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(plot)
    plt.close(figure)
