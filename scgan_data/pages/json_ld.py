"""schema.org in a page's JSON-LD: the pictures that it names, their thumbnails, and who is credited for them.

Only what concerns pictures is read: `ImageObject` and `Photograph`, works with an `image`, and the page's own node for
its author and licence. Pictures of authors and marks of firms are not the page's. Nodes may refer to one another by
`@id`. Documents come from strangers: what does not parse is silence, the walk ends after `MAX_NODES`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scgan_data.credit.provenance import Credit, clean, license_address, source_type
from scgan_data.pages.markup import absolute
from scgan_data.pages.page_pictures import MIN_SIDE_PX, is_picture_file

MAX_CHARS = 2**21
"""Of one document."""
MAX_NODES = 20_000
_PICTURES = frozenset({"ImageObject", "Photograph"})
_PAGES = frozenset({"WebPage", "CollectionPage", "ItemPage", "ImageGallery", "MediaGallery", "Article", "BlogPosting"})
_NOT_SHOWN = frozenset({"logo", "publisher", "author", "creator", "thumbnail", "brand", "provider", "copyrightHolder"})
_WRAPPING = re.compile(r"^\s*(?://)?\s*(?:<!--|<!\[CDATA\[)|(?://)?\s*(?:-->|\]\]>)\s*;?\s*$")

Node = Mapping[str, Any]


@dataclass
class JsonLd:
    """What the documents of one page say of pictures; addresses are absolute."""

    page: Credit = field(default_factory=Credit)
    by_url: dict[str, Credit] = field(default_factory=dict)
    contents: list[str] = field(default_factory=list)
    """Pictures that are named as shown here."""
    originals: dict[str, str] = field(default_factory=dict)
    """Thumbnail -> the file that it is one of."""


def read(documents: Iterable[str], home: str) -> JsonLd:
    """The statements of a page's documents; their addresses are relative to `home`."""
    nodes = list(_nodes([parsed for document in documents if (parsed := _parsed(document)) is not None]))
    by_id = {node["@id"]: node for node, _ in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    found = JsonLd()
    for node, is_shown in nodes:
        kinds = _kinds(node)
        credit = _credit(node, by_id, home)
        if kinds & _PICTURES:
            _add_picture(found, node, credit, home, is_shown=is_shown)
        elif kinds & _PAGES:
            found.page = found.page.over(credit)
        if not kinds & _PAGES:
            for url in _addresses(node.get("image"), home):
                found.by_url[url] = found.by_url.get(url, Credit()).over(credit)
    return found


def _parsed(document: str) -> Any:
    if len(document) > MAX_CHARS:
        return None
    try:
        return json.loads(_WRAPPING.sub("", document), strict=False)
    except (ValueError, RecursionError):
        return None


def _nodes(documents: list[Any]) -> Iterator[tuple[Node, bool]]:
    """Each object in document order, and whether it is shown on the page."""
    waiting = [(documents, True)]
    for _ in range(MAX_NODES):
        if not waiting:
            return
        value, is_shown = waiting.pop()
        if isinstance(value, dict):
            yield value, is_shown
            inner = [(v, is_shown and key not in _NOT_SHOWN) for key, v in value.items()]
        else:
            inner = [(v, is_shown) for v in value]
        waiting += [pair for pair in reversed(inner) if isinstance(pair[0], dict | list)]


def _kinds(node: Node) -> set[str]:
    given = node.get("@type")
    return {re.split(r"[/#:]", kind)[-1] for kind in _listed(given) if isinstance(kind, str)}


def _listed(value: Any) -> list[Any]:
    return value[:100] if isinstance(value, list) else [] if value is None else [value]


def _add_picture(found: JsonLd, node: Node, credit: Credit, home: str, *, is_shown: bool) -> None:
    named = _addresses(node.get("contentUrl"), home)
    named += [url for url in _addresses(node.get("url"), home) if is_picture_file(url)]
    thumbnails = _addresses(node.get("thumbnailUrl"), home) + _addresses(node.get("thumbnail"), home)
    for url in (*named, *thumbnails):
        found.by_url[url] = credit.over(found.by_url.get(url, Credit()))
    if named and is_shown and not any(_is_small(node.get(side)) for side in ("width", "height")):
        found.contents.append(named[0])
        for url in (*named[1:], *thumbnails):
            found.originals.setdefault(url, named[0])


def _is_small(value: Any) -> bool:
    value = value.get("value") if isinstance(value, dict) else value
    number = re.match(r"\d{1,6}\b", str(value))
    return number is not None and int(number[0]) < MIN_SIDE_PX


def _addresses(value: Any, home: str) -> list[str]:
    """Absolute addresses of a text, an object with an address, or a list of them."""
    found = []
    for item in _listed(value):
        named = (item.get("contentUrl") or item.get("url") or item.get("@id")) if isinstance(item, dict) else item
        url = absolute(named, home) if isinstance(named, str) and named.strip() else None
        if url is not None:
            found.append(url)
    return found


def _credit(node: Node, by_id: Mapping[str, Node], home: str) -> Credit:
    author = next(
        filter(None, (_names(node.get(key), by_id) for key in ("creator", "author", "copyrightHolder"))), None
    )
    kind = next(
        filter(None, (source_type(t) for t in _listed(node.get("digitalSourceType")) if isinstance(t, str))), None
    )
    return Credit(
        *_license(node, by_id, home),
        author=author or _text(node.get("creditText")),
        ai_generated=f"schema.org:{kind}" if kind else None,
    )


def _license(node: Node, by_id: Mapping[str, Node], home: str) -> tuple[str | None, str | None]:
    """(name, address); where no licence is named, the copyright notice and the page where one is to be had."""
    for item in _listed(node.get("license")):
        said = by_id.get(str(item.get("@id")), item) if isinstance(item, dict) else item
        if isinstance(said, dict):
            address = next(iter(_addresses([said], home)), None)
            return _text(said.get("name")), address
        if isinstance(said, str) and said.strip():
            address = license_address(said)
            if address is None and said.startswith("/"):
                address = absolute(said, home)
            return (None if address and " " not in said.strip() else clean(said)), address
    return _text(node.get("copyrightNotice")), next(iter(_addresses(node.get("acquireLicensePage"), home)), None)


def _names(value: Any, by_id: Mapping[str, Node]) -> str | None:
    """The names of persons or firms, or of what `@id` refers to."""
    found = []
    for item in _listed(value)[:5]:
        said = by_id.get(str(item.get("@id")), item) if isinstance(item, dict) else item
        name = _text(said.get("name")) if isinstance(said, dict) else _text(said)
        if name and "://" not in name:
            found.append(name)
    return clean(", ".join(dict.fromkeys(found)))


def _text(value: Any) -> str | None:
    first = next(iter(_listed(value)), None)
    return clean(first) if isinstance(first, str) else None
