"""Planted against found: what the site's truth says of each address, next to what the pipeline decided of its row."""

from __future__ import annotations

from typing import Any

import pandas as pd

from scgan_data.records import Reason, Status
from scgan_data.sample.plants import Kind

COPIES = (Reason.SAME_BYTES, Reason.SAME_PIXELS, Reason.NEAR_DUPLICATE)
NOT_HAD = (Reason.HTTP_ERROR, Reason.RATE_LIMITED, Reason.HOST_GIVEN_UP, Reason.TRANSFER_BROKEN, Reason.TIMED_OUT)
MARKED = (Reason.WATERMARKED, Reason.RECURRING_MARK)
UNUSABLE = (Reason.NO_FACE, Reason.FLAT, Reason.BLURRED, *MARKED, Reason.ASPECT, Reason.TOO_SMALL)
EXPECTED: dict[Kind, tuple[Reason, ...]] = {
    Kind.EXACT_COPY: (Reason.SAME_BYTES,),
    Kind.NEAR_COPY: COPIES,
    Kind.WATERMARKED: MARKED,
    Kind.FACELESS: UNUSABLE,
    Kind.SEVERAL_FACES: (Reason.SEVERAL_FACES,),
    Kind.SMALL: (Reason.TOO_SMALL,),
    Kind.BLURRED: (Reason.BLURRED,),
    Kind.TRUNCATED: (Reason.TRUNCATED,),
    Kind.NOT_AN_IMAGE: (Reason.NOT_AN_IMAGE,),
    Kind.DISALLOWED: (Reason.ROBOTS_DISALLOWED,),
    Kind.DISALLOWED_PAGE: (Reason.ROBOTS_DISALLOWED,),
    Kind.NOAI: (Reason.NOAI,),
    Kind.NOT_FOUND: (Reason.HTTP_ERROR,),
    Kind.ALWAYS_429: (Reason.RATE_LIMITED,),
}
"""The reasons that count as finding a planted picture. A copy counts by its pair: either of the two may be kept."""
NEVER_REQUESTED = (Kind.DISALLOWED, Kind.DISALLOWED_PAGE, Kind.BEHIND_DISALLOWED_PAGE)
COLUMNS = ["kind", "domain", "planted", "found", "expected"]


def score(truth: list[dict[str, Any]], rows: pd.DataFrame) -> pd.DataFrame:
    """A table (kind, domain, planted, found, expected) of a chain's rows, whatever stage they come from.

    The last lines of each domain count what should be none: clean pictures `dropped as copies` (both of a pair, or one
    that has no copy on the site), `taken for watermarked`, and `otherwise rejected`.
    """
    reasons = _reasons(rows)
    table = pd.DataFrame(truth)
    lines: list[dict[str, Any]] = []
    for domain in sorted(set(table["domain"])):
        for kind in Kind:
            hits = [_is_found(e, reasons) for e in truth if e["domain"] == domain and e["kind"] == kind]
            if hits and kind != Kind.CLEAN:
                lines.append(_line(kind, domain, hits, _expected(kind)))
        lines += _false_alarms(domain, table[table["domain"] == domain], reasons)
    return pd.DataFrame(lines, columns=COLUMNS)


def _reasons(rows: pd.DataFrame) -> dict[tuple[str, str], str | None]:
    """(domain, URL) -> the reason of a rejected row, None for a kept one."""
    rejected = rows["status"] == Status.REJECTED
    said = rows["reason"].where(rejected, None)
    keys = zip(rows["domain"], rows["source_url"], strict=True)
    return {key: None if pd.isna(reason) else str(reason) for key, reason in zip(keys, said, strict=True)}


def _line(kind: str, domain: str, hits: list[bool], expected: str) -> dict[str, Any]:
    return {"kind": str(kind), "domain": domain, "planted": len(hits), "found": sum(hits), "expected": expected}


def _expected(kind: Kind) -> str:
    said = ", ".join(EXPECTED.get(kind, ()))
    if kind in NEVER_REQUESTED:
        return f"{said or 'no row'}; never requested"
    return said or "had in the end"


def _is_found(entry: dict[str, Any], reasons: dict[tuple[str, str], str | None]) -> bool:
    kind, key = Kind(entry["kind"]), (entry["domain"], entry["url"])
    if kind == Kind.CLEAN or (kind in NEVER_REQUESTED and entry["requested"] > 0):
        return False
    if kind == Kind.BEHIND_DISALLOWED_PAGE:
        return key not in reasons
    if key not in reasons:
        return False
    if kind == Kind.FIRST_429:
        return reasons[key] not in NOT_HAD
    pair = [reasons[key]]
    if isinstance(entry["of"], str):
        pair.append(reasons.get((entry["domain"], entry["of"])))
    return any(reason in EXPECTED[kind] for reason in pair)


def _false_alarms(domain: str, part: pd.DataFrame, reasons: dict[tuple[str, str], str | None]) -> list[dict[str, Any]]:
    copied = {of: url for of, url in zip(part["of"], part["url"], strict=True) if isinstance(of, str)}
    urls = list(part.loc[part["kind"] == Kind.CLEAN, "url"])
    said = {url: reasons.get((domain, url)) for url in urls}
    dropped = [
        said[url] in COPIES and (url not in copied or reasons.get((domain, copied[url])) in COPIES) for url in urls
    ]
    marked = [said[url] in MARKED for url in urls]
    others = [said[url] is not None and said[url] not in (*COPIES, *MARKED) for url in urls]
    return [
        _line("clean: dropped as copies", domain, dropped, "none"),
        _line("clean: taken for watermarked", domain, marked, "none"),
        _line("clean: otherwise rejected", domain, others, "few"),
    ]
