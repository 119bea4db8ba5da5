"""What queries and hosts gave: found, fetched, decoded, kept, and accepted by a later stage. People see where to look.

Counted from manifests alone, so that it can be asked of any version of a dataset.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pandas as pd
from rich.table import Table

from scgan_data.records import Reason, Status

NOT_FETCHED = frozenset(
    {
        Reason.ROBOTS_DISALLOWED,
        Reason.NOAI,
        Reason.HTTP_ERROR,
        Reason.RATE_LIMITED,
        Reason.HOST_GIVEN_UP,
        Reason.NAME_NOT_FOUND,
        Reason.NOT_CONNECTED,
        Reason.TLS_FAILED,
        Reason.BAD_ANSWER,
        Reason.TRANSFER_BROKEN,
        Reason.TOO_MANY_REDIRECTS,
        Reason.TIMED_OUT,
        Reason.ADDRESS_FORBIDDEN,
        Reason.OVER_BUDGET,
        Reason.FILE_UNREADABLE,
        Reason.TOO_MANY_BYTES,
    }
)
"""The reasons of rows whose bytes did not come."""
WORST = 10


def counts(rows: pd.DataFrame, by: pd.Series[str], judged: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row a value of `by`: found, fetched, decoded, kept, and accepted where a later stage's rows are given.

    Only counts: a picture of a refused licence was found and, where the file alone said so, fetched and decoded.
    """
    decoded = rows["pixel_id"].notna()
    kept = rows["status"] == Status.KEPT
    came = decoded | ~rows["reason"].isin(NOT_FETCHED | {Reason.LICENSE_NOT_ALLOWED, Reason.AI_GENERATED})
    columns = {"found": pd.Series(True, rows.index), "fetched": came, "decoded": decoded, "kept": kept}
    if judged is not None:
        good = judged[judged["status"] == Status.KEPT]
        accepted = set(zip(good["domain"], good["parent_id"].fillna(good["id"]), strict=True))
        keys = zip(rows["domain"], rows["id"], strict=True)
        columns["accepted"] = pd.Series([key in accepted for key in keys], rows.index) & kept
    sums = pd.DataFrame(columns).astype(int).groupby(by.to_numpy(), sort=True).sum()
    return sums.sort_values("found", ascending=False, kind="stable")


def queries(rows: pd.DataFrame) -> pd.Series[str]:
    """Who found each row: the source, with its query if it has one."""
    return rows["source"].fillna("?") + (" “" + rows["query"].astype("string") + "”").fillna("")


def hosts(rows: pd.DataFrame) -> pd.Series[str]:
    """The host of each row's URL; of bytes on this machine, that."""
    return rows["source_url"].map(lambda url: urlsplit(url).netloc if "://" in url else "this machine")


def by_query(rows: pd.DataFrame, judged: pd.DataFrame | None = None) -> Table:
    """The yield table by query."""
    return _table("yield by query", counts(rows, queries(rows), judged))


def by_host(rows: pd.DataFrame, judged: pd.DataFrame | None = None) -> Table:
    """The yield table by host."""
    return _table("yield by host", counts(rows, hosts(rows), judged))


def worst_hosts(rows: pd.DataFrame) -> Table | None:
    """The hosts that failed most, each with its commonest reason; None where none failed."""
    failed = rows[rows["reason"].isin(NOT_FETCHED - {Reason.OVER_BUDGET, Reason.FILE_UNREADABLE})]
    if failed.empty:
        return None
    table = Table(title=f"the {WORST} worst hosts" if hosts(failed).nunique() > WORST else "hosts with failures")
    for name in ("host", "not had", "of", "mostly"):
        table.add_column(name, justify="left" if name in ("host", "mostly") else "right", overflow="fold")
    found = hosts(rows).value_counts()
    for host, part in sorted(failed.groupby(hosts(failed)), key=lambda pair: (-len(pair[1]), pair[0]))[:WORST]:
        reasons = part["reason"].value_counts()
        table.add_row(str(host), str(len(part)), str(found[host]), f"{reasons.index[0]} ({reasons.iloc[0]})")
    return table


def _table(title: str, numbers: pd.DataFrame) -> Table:
    table = Table("", *numbers.columns, title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    table.columns[0].overflow = "fold"
    for name, row in numbers.iterrows():
        table.add_row(str(name), *(str(value) for value in row))
    return table
