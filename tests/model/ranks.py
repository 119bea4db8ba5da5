"""A training by two processes of a real torchrun, for the tests of ranks."""

import os
import subprocess
import sys
from pathlib import Path

from scgan_model.config import TrainConfig
from tests.model.training import SCRIPT

LONGEST_S = 240
"""A run that has not ended then hangs."""


def torchrun(folder: Path, dataset: Path, model: Path, config: TrainConfig, *, before: str = "", code: int = 0) -> str:
    """What two processes say; `before` is Python that both run first."""
    script = folder / "script.py"
    script.write_text(before + SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(
        [*command, str(dataset), str(model), config.model_dump_json()],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(folder)},
    )
    assert done.returncode == code, done.stderr
    return done.stderr


def errors_of(said: str) -> list[str]:
    """The lines that say an error, without that word."""
    return [line.removeprefix("error: ") for line in said.splitlines() if line.startswith("error: ")]
