"""The report: read what the stages left, lay it out with `report.html.j2`, write one file that needs nothing else.

Every text from outside (authors, addresses, details of errors) is escaped by the template; the page's content security
policy forbids it to load anything. A part that is not there yet, a model, an evaluation, becomes a line that says so.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from pydantic import Field

from scgan_data.config import Config
from scgan_data.errors import ScganError
from scgan_data.files import write_bytes
from scgan_data.terminal import say
from scgan_model import examples
from scgan_model.report import data as stages_data
from scgan_model.report.figures import read_figures
from scgan_model.report.headline import Style, headline
from scgan_model.report.match import read_match
from scgan_model.report.pictures import enlarged
from scgan_model.report.planted import read_planted
from scgan_model.report.provenance import read_provenance
from scgan_model.report.sheets import boxed_sheets, kept_sheets, rejected_sheets, words
from scgan_model.report.training import read_training

TEMPLATE = "report.html.j2"
STYLE_SHEET = "report.css"
FADES = (1.0, 0.78, 0.6, 0.46, 0.34, 0.25)
"""Opacities of the reasons in a bar of the funnel, most frequent first."""


class ReportConfig(Config):
    """Section `report` of params.yaml."""

    title: str = "From selfies to cartoon portraits"
    """The page's heading."""
    thumbnail_px: int = Field(default=160, ge=32, le=1024)
    """Longer side of the pictures in contact sheets; shown at about 2/3 of it, for sharp screens."""
    kept_per_domain: int = Field(default=24, ge=0)
    """Kept pictures shown of each domain."""
    rejected_per_reason: int = Field(default=12, ge=0)
    """Rejected pictures shown of each reason."""
    boxed_per_domain: int = Field(default=12, ge=0)
    """Crops shown with their region boxes, of each domain."""
    breakers_per_quantity: int = Field(default=12, ge=0)
    """Pictures shown that break the match of the domains, of each quantity that differs."""
    film_frames: int = Field(default=8, ge=2)
    """Sample grids shown of the training."""
    example_px: int = Field(default=192, ge=32, le=1024)
    """Least side of the pictures input -> cartoon -> reconstruction."""


def build_report(data: Path, models: Path, evaluations: Path, out: Path, *, config: ReportConfig) -> None:
    """Write `out` (reports/index.html) from the folders `data/`, `models/` and `reports/` of a project.

    Raises ManifestError where a stage's manifest is damaged; a missing stage, model or evaluation is a note there.
    Raises ScganError where there is no folder of the three, or `out` is a folder.
    """
    if out.is_dir():
        raise ScganError(f"{out} is a folder: name the page to write, for example {out / TEMPLATE.removesuffix('.j2')}")
    if not any(folder.is_dir() for folder in (data, models, evaluations)):
        raise ScganError(f"there is no folder {data}, {models} or {evaluations}: name those of a project")
    stages = stages_data.read_stages(data)
    last = list(stages.values())[-1] if stages else pd.DataFrame()
    px = config.thumbnail_px
    funnel = stages_data.funnel(stages)
    planted = read_planted(data, last) if stages else None
    styles = [read_style(name, models, evaluations, config) for name in style_names(models, evaluations)]
    page = _template().render(
        config=config,
        columns=examples.COLUMNS,
        fades=FADES,
        headline=headline(funnel, planted, styles),
        css=Markup(files(__package__).joinpath(STYLE_SHEET).read_text(encoding="utf-8")),
        last_stage=list(stages)[-1] if stages else None,
        funnel=funnel,
        splits=stages_data.split_counts(last) if stages else {},
        origins=stages_data.origins(last) if stages else [],
        planted=planted,
        kept=kept_sheets(last, side_px=px, limit=config.kept_per_domain) if stages else [],
        boxed=boxed_sheets(last, side_px=2 * px, limit=config.boxed_per_domain) if stages else [],
        rejected=rejected_sheets(last, stages, side_px=px, limit=config.rejected_per_reason) if stages else [],
        matches=read_match(stages, out.parent / "match", side_px=px, limit=config.breakers_per_quantity),
        styles=styles,
        provenance=read_provenance(data),
    )
    write_bytes(out, page.encode())
    say(f"report: {len(stages)} stages and {len(styles)} styles in {out}")


def style_names(models: Path, evaluations: Path) -> list[str]:
    """Styles that have a model or an evaluation; hidden work folders are none."""
    folders = [f for parent in (models, evaluations) if parent.is_dir() for f in parent.iterdir() if f.is_dir()]
    return sorted({f.name for f in folders if not f.name.startswith(".") and any(f.iterdir())})


def read_style(name: str, models: Path, evaluations: Path, config: ReportConfig) -> Style:
    """Everything that a style's section shows."""
    shown = [
        {column: enlarged(picture, config.example_px) for column, picture in row.items()}
        for row in examples.read(evaluations / name).values()
    ]
    training = read_training(models / name, frames=config.film_frames)
    return Style(name, training, read_figures(evaluations / name), shown)


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(str(files(__package__))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = words
    return environment.get_template(TEMPLATE)
