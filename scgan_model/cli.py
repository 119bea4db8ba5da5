"""`scgan`: train, evaluate, report, translate. DVC's model stages run the first three through pipelines/."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from scgan_data.cli import run_app
from scgan_data.cli_app import Params, Set

Dataset = Annotated[Path, typer.Argument(help="Folder that `scgan-data dataset` wrote.", show_default=False)]
Model = Annotated[Path, typer.Argument(help="Model folder, for example models/avataaars.", show_default=False)]
Style = Annotated[str, typer.Option(help="The cartoon domain.", show_default=False)]

# Before torch is imported: two threads on a machine that has other work spin for each other (a .1 s pass took 1.3 s).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

app = typer.Typer(
    help="Train scGAN on a dataset, evaluate it, and turn pictures into cartoons.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.command()
def train(
    dataset: Dataset,
    model: Model,
    style: Style,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin at step 0 whatever lies there.")] = False,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="Go on with a run of other data, code or settings.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Print where the time of some steps goes; write nothing.")
    ] = False,
    set_: Set = None,
    params: Params = None,
) -> None:
    """Train on one style; a killed run goes on where its last checkpoint was."""
    from scgan_data import config
    from scgan_data.errors import ConfigError
    from scgan_model.config import TrainConfig
    from scgan_model.resume import Take
    from scgan_model.train import train as run_training

    if fresh and allow_changes:
        raise ConfigError("--fresh and --allow-changes exclude each other")
    settings = config.load(TrainConfig, "train", file=params, overrides=set_ or ())
    if profile:
        from scgan_model.profiling import profile as run_profile

        run_profile(dataset, style, settings)
        return
    take: Take = "fresh" if fresh else "changed" if allow_changes else "same"
    run_training(dataset, model, style=style, config=settings, take=take)


@app.command()
def evaluate(
    dataset: Dataset,
    model: Model,
    out: Annotated[Path, typer.Argument(help="Folder for metrics.json and the grid.", show_default=False)],
    style: Style,
    set_: Set = None,
    params: Params = None,
) -> None:
    """Measure a model on the held-out selfies, next to the untrained one and to Image Binarization."""
    from scgan_data import config
    from scgan_model.evaluate import EvaluateConfig
    from scgan_model.evaluate import evaluate as run_evaluation

    settings = config.load(EvaluateConfig, "evaluate", file=params, overrides=set_ or ())
    run_evaluation(dataset, model, out, style=style, config=settings)


@app.command()
def report(
    data: Annotated[Path, typer.Argument(help="Folder of the data stages.")] = Path("data"),
    models: Annotated[Path, typer.Argument(help="Folder of models.")] = Path("models"),
    evaluations: Annotated[Path, typer.Argument(help="Folder of evaluations.")] = Path("reports/evaluation"),
    out: Annotated[Path, typer.Argument(help="The page to write.")] = Path("reports/index.html"),
    set_: Set = None,
    params: Params = None,
) -> None:
    """Write the self-contained page that shows what the data stages did and what the model learned."""
    from scgan_data import config
    from scgan_model.report.build import ReportConfig, build_report

    settings = config.load(ReportConfig, "report", file=params, overrides=set_ or ())
    build_report(data, models, evaluations, out, config=settings)


@app.command()
def export(
    model: Model,
    out: Annotated[Path, typer.Argument(help="Folder for model.safetensors and its card.", show_default=False)],
    dataset: Annotated[Path | None, typer.Option(help="Dataset whose card names sources and licences.")] = None,
    evaluation: Annotated[Path | None, typer.Option(help="Folder that `scgan evaluate` wrote.")] = None,
) -> None:
    """Write the selfie-to-cartoon generator alone, as safetensors with a model card; `translate` takes it too."""
    from scgan_model.export import export as run_export

    run_export(model, out, dataset=dataset, evaluation=evaluation)


@app.command()
def translate(
    model: Model,
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the cartoons.", show_default=False)],
    set_: Set = None,
    params: Params = None,
) -> None:
    """Turn photographs into cartoons: the crop of the model's own pictures, then G_AB. SET overrides section `crop`."""
    from scgan_model.translate import translate as run_translation

    run_translation(model, pictures, out, params=params, overrides=set_ or ())


def main() -> None:
    """The console script."""
    run_app(app)


def run(command: str) -> None:
    """One command with this process's arguments: what the entry points of pipelines/ call."""
    sys.argv[1:1] = [command]
    main()
