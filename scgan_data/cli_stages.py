"""The stages' commands, and `yield`: what DVC runs is what a person types. A body loads its section, calls it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scgan_data.cli_app import Dst, Params, Set, Src, Workers, app
from scgan_data.errors import ConfigError
from scgan_data.records import SELFIE, Reason

SOURCES = (
    "A folder, a list of URLs, an archive, a clip, a dataset on disk, a gallery's or sitemap's URL, `openverse:WORDS`, "
    "`commons:WORDS`, `flickr:WORDS`, or `sample`; repeatable, each with its own domain as `ink=drawings/`."
)


@app.command()
def collect(
    dst: Dst,
    domain: Annotated[
        str | None, typer.Option(help="`selfie` (the default), or the style's name, of the pictures of --from.")
    ] = None,
    from_: Annotated[list[str] | None, typer.Option("--from", metavar="SOURCE", help=SOURCES)] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Let --from reach addresses that are not public.")
    ] = False,
    until: Annotated[int | None, typer.Option(min=1, help="Stop at that many accepted pictures a domain.")] = None,
    judged: Annotated[
        Path | None, typer.Option(help="A later stage's folder: what it accepted and rejected, --until counts.")
    ] = None,
    retry: Annotated[
        list[Reason] | None, typer.Option(metavar="REASON", help="Ask once more for what ended so; repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list: what would be asked for, by query.")] = False,
    set_: Set = None,
    params: Params = None,
    workers: Workers = None,
) -> None:
    """Find pictures, fetch and decode each once, and record where it came from or why it did not come."""
    from scgan_data import collect as stage
    from scgan_data import config, contact, flow
    from scgan_data.sources.argument import source_from_argument

    settings = config.load(stage.CollectConfig, "collect", file=params, overrides=set_ or ())
    if domain and not from_:
        raise ConfigError(
            f"--domain {domain} says what the pictures of --from are: name them, or sources in params.yaml"
        )
    if from_:
        named = tuple(source_from_argument(text, domain or SELFIE, allow_private=allow_private) for text in from_)
        settings = settings.model_copy(update={"sources": named})
        if not dry_run:
            stage.refuse_dropping(settings, dst)
    elif params is None and not config.PARAMS_FILE.is_file():
        typer.echo("collect: neither params.yaml nor --from: the embedded sample, whose selfies are for research only")
    if until:
        settings = settings.model_copy(
            update={"budget": settings.budget.model_copy(update={"until": until, "judged": judged})}
        )
    settings = settings.model_copy(update={"fetch": contact.asked(settings.fetch)})
    if dry_run:
        flow.preview(settings, dst)
    else:
        flow.run_configured("collect", settings, None, dst, workers=workers, retry=tuple(retry or ()))


@app.command()
def dedup(src: Src, dst: Dst, set_: Set = None, params: Params = None, workers: Workers = None) -> None:
    """Keep the best of each set of equal, recompressed, resized, cropped or brightened copies.

    SRC may also be any folder of pictures, which are then read where they lie.
    """
    _run("dedup", src, dst, set_, params, workers)


@app.command(name="filter")
def filter_(src: Src, dst: Dst, set_: Set = None, params: Params = None, workers: Workers = None) -> None:
    """Reject small, long, blurred, flat and visibly watermarked pictures."""
    _run("filter", src, dst, set_, params, workers)


@app.command()
def crop(src: Src, dst: Dst, set_: Set = None, params: Params = None, workers: Workers = None) -> None:
    """Find the face and cut to head and shoulders, square, one size."""
    _run("crop", src, dst, set_, params, workers)


@app.command()
def annotate(src: Src, dst: Dst, set_: Set = None, params: Params = None, workers: Workers = None) -> None:
    """Box eyes, nose and mouth."""
    _run("annotate", src, dst, set_, params, workers)


@app.command()
def dataset(src: Src, dst: Dst, set_: Set = None, params: Params = None, workers: Workers = None) -> None:
    """Split, and write picture folders, metadata, COCO boxes, the dataset card and contact sheets."""
    _run("dataset", src, dst, set_, params, workers)


@app.command(name="yield")
def yield_(
    folder: Annotated[Path, typer.Argument(help="The folder that collect wrote.", show_default=False)],
    judged: Annotated[Path | None, typer.Option(help="A later stage's folder: its accepted pictures count.")] = None,
) -> None:
    """Print what each query and host gave: found, fetched, decoded, kept, accepted."""
    from rich.console import Console

    from scgan_data import manifest, yields

    rows, later = manifest.read(folder), manifest.read(judged) if judged else None
    console = Console()
    totals = yields.totals(rows, later)
    console.print(totals.by_query())
    console.print(totals.by_host())


def _run(stage: str, src: Path, dst: Path, set_: list[str] | None, params: Path | None, workers: int | None) -> None:
    from scgan_data import flow

    flow.run_stage(stage, src, dst, params=params, overrides=set_ or (), workers=workers)
