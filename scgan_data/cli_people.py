"""The commands with which people look at a dataset, correct it, and carry it to other tools and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from scgan_data import cli_stages, files  # noqa: F401  # the stages' commands are listed first
from scgan_data.cli_app import Params, Workers, app
from scgan_data.errors import StoppedError
from scgan_data.exchange.formats import Format


@app.command()
def match(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of crop, annotate or dataset.", show_default=False)
    ],
    style: Annotated[str | None, typer.Option(help="Only this style (default: every style).")] = None,
    out: Annotated[Path, typer.Option(help="Where match.json and the sheets go.")] = Path("reports/match"),
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    fix: Annotated[
        Literal["crop", "rebalance"] | None,
        typer.Option(help="`crop`: settings that align framing; `rebalance`: whom to leave out."),
    ] = None,
    keep: Annotated[
        float, typer.Option(min=0, max=1, help="Least share of the larger domain that rebalancing keeps.")
    ] = 0.7,
    write: Annotated[
        bool, typer.Option("--write", help="Put the fix into params.yaml, or into review/rebalance.jsonl.")
    ] = False,
    params: Params = None,
    workers: Workers = None,
) -> None:
    """Compare how selfies and each style are framed, lit and coloured: what a GAN would learn by mistake."""
    from scgan_data.matching import command

    asked = command.look(folder, style, out, workers=workers)
    if fix == "crop":
        command.mend_crop(asked, params, write=write, say=typer.echo)
    elif fix == "rebalance":
        command.mend_balance(asked, keep=keep, write=write, params=params, say=typer.echo)
    else:
        command.report(asked, out, json=json)


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(help="A stage's folder.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Print what a stage kept and rejected, by domain and reason."""
    from rich.console import Console

    from scgan_data import manifest
    from scgan_data import show as view

    summary = manifest.summary(manifest.read(folder))
    if json:
        typer.echo(files.as_json(summary))
    else:
        Console().print(view.table(summary, str(folder)))


@app.command()
def whatif(
    changes: Annotated[
        list[str],
        typer.Argument(metavar="STAGE.LIMIT=VALUE...", help="For example filter.min_sharpness.selfie=.3"),
    ],
    folder: Annotated[Path | None, typer.Option(help="The stage's folder (default: the project's, in data/).")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Where to draw the pictures that would flip.")] = None,
    no_sheet: Annotated[bool, typer.Option("--no-sheet", help="Open no picture.")] = False,
    params: Params = None,
) -> None:
    """Print the funnel that changed limits would give, and draw the pictures that would flip; nothing is changed."""
    from rich.console import Console

    from scgan_data.limits import whatif as limits

    change = limits.what_if(changes, folder, params)
    Console().print(limits.funnel(change))
    for note in change.notes:
        typer.echo(note)
    if not no_sheet:
        from scgan_data.limits import flip_sheet

        drawn = flip_sheet.draw(change, sheet or limits.default_sheet(change))
        typer.echo(f"the pictures that would flip: {drawn}" if drawn else "no picture would flip")


@app.command()
def tune(
    stage: Annotated[str, typer.Argument(help="`filter`.")],
    check: Annotated[str, typer.Option(help="The limit to fit, or what it measures.")] = "max_watermark_score",
    goal: Annotated[float, typer.Option(help="Largest fraction of bad pictures among the kept.")] = 0.01,
    confidence: Annotated[float, typer.Option(help="How sure to be of it.")] = 0.95,
    judgements: Annotated[int, typer.Option(min=1, help="Pictures to judge, all domains together.")] = 100,
    answers: Annotated[
        Path | None, typer.Option(help="Take answers from a file of lines {id, bad} instead of asking.")
    ] = None,
    unproven: Annotated[
        bool, typer.Option("--unproven", help="Write limits that the judgements do not prove.")
    ] = False,
    folder: Annotated[Path | None, typer.Option(help="The filter's folder (default: the project's, in data/).")] = None,
    params: Params = None,
) -> None:
    """Judge some pictures on a local page; the limits that this proves to reach a goal go into params.yaml."""
    from scgan_data.config import PARAMS_FILE
    from scgan_data.errors import ConfigError
    from scgan_data.limits.judgements import FILE
    from scgan_data.limits.tune import Goal, tuning

    if stage != "filter":
        raise ConfigError(f"tune {stage}: only the limits of `filter` are fitted to judgements")
    work = tuning(check, Goal(goal, confidence, judgements), folder, params)
    try:
        said = work.ask(FILE, answers, lambda url: typer.echo(f"judge at {url} (Ctrl-C stops; answers are kept)"))
    except KeyboardInterrupt:
        raise StoppedError(f"tune stopped; answers are kept in {FILE}, the same command goes on from here") from None
    fits = work.fits(said)
    for line in work.report(fits):
        typer.echo(line)
    written = work.write(fits, params or PARAMS_FILE, unproven=unproven)
    typer.echo(f"{params or PARAMS_FILE}: {', '.join(written) or 'nothing'} changed")


@app.command()
def explain(
    picture: Annotated[str, typer.Argument(metavar="ID", help="A picture's id, or the beginning of it.")],
    data: Annotated[Path, typer.Option(help="The folder of the stages' folders.")] = Path("data"),
    no_sheet: Annotated[bool, typer.Option("--no-sheet", help="Open no picture.")] = False,
    params: Params = None,
) -> None:
    """Print what every stage decided of a picture, its values and limits, and draw it beside its copies."""
    from rich.console import Console

    from scgan_data.limits import explain as limits

    card = limits.explain(picture, data)
    console = Console()
    for view in limits.card(card, params):
        console.print(view)
    if not no_sheet:
        from scgan_data.limits import comparison_sheet

        drawn = comparison_sheet.draw(card, data)
        typer.echo(f"drawn: {drawn}" if drawn else "its file is not here: nothing to draw")


@app.command(name="export")
def export_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A stage's folder.", show_default=False)],
    out: Annotated[Path, typer.Argument(help="Folder to write; an earlier export is replaced.", show_default=False)],
    format_: Annotated[Format, typer.Option("--format", help="The other tool's format.")],
    shard: Annotated[int, typer.Option(min=1, help="Pictures in each tar of a WebDataset.")] = 1000,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT even where it is no export of ours.")] = False,
) -> None:
    """Write the kept pictures of a stage and their boxes for another tool."""
    from scgan_data.exchange.export import export

    count = export(folder, out, format_, shard=shard, force=force)
    typer.echo(f"{out}: {count} pictures as {format_}")


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="What the other tool wrote.", show_default=False)],
    folder: Annotated[Path, typer.Option(help="The stage's folder that was exported.")],
    format_: Annotated[Format, typer.Option("--format", help="The other tool's format.")],
    into: Annotated[Path, typer.Option(help="Verdicts to append to.")] = Path("review/verdicts.jsonl"),
    reviewer: Annotated[str | None, typer.Option(help="Who moved the boxes (default: as the file says).")] = None,
    tolerance: Annotated[
        float, typer.Option(min=1e-6, metavar="PX", help="A side that moved by no more than that did not move.")
    ] = 0.02,
) -> None:
    """Append the boxes that people moved, drew or deleted in another tool to the verdicts."""
    from scgan_data.exchange.importing import import_file

    news = import_file(file, folder, format_, into, reviewer=reviewer, tolerance_px=tolerance)
    if not news.pictures:
        typer.echo(f"{file}: it speaks of no picture (a task that nobody annotated says nothing); nothing added")
    elif not news.entries:
        typer.echo(f"{file}: {news.pictures} pictures read, every box as it stands; nothing added")
    else:
        said = f"{news.boxes} boxes of {len(news.entries)} pictures changed"
        typer.echo(f"{file}: {news.pictures} pictures read, {said}, added to {into}")
    if news.moved_points:
        typer.echo(f"{news.moved_points} pictures have moved points: verdicts hold boxes only, these were left out")


@app.command()
def review(
    folder: Annotated[Path, typer.Argument(help="A stage's folder, for example data/05_annotate.", show_default=False)],
    reviewer: Annotated[
        str | None, typer.Option(help="Who you are (default: git's user.email, else the login name).")
    ] = None,
    verdicts_file: Annotated[Path, typer.Option("--verdicts", help="Where verdicts are kept.")] = Path(
        "review/verdicts.jsonl"
    ),
    host: Annotated[str, typer.Option(help="Another address to listen on, for a phone in the same network.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Accept, reject and correct pictures and their boxes on a local page; Ctrl-C ends."""
    from scgan_data.review import command, serving

    def announce(url: str) -> None:
        if serving.is_open(host):
            typer.secho(f"warning: {host} is open to your network; the address below is the key", err=True, fg="yellow")
        typer.echo(f"review at {url} (Ctrl-C ends; every verdict is stored at once)")
        if not no_browser:
            serving.browse(url)

    name = reviewer or command.default_reviewer()
    typer.echo(command.review(folder, verdicts_file, name, announce, host=host, port=port))


@app.command()
def verdicts(
    file: Annotated[Path | None, typer.Argument(help="A verdicts file (default: review/verdicts.jsonl).")] = None,
    named: Annotated[Path | None, typer.Option("--verdicts", help="The same, as `review` has it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Print who said what, how far reviewers agree, what is disputed, and what audits found."""
    from rich.console import Console

    from scgan_data.errors import ScganError
    from scgan_data.review import agreement
    from scgan_data.verdicts import FILE, read_verdicts

    if file and named:
        raise ScganError(f"{file} and --verdicts {named}: name one verdicts file")
    given = file or named or FILE
    if given != FILE and not given.is_file():
        raise ScganError(f"{given}: no such file; `review --verdicts` says where verdicts are kept, by default {FILE}")
    found = agreement.summary(read_verdicts(given))
    if json:
        typer.echo(files.as_json(found.as_json()))
    else:
        for view in agreement.views(found):
            Console().print(view)
