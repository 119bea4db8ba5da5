"""Change one number or list of names of params.yaml, every other byte staying as it is: comments, order and spacing.

The file is edited where the parser says that the value stands. A YAML library that writes (ruamel.yaml was tried) keeps
comments, but not indentation and nulls, and a diff of one limit should be one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from scgan_data import files
from scgan_data.config import PerDomain
from scgan_data.errors import ConfigError


def set_limit(file: Path, section: str, key: str, limits: dict[str, float], held: PerDomain) -> None:
    """Set a limit for some domains; the others keep theirs, which is `held` where the file does not say.

    Raises ConfigError where the file is not editable.
    """
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if _child(_child(yaml.compose(text, yaml.SafeLoader), section), key) is None:
        text = _with_key(text, section, f"{key}: {_flow(held)}")
    for domain, limit in limits.items():
        text = _with(text, section, key, domain, limit)
        if _value(text, section, key).get(domain) != limit:
            raise ConfigError(f"{file}: `{section}.{key}` is written in a way that cannot be edited; set it by hand")
    files.write_bytes(file, text.encode())


def set_names(file: Path, section: str, key: str, names: Sequence[str]) -> None:
    """Set a list of names. Raises ConfigError where the file is not editable."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    node = _child(_child(yaml.compose(text, yaml.SafeLoader), section), key)
    new = _flow(list(names))
    if node is None:
        text = _with_key(text, section, f"{key}: {new}")
    else:
        block = isinstance(node, yaml.SequenceNode) and not node.flow_style
        last = node.value[-1] if block else node  # a block's own end is where the next key begins
        deeper = "  " if block else ""  # its dashes may stand as far left as the key, a list in brackets may not
        text = text[: node.start_mark.index] + deeper + new + text[last.end_mark.index :]
    if yaml.safe_load(text)[section][key] != list(names):
        raise ConfigError(f"{file}: `{section}.{key}` is written in a way that cannot be edited; set it by hand")
    files.write_bytes(file, text.encode())


def _flow(value: PerDomain | list[str]) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000).split("\n")[0]


def _with_key(text: str, section: str, entry: str) -> str:
    block = _child(yaml.compose(text, yaml.SafeLoader), section)
    if block is None:
        return f"{text.rstrip()}\n\n{section}:\n  {entry}\n".lstrip()
    if not isinstance(block, yaml.MappingNode) or not block.value:
        raise ConfigError(f"params: `{section}` has no keys to set a limit beside; set it by hand")
    return _beside(text, block, entry)


def _with(text: str, section: str, key: str, domain: str, limit: float) -> str:
    node = _child(_child(yaml.compose(text, yaml.SafeLoader), section), key)
    if not isinstance(node, yaml.MappingNode):
        return _replaced(text, node, f"{{{domain}: {limit}, default: {_text(text, node)}}}")
    old = _child(node, domain)
    return _replaced(text, old, f"{limit}") if old is not None else _beside(text, node, f"{domain}: {limit}")


def _child(node: Any, key: str) -> Any:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _text(text: str, node: Any) -> str:
    return text[node.start_mark.index : node.end_mark.index]


def _replaced(text: str, node: Any, new: str) -> str:
    return text[: node.start_mark.index] + new + text[node.end_mark.index :]


def _beside(text: str, mapping: yaml.MappingNode, entry: str) -> str:
    """`entry` put first into a mapping, in the mapping's own style."""
    if not mapping.value:
        return _replaced(text, mapping, f"{{{entry}}}")
    first = mapping.value[0][0].start_mark
    between = ", " if mapping.flow_style else "\n" + " " * first.column
    return text[: first.index] + entry + between + text[first.index :]


def _value(text: str, section: str, key: str) -> dict[str, Any]:
    value = yaml.safe_load(text)[section][key]
    return value if isinstance(value, dict) else {}
