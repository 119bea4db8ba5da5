"""From the state of a collection to the manifest's rows: one row an offer, and one for each older version of a picture.

An offer's own words on licence and author count before what its file says. What a rule forbids, what was not had and
what is no picture are rejected rows, each with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from scgan_data import files, manifest
from scgan_data.collection.state import State
from scgan_data.credit import licenses, permission
from scgan_data.credit.licenses import LicensesConfig
from scgan_data.records import Reason, Status
from scgan_data.stage import StageFolder
from scgan_data.web.address import RefusedError

CHUNK = 20_000
_OFFER = "domain, source, query, page_url, license, license_url, author, ai_generated, extra"
_URL = "url AS source_url, final_url, rules, via_proxy, done"
_REFUSED = "offers.reason, offers.value, offers.max_value, offers.detail"
_NOT_HAD = "urls.reason AS url_reason, urls.value AS url_value, urls.max_value AS url_limit, urls.detail AS url_detail"
_QUERY = f"""
SELECT {_OFFER}, {_URL}, {_REFUSED}, {_NOT_HAD}, urls.content_id, urls.retrieved_at, suffix, facts
FROM offers JOIN urls ON id = url_id LEFT JOIN pictures USING (content_id) WHERE offers.run = :run
UNION ALL
SELECT {_OFFER}, {_URL}, {_REFUSED}, {_NOT_HAD}, versions.content_id, versions.retrieved_at, suffix, facts
FROM offers JOIN urls ON id = offers.url_id JOIN versions USING (url_id)
JOIN pictures ON pictures.content_id = versions.content_id WHERE offers.run = :run
ORDER BY domain, source_url, content_id
"""
_NAMES = (
    *("domain", "source", "query", "page_url", "license", "license_url", "author", "ai_generated", "extra"),
    *("source_url", "final_url", "rules", "via_proxy", "done", "reason", "value", "limit", "detail"),
    *("url_reason", "url_value", "url_limit", "url_detail", "content_id", "retrieved_at", "suffix", "facts"),
)
_CARRIED = (
    *("domain", "source", "query", "page_url", "license", "license_url", "author", "ai_generated", "extra"),
    *("source_url", "final_url", "rules", "retrieved_at"),
)


@dataclass(frozen=True)
class Permitted:
    """The rules on licences and AI-generated pictures."""

    licenses: LicensesConfig
    reject_ai: bool


def parts(state: State, permitted: Permitted, folder: StageFolder) -> Iterator[pd.DataFrame]:
    """All rows of this run, in the manifest's order, some at a time: a list of a million URLs never lies in memory."""
    for chunk in state.chunks(_QUERY, {"run": state.run}, CHUNK):
        yield manifest.table([_row(dict(zip(_NAMES, values, strict=True)), permitted, folder) for values in chunk])


def lost(state: State, permitted: Permitted, folder: StageFolder) -> set[str]:
    """The content ids of kept rows whose picture is not there."""
    gone = {i for i, suffix in state.pictures() if folder.picture(i, suffix) is None}
    rows = (manifest.kept(part) for part in (parts(state, permitted, folder) if gone else ()))
    return {content_id for part in rows for content_id in part["id"] if content_id in gone}


def _row(found: dict[str, Any], permitted: Permitted, folder: StageFolder) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(found["facts"]) if found["facts"] else {}
    row = {name: found[name] for name in _CARRIED}
    row["via_proxy"] = None if found["via_proxy"] is None else bool(found["via_proxy"])
    content_id = found["content_id"]
    row["id"] = content_id or files.id_of_url(found["source_url"])
    refused = _offer_refused(found) or _not_had(found) or _no_picture(facts)
    if refused is None:
        if row["license"] or row["license_url"]:  # a name must not be joined with another statement's address
            facts = {name: value for name, value in facts.items() if name not in ("license", "license_url")}
        row |= {name: value for name, value in facts.items() if row.get(name) is None}
    row["license"] = licenses.named(row["license"], row["license_url"])
    if refused is None:
        refused = permission.by_file(row.pop("forbids", None))
        refused = refused or permission.by_license(row["license"], row["license_url"], permitted.licenses)
        refused = refused or permission.by_origin(row["ai_generated"], reject_ai=permitted.reject_ai)
    if refused is not None:
        return row | _rejected(refused)
    return row | {
        "status": Status.KEPT.value,
        "path": str(folder.home / files.content_path(content_id, found["suffix"])),
    }


def _offer_refused(found: dict[str, Any]) -> RefusedError | None:
    return _refusal(found["reason"], found["detail"], found["value"], found["limit"])


def _not_had(found: dict[str, Any]) -> RefusedError | None:
    """Why there are no bytes. A picture in hand outlives a host that has it no longer."""
    if found["content_id"] is not None:
        return None
    if found["done"] != 1 or found["url_reason"] is None:  # of a dry run all, this machine's files included
        return RefusedError(Reason.OVER_BUDGET, "not asked for: no more were wanted")
    return _refusal(found["url_reason"], found["url_detail"], found["url_value"], found["url_limit"])


def _no_picture(facts: dict[str, Any]) -> RefusedError | None:
    return _refusal(*(facts.get(name) for name in ("reason", "detail", "value", "limit")))


def _refusal(reason: str | None, detail: str | None, value: float | None, limit: float | None) -> RefusedError | None:
    return RefusedError(Reason(reason), detail or "", value=value, limit=limit) if reason else None


def _rejected(refused: RefusedError) -> dict[str, Any]:
    decision = {"reason": refused.reason.value, "value": refused.value, "limit": refused.limit}
    return decision | {"detail": refused.detail or None, "status": Status.REJECTED.value, "rejected_by": "collect"}
