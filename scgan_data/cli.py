"""`scgan-data`: the program. Its commands are in `cli_stages` (one a stage) and `cli_people` (for people)."""

from __future__ import annotations

import sys

import typer

from scgan_data import cli_people  # noqa: F401  # its commands, and those of cli_stages
from scgan_data.cli_app import app
from scgan_data.errors import StoppedError, one_line


def main() -> None:
    """The console script."""
    run_app(app)


def run_app(application: typer.Typer) -> None:
    """Run a Typer application; an error that a user can act on is one line on standard error and exit code 1."""
    try:
        application()
    except Exception as error:
        line = one_line(error)
        if line is None:
            raise
        typer.secho(f"error: {line}", err=True, fg="red")
        sys.exit(error.exit_code if isinstance(error, StoppedError) else 1)


if __name__ == "__main__":
    main()
