"""The application that every command of `scgan-data` joins, and the arguments that several of them share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Src = Annotated[Path, typer.Argument(help="Folder of the stage before.", show_default=False)]
Dst = Annotated[Path, typer.Argument(help="Folder to write; replaced whole, at the end.", show_default=False)]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the section.")]
Params = Annotated[Path | None, typer.Option(help="Params file (default: params.yaml here, else built-in values).")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes (default: one a core).")]

app = typer.Typer(
    help="From pictures on the web or on disk to a versioned dataset of selfies and cartoon portraits.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
