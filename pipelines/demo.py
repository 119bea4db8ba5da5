"""`make demo`: `dvc repro` on the embedded sample, then where the report is and what it says.

It prints the last lines that a newcomer needs; everything else is what they would type themselves.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REPORT = Path("reports/index.html")


def main() -> int:
    """Reproduce the graph in the current folder; 0, or DVC's exit code."""
    started = time.monotonic()
    code = subprocess.run([sys.executable, "-m", "dvc", "repro"], check=False).returncode
    if code:
        return code
    print("\n".join([*_counts(), *_metrics(), f"finished in {(time.monotonic() - started) / 60:.1f} minutes"]))
    print(f"open the report: {REPORT.absolute().as_uri()}")
    return 0


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _counts() -> list[str]:
    summary = _read(Path("data/06_dataset/summary.json"))
    return [f"{domain}: {c['kept']} kept, {c['rejected']} rejected with a reason" for domain, c in summary.items()]


def _metrics() -> list[str]:
    lines = []
    for file in sorted(Path("reports/evaluation").glob("*/metrics.json")):
        systems = _read(file)
        before, after = systems["untrained"]["cycle_error"], systems["trained"]["cycle_error"]
        lines.append(f"{file.parent.name}: held-out cycle error {before:.3f} untrained, {after:.3f} trained")
    return lines


if __name__ == "__main__":
    sys.exit(main())
