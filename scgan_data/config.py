"""Typed configuration: one section of params.yaml a stage, checked when it is read.

A section's model is a pydantic class beside the code that it configures (`crop.CropConfig`), with a line under every
field and units in the names. A key that no model knows, or a value out of its range, stops the program with one line:
the key, the nearest right name, the file. Where there is no params.yaml the models' own defaults hold, so every command
runs outside this repository too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from scgan_data.errors import ConfigError, nearest
from scgan_data.records import SELFIE, Reason

PARAMS_FILE = Path("params.yaml")
SECTIONS = (
    "styles",
    "collect",
    "dedup",
    "filter",
    "crop",
    "annotate",
    "dataset",
    "train",
    "evaluate",
    "report",
)


class Config(BaseModel):
    """Base of every section: unknown keys are errors, defaults are checked too, instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


@dataclass(frozen=True)
class ByDomain:
    """Marks a setting whose keys, or items, are domains: `check_domains` looks at them."""


def _no_switch(value: Any) -> Any:
    """Raises ValueError for true and false, which Python would take for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is no number; write one, or null for off")
    return value


_Limit = Annotated[float, Field(allow_inf_nan=False, ge=0), BeforeValidator(_no_switch)]
PerDomain = Annotated[_Limit | dict[str, _Limit | None] | None, Field(union_mode="left_to_right"), ByDomain()]
"""A limit: one number for all, null for off, or a mapping from `selfie`, a style's name, `drawn` (every style) and
`default` to numbers or null."""
_Share = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1), BeforeValidator(_no_switch)]
SharePerDomain = Annotated[_Share | dict[str, _Share | None] | None, Field(union_mode="left_to_right"), ByDomain()]
"""The same of what goes from 0 to 1, such as a certainty: 93 for .93 would turn a check off without a word."""
GROUPS = ("drawn", "default")
"""Names that stand for several domains."""


def limit_for(limit: PerDomain, domain: str) -> float | None:
    """The limit that holds for a domain: its own name first, then `drawn` for a style, then `default`, then off."""
    if not isinstance(limit, dict):
        return limit
    names = (domain, "default") if domain == SELFIE else (domain, "drawn", "default")
    return next((limit[name] for name in names if name in limit), None)


def check_domains(settings: Config, section: str, domains: Sequence[str]) -> None:
    """Raises ConfigError for a setting of a domain that is neither one of these nor one that its default names."""
    for key, field in type(settings).model_fields.items():
        if any(isinstance(mark, ByDomain) for mark in field.metadata):
            known = [*dict.fromkeys((SELFIE, *domains, *GROUPS, *_domains_in(field.default)))]
            for name in _domains_in(getattr(settings, key)):
                if name not in known:
                    said = f"`{section}.{key}` names the domain `{name}`, of which there is neither a picture"
                    raise ConfigError(f"{said} nor a style in `styles`{nearest(name, known)}")


def _domains_in(value: Any) -> Iterator[str]:
    """The domains that a setting names; zones of doubt name them below their checks."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _domains_in(inner) if isinstance(key, Reason) else (key,)
    elif isinstance(value, tuple):
        yield from value


C = TypeVar("C", bound=Config)
_TAG = re.compile(r"(float|constrained-float|function-before.*|dict\[.*)$")
"""What pydantic puts into a location to say which type of a limit it tried."""
LONGEST_VALUE = 80
"""Characters of a value that a line repeats; what is longer hides the reason."""


def load(
    model: type[C],
    section: str,
    *,
    file: Path | None = None,
    recorded: Mapping[str, Any] = MappingProxyType({}),
    overrides: Sequence[str] = (),
) -> C:
    """The typed section of a params file, with `key=value` overrides (dotted for nested keys) applied.

    One domain's limit (`min_sharpness.selfie=.3`) is laid over those of the others, the file's or else the default.
    `file` None means params.yaml here, or the built-in defaults where there is none. `recorded` keys, an earlier run's,
    hold instead of the file's. Raises ConfigError.
    """
    content = read_params(file)
    values = content.get(section) or {}
    if not isinstance(values, Mapping):
        raise ConfigError(f"{_name(file)}: `{section}` must be a mapping of keys, not {type(values).__name__}")
    merged = {**values, **recorded}
    for text in overrides:
        _apply(merged, text, section, model)
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, model, section, _name(file), overrides)) from None


def read_params(file: Path | None = None) -> dict[str, Any]:
    """The params file as a mapping with known sections only; empty where `file` is None and there is no params.yaml."""
    if file is None and not PARAMS_FILE.is_file():
        return {}
    path = file or PARAMS_FILE
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path} is not YAML{where}: {getattr(error, 'problem', error)}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must be a mapping of sections")
    for key in content:
        if key not in SECTIONS:
            raise ConfigError(f"{path}: unknown section `{key}`{nearest(str(key), SECTIONS)}")
    return content


def _apply(values: dict[str, Any], text: str, section: str, model: type[BaseModel]) -> None:
    key, sign, raw = text.partition("=")
    if not sign or not key:
        raise ConfigError(f"--set {text}: write it as key=value, for example --set size_px=128")
    *parents, leaf = key.removeprefix(f"{section}.").split(".")
    target, models = values, [model]
    for parent in parents:
        fields = [known.model_fields[parent] for known in models if parent in known.model_fields]
        default = fields[0].default if fields else None
        target[parent] = _opened(target.get(parent, default))
        target, models = target[parent], [inner for field in fields for inner in _models_in(field)]
    try:
        target[leaf] = yaml.safe_load(raw)
    except yaml.YAMLError:
        raise ConfigError(f"--set {text}: the value is not YAML; quote it") from None


def _opened(held: Any) -> dict[str, Any]:
    """What one key more is laid over: a mapping, or a limit of all domains; a model has defaults of its own."""
    if isinstance(held, Mapping):
        return dict(held)
    return {"default": held} if isinstance(held, (int, float)) else {}


def _explain(error: ValidationError, model: type[Config], section: str, file: str, overrides: Sequence[str]) -> str:
    """The first problem of a section as one line; of what could be several types, the one that fits furthest."""
    problems = error.errors()
    problem = max((p for p in problems if p["loc"][:1] == problems[0]["loc"][:1]), key=lambda p: len(p["loc"]))
    location = [str(part) for part in problem["loc"] if not _TAG.match(str(part))]
    where = f"{file} or --set" if overrides else file
    if problem["type"] == "extra_forbidden":
        below = _names_below(model, location[0]) if len(location) == 1 else []
        names = below or _names_beside(model, location)
        return f"{where}: unknown key `{'.'.join([section, *location])}`{nearest(location[-1], names)}"
    value = repr(problem["input"])
    given = f" = {value}" if len(value) <= LONGEST_VALUE else ""
    return f"{where}: `{'.'.join([section, *location])}`{given}: {problem['msg'].removeprefix('Value error, ')}"


def _names_below(model: type[BaseModel], name: str) -> list[str]:
    """Where a section's own mappings know that very name: `loss.beta` for `beta`."""
    fields = [(key, field) for key, field in model.model_fields.items() if get_origin(field.annotation) is not list]
    return [f"{key}.{name}" for key, field in fields for inner in _models_in(field) if name in inner.model_fields]


def _names_beside(model: type[BaseModel], location: list[str]) -> list[str]:
    """The keys that the innermost model on the way to `location` knows; a union's member is named by its `kind`."""
    models = [model]
    for part in location[:-1]:
        inner = [m for known in models if part in known.model_fields for m in _models_in(known.model_fields[part])]
        tagged = [m for m in models if "kind" in m.model_fields and m.model_fields["kind"].default == part]
        models = inner or tagged or models
    return list(dict.fromkeys(name for known in models for name in known.model_fields))


def _models_in(field: FieldInfo) -> list[type[BaseModel]]:
    """The models that a field's annotation mentions."""
    found, waiting = [], [field.annotation]
    while waiting:
        annotation = waiting.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found.append(annotation)
        waiting.extend(get_args(annotation))
    return found


def _name(file: Path | None) -> str:
    return str(file or PARAMS_FILE)
