"""Which limits a command line means: `filter.max_aspect=1.8`, `dedup.max_difference.selfie=.4`.

A change is laid over what holds now (params.yaml, else the default), one domain's over the others', as a stage's
`--set` is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from scgan_data.config import Config
from scgan_data.errors import ConfigError, ManifestError, nearest

C = TypeVar("C", bound=Config)


def stage_of(changes: Sequence[str], stages: Sequence[str]) -> str:
    """The one stage that all changes are about. Raises ConfigError."""
    named = list(dict.fromkeys(text.partition("=")[0].partition(".")[0] for text in changes))
    unknown = [name for name in named if name not in stages]
    if unknown:
        text = next(text for text in changes if text.partition("=")[0].partition(".")[0] == unknown[0])
        raise ConfigError(f"`{text}`: write STAGE.LIMIT=VALUE{nearest(unknown[0], stages)}")
    if len(named) != 1:
        raise ConfigError(f"one stage at a time: {' and '.join(named)} decide one after the other")
    return named[0]


def changed(base: C, stage: str, changes: Sequence[str], limits: Sequence[str]) -> C:
    """A section with changes to its `limits` laid over it. Raises ConfigError for another key, or a bad value."""
    values = base.model_dump()
    for text in changes:
        path, sign, raw = text.partition("=")
        key, _, domain = path.removeprefix(f"{stage}.").partition(".")
        if not sign:
            raise ConfigError(f"{text}: write it as {stage}.KEY=VALUE, for example {stage}.{limits[0]}=.5")
        if key not in limits:
            raise ConfigError(f"{path}: no limit of `{stage}` that its manifest can answer{nearest(key, limits)}")
        values[key] = _laid_over(values[key], domain, _parsed(text, raw))
    try:
        return type(base).model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = str(problem["loc"][0])
        raise ConfigError(f"{stage}.{key} = {values[key]!r}: {problem['msg']}") from None


def without_pictures(changes: Sequence[str], limits: Sequence[str], domains: Sequence[str]) -> tuple[str, ...]:
    """A line for each change of one of these `limits` that holds for a domain of which the manifest has no picture."""
    known = [*domains, "drawn", "default"]
    lines = []
    for text in changes:
        _, key, *domain = text.partition("=")[0].split(".", 2)
        if key in limits and domain and domain[0] not in known:
            lines.append(f"{text} changes nothing: no picture here is of `{domain[0]}`{nearest(domain[0], known)}")
    return tuple(lines)


def _parsed(text: str, raw: str) -> Any:
    try:
        return yaml.safe_load(raw)
    except yaml.YAMLError:
        raise ConfigError(f"{text}: the value is not YAML; quote it") from None


def _laid_over(old: Any, domain: str, new: Any) -> Any:
    if not domain:
        return new
    return (dict(old) if isinstance(old, Mapping) else {"default": old}) | {domain: new}


def folder_of(stage: str, given: Path | None) -> Path:
    """The stage's folder: the given one, else the project's `data/NN_STAGE` here. Raises ManifestError."""
    if given is not None:
        return given
    found = sorted(Path("data").glob(f"[0-9]*_{stage}"))
    if not found:
        raise ManifestError(f"data/ here has no folder of {stage}; run the stage, or name it with --folder")
    return found[-1]
