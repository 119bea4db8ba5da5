"""The sample's gallery, written to a folder once: the same bytes for the same seed.

The folder holds `files/` (bodies, named by content), `routes.json` (path -> body, type, behaviour, for `server`) and
`truth.json` (what each address is).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from numpy.random import Generator

from scgan_data.files import write_bytes, write_json
from scgan_data.sample.plants import Item, Kind
from scgan_data.sample.server import HOST, REQUESTS, Behaviour, Route

PER_PAGE = 40
ROBOTS = "User-agent: *\nDisallow: /private/\nDisallow: /members/\n"


@dataclass(frozen=True)
class Gallery:
    """One domain's part of the site."""

    domain: str
    items: Sequence[Item]
    license: str
    license_url: str
    author: str


def start_url(domain: str) -> str:
    """The gallery's first page."""
    return f"http://{HOST}/{domain}/"


def build(folder: Path, galleries: Sequence[Gallery], rng: Generator) -> None:
    """Write the site; `folder` appears when it is whole."""
    partial_folder = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(partial_folder, ignore_errors=True)
    routes: dict[str, Route] = {}
    truth: list[dict[str, Any]] = []
    _add(routes, partial_folder, "/robots.txt", ROBOTS.encode(), "text/plain")
    for gallery in galleries:
        paths = _paths(gallery, rng)
        for item, path in zip(gallery.items, paths, strict=True):
            _add(routes, partial_folder, path, item.data, _type(path), _behaviour(item.kind))
            routes[_thumbnail(path)] = routes[path]
        _add_pages(routes, partial_folder, gallery, paths)
        truth += _truth(gallery, paths)
    write_json(partial_folder / "truth.json", truth)
    write_json(partial_folder / "routes.json", {path: asdict(route) for path, route in sorted(routes.items())})
    shutil.rmtree(folder, ignore_errors=True)
    partial_folder.replace(folder)


def _paths(gallery: Gallery, rng: Generator) -> list[str]:
    """An address for each item, in an order that says nothing of what it is."""
    numbers = [int(n) + 1 for n in rng.permutation(len(gallery.items))]
    return [
        f"/{_area(item.kind)}/{gallery.domain}/{number:04d}{_suffix(item.data)}"
        for item, number in zip(gallery.items, numbers, strict=True)
    ]


def _area(kind: Kind) -> str:
    return {Kind.DISALLOWED: "members", Kind.BEHIND_DISALLOWED_PAGE: "open"}.get(kind, "pictures")


def _suffix(data: bytes) -> str:
    return ".png" if data.startswith(b"\x89PNG") else ".jpg"


def _type(path: str) -> str:
    return "image/png" if path.endswith(".png") else "image/jpeg"


def _thumbnail(path: str) -> str:
    return f"/thumbs{path}"


def _behaviour(kind: Kind) -> Behaviour:
    return Behaviour(kind.value) if kind.value in set(Behaviour) else Behaviour.PLAIN


def _add(
    routes: dict[str, Route], folder: Path, path: str, body: bytes, kind: str, behaviour: Behaviour = Behaviour.PLAIN
) -> None:
    name = hashlib.sha256(body).hexdigest()
    if not (folder / "files" / name).is_file():
        write_bytes(folder / "files" / name, body)
    routes[path] = Route(name, kind, behaviour)


def _add_pages(routes: dict[str, Route], folder: Path, gallery: Gallery, paths: Sequence[str]) -> None:
    """Numbered pages of pictures; the last one's "next" is a page that robots.txt disallows."""
    shown = [p for i, p in zip(gallery.items, paths, strict=True) if i.kind != Kind.BEHIND_DISALLOWED_PAGE]
    hidden = [p for i, p in zip(gallery.items, paths, strict=True) if i.kind == Kind.BEHIND_DISALLOWED_PAGE]
    shown.sort(key=lambda path: path.rsplit("/", 1)[-1])
    chunks = [shown[i : i + PER_PAGE] for i in range(0, len(shown), PER_PAGE)] or [[]]
    links = [_page_path(gallery.domain, number) for number in range(1, len(chunks) + 1)]
    if hidden:
        links.append(_private_page(gallery.domain))
        chunks.append(hidden)
    for number, (path, chunk) in enumerate(zip(links, chunks, strict=True)):
        further = links[number + 1] if number + 1 < len(links) else None
        _add(routes, folder, path, _html(gallery, chunk, further, number + 1).encode(), "text/html; charset=utf-8")


def _page_path(domain: str, number: int) -> str:
    return f"/{domain}/" if number == 1 else f"/{domain}/?page={number}"


def _private_page(domain: str) -> str:
    return f"/private/{domain}.html"


def _html(gallery: Gallery, paths: Sequence[str], further: str | None, number: int) -> str:
    figures = "\n".join(_figure(path, turn) for turn, path in enumerate(paths))
    link = f'<a rel="next" href="{escape(further)}">Next page</a>' if further else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{gallery.domain}, page {number}</title>'
        f'<meta name="author" content="{escape(gallery.author)}"></head><body>\n{figures}\n<footer>{link} '
        f'<a rel="license" href="{escape(gallery.license_url)}">{escape(gallery.license)}</a></footer></body></html>\n'
    )


def _figure(path: str, turn: int) -> str:
    """The three ways in which galleries show a picture: linked thumbnail, srcset, plain."""
    thumbnail = _thumbnail(path)
    match turn % 3:
        case 0:
            return f'<figure><a href="{path}"><img src="{thumbnail}" alt=""></a></figure>'
        case 1:
            return f'<figure><img src="{thumbnail}" srcset="{thumbnail} 100w, {path} 400w" alt=""></figure>'
        case _:
            return f'<figure><img src="{path}" alt=""></figure>'


def _truth(gallery: Gallery, paths: Sequence[str]) -> list[dict[str, Any]]:
    urls = [f"http://{HOST}{path}" for path in paths]
    entries = [
        {
            "url": url,
            "domain": gallery.domain,
            "kind": item.kind.value,
            "of": None if item.of is None else urls[item.of],
            "detail": item.detail,
        }
        for item, url in zip(gallery.items, urls, strict=True)
    ]
    if any(item.kind == Kind.BEHIND_DISALLOWED_PAGE for item in gallery.items):
        page = f"http://{HOST}{_private_page(gallery.domain)}"
        entries.append({"url": page, "domain": gallery.domain, "kind": "disallowed_page", "of": None, "detail": None})
    return entries


def read_truth(folder: Path) -> list[dict[str, Any]]:
    """What each address is; `requested` says how often the server was ever asked for it."""
    log = folder / REQUESTS
    asked = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    counts: dict[str, int] = {}
    for path in asked:
        counts[path] = counts.get(path, 0) + 1
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return [entry | {"requested": counts.get(entry["url"].removeprefix(f"http://{HOST}"), 0)} for entry in truth]
