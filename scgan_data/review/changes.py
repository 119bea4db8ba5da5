"""What the page may ask to change, and the lines that each change becomes.

Requests are checked whole before anything is written. A picture is named by its id, a version says what was seen of it
(`book`), and nothing in a request reaches the file system.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from scgan_data import framing
from scgan_data.records import Reason, Region
from scgan_data.review.audit import Audit, audits, drawn
from scgan_data.review.book import Book
from scgan_data.review.catalog import Card, Catalog
from scgan_data.verdicts import Line, is_box, without_undone

OTHER = Reason.HUMAN_REJECTED
REASONS: dict[Reason, str] = {
    OTHER: "Another reason (the note says which)",
    Reason.WATERMARKED: "A watermark, a logo, text laid over it",
    Reason.BLURRED: "Blurred, soft, strongly compressed",
    Reason.NEAR_DUPLICATE: "A copy of another picture",
    Reason.NOT_A_PHOTOGRAPH: "A drawing among the photographs",
    Reason.NOT_DRAWN: "A photograph among the drawings",
    Reason.OTHER_DOMAIN: "Another style than its domain",
    Reason.NO_FACE: "No face, or not a person's",
    Reason.SEVERAL_FACES: "Several faces",
    Reason.TILTED: "The head is tilted or turned too far",
    Reason.PADDED: "Badly framed: cut off, or too much was filled in",
    Reason.BORDERED: "Bars or a frame",
    Reason.COLLAGE: "Several pictures in one",
    Reason.SCREENSHOT: "A screenshot",
    Reason.AI_GENERATED: "Made by a model",
}
"""Why a person may reject, and what the page calls it."""
Versions = Annotated[dict[str, str], Field(min_length=1, max_length=20_000)]
"""By id, the version that was seen."""


class UnknownError(Exception):
    """A request about a picture, group or audit that there is not."""


class _Request(BaseModel, extra="forbid"):
    """What the page sends."""


class Verdict(_Request):
    """Accept or reject pictures."""

    verdict: Literal["accept", "reject"]
    seen: Versions
    reason: Reason | None = None
    note: Annotated[str, Field(max_length=500)] = ""
    audit: str | None = None
    """The audit that these are answers of."""


class Boxes(_Request):
    """Boxes of one picture, in its pixels; null for not visible."""

    id: str
    version: str
    regions: Annotated[dict[Region, list[float] | None], Field(min_length=1)]


class Keeper(_Request):
    """The picture of a near-duplicate group that is to be kept; `seen` has the versions of all members."""

    id: str
    seen: Versions


class Undo(_Request):
    """Take back what oneself said of these pictures at that time; an undo is taken back the same way."""

    at: str
    seen: Versions


class Draw(_Request):
    """Begin an audit."""

    domain: str | None = None
    count: Annotated[int, Field(ge=1, le=100_000)] = 100


class Changes:
    """The changes of one reviewer to a book."""

    def __init__(self, catalog: Catalog, book: Book, reviewer: str) -> None:
        self.catalog, self.book, self.reviewer = catalog, book, reviewer
        self._begun: dict[str, dict[str, Any]] = {}

    def verdict(self, asked: Verdict) -> dict[str, Any]:
        """Accept or reject; on a disputed picture the word settles it, since all words were shown."""
        said: Line = {"verdict": asked.verdict}
        if asked.verdict == "reject":
            if asked.reason is not None and asked.reason not in REASONS:
                raise UnknownError(f"{asked.reason} is no reason of a person")
            said["reason"] = (asked.reason or OTHER).value
        said |= {"note": asked.note} if asked.note else {}
        if asked.audit is not None:
            said["audit"] = self._about(asked.audit)
        lines = []
        for name in asked.seen:
            card = self._card(name)
            disputed = self.book.standing(name).disputed
            lines.append(_of(card) | said | ({"settles": True} if disputed else {}))
        return self._done(lines, asked.seen)

    def boxes(self, asked: Boxes) -> dict[str, Any]:
        """Place region boxes, clipped to the picture."""
        card = self._card(asked.id)
        boxes = {str(region): _clipped(box, card) for region, box in asked.regions.items()}
        line = _of(card) | {"regions": boxes}
        if card.quad is not None and card.parent is not None:
            line["parent_regions"] = {r: b and _in_parent(b, card) for r, b in boxes.items()}
        return self._done([line], {asked.id: asked.version})

    def keeper(self, asked: Keeper) -> dict[str, Any]:
        """Accept a picture for its group, and reject the ones that are kept of it now, by their sources' ids."""
        card = self._card(asked.id)
        members = self.catalog.groups.get(card.group or "", [])
        if set(asked.seen) != set(members):
            raise UnknownError("that is not the whole group")
        lines: list[Line] = [{"id": card.parent or card.id, "verdict": "accept", "group_id": card.group}]
        for name in members:
            other = self._card(name)
            stands = other.kept or self.book.standing(name).word == "accept"
            if stands and (other.parent or other.id) != lines[0]["id"]:
                why = {"reason": Reason.NEAR_DUPLICATE.value, "note": f"kept instead: {lines[0]['id']}"}
                lines.append({"id": other.parent or other.id, "verdict": "reject", "group_id": card.group, **why})
        return self._done(lines, asked.seen)

    def undo(self, asked: Undo) -> dict[str, Any]:
        """Take back, or take the taking back back."""
        said = self.book.said_at(self.reviewer, asked.at, asked.seen)
        if not said:
            raise UnknownError("there is nothing of yours to undo")
        return self._done([{"id": line["id"], "undoes": asked.at} for line in said], asked.seen)

    def draw(self, asked: Draw) -> dict[str, Any]:
        """Begin an audit of accepted pictures."""
        name = secrets.token_hex(4)
        accepted = self._accepted(asked.domain)
        if not accepted:
            raise UnknownError("there is no accepted picture to audit")
        self._begun[name] = {"name": name, "of": len(accepted), "domain": asked.domain}
        return self._begun[name] | {"ids": drawn(accepted, name, asked.count)}

    def audits(self) -> list[Audit]:
        """All audits in the file."""
        return audits(without_undone(self.book.lines))

    def _accepted(self, domain: str | None) -> list[str]:
        cards = self.catalog.cards.values()
        among = [card.id for card in cards if card.kept and domain in (None, card.domain)]
        return [name for name in among if self.book.standing(name).word != "reject"]

    def _about(self, name: str) -> dict[str, Any]:
        known = self._begun | {one.name: {"name": name, "of": one.of, "domain": one.domain} for one in self.audits()}
        if name not in known:
            raise UnknownError(f"no audit {name}")
        return known[name]

    def _card(self, name: str) -> Card:
        if name not in self.catalog.cards:
            raise UnknownError("no such picture")
        return self.catalog.cards[name]

    def _done(self, lines: list[Line], seen: Mapping[str, str]) -> dict[str, Any]:
        at = self.book.add(lines, self.reviewer, seen)
        return {"at": at, "states": {name: self.book.state(name) for name in seen}}


def _of(card: Card) -> Line:
    return {"id": card.id} | ({"parent_id": card.parent} if card.parent else {})


def _clipped(box: list[float] | None, card: Card) -> list[float] | None:
    if box is None:
        return None
    if len(box) != 4:
        raise UnknownError("a box has four numbers")
    limits = (*card.size, *card.size)
    clipped = [round(min(max(0.0, v), float(most)), 2) for v, most in zip(box, limits, strict=True)]
    if not is_box(clipped):
        raise UnknownError("a box needs a width and a height inside the picture")
    return clipped


def _in_parent(box: list[float], card: Card) -> list[float]:
    """A box of the crop in its parent's pixels, to a thousandth."""
    assert card.quad is not None
    return [round(v, 3) for v in framing.box_to_parent(box, card.quad, card.size)]
