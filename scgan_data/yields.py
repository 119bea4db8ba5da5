"""What queries and hosts gave: found, fetched, decoded, kept, and accepted by a later stage. People see where to look.

Counted from manifests alone, so that it can be asked of any version of a dataset.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pandas as pd
from rich.markup import escape
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


class Totals:
    """The counts of a manifest that comes in parts."""

    def __init__(self, judged: pd.DataFrame | None = None) -> None:
        self._judged = judged
        self._queries, self._hosts = pd.DataFrame(), pd.DataFrame()
        self._failures = pd.Series(dtype=float)

    def add(self, rows: pd.DataFrame) -> None:
        """Count rows."""
        self._queries = _sum(self._queries, counts(rows, queries(rows), self._judged))
        self._hosts = _sum(self._hosts, counts(rows, hosts(rows), self._judged))
        failed = rows[rows["reason"].isin(NOT_FETCHED - {Reason.OVER_BUDGET, Reason.FILE_UNREADABLE})]
        by_reason = failed.groupby([hosts(failed), failed["reason"]]).size()
        self._failures = self._failures.add(by_reason, fill_value=0) if len(self._failures) else by_reason

    def by_query(self) -> Table:
        """The yield table by query."""
        return _table("yield by query", self._queries)

    def by_host(self) -> Table:
        """The yield table by host."""
        return _table("yield by host", self._hosts)

    def worst_hosts(self) -> Table | None:
        """The hosts that failed most, each with its commonest reason; None where none failed."""
        failures = {str(host): part.droplevel(0) for host, part in self._failures.groupby(level=0)}
        if not failures:
            return None
        found = {str(host): int(count) for host, count in self._hosts["found"].items()}
        table = Table(title=f"the {WORST} worst hosts" if len(failures) > WORST else "hosts with failures")
        for name in ("host", "not had", "of", "mostly"):
            table.add_column(name, justify="left" if name in ("host", "mostly") else "right", overflow="fold")
        for host, reasons in sorted(failures.items(), key=lambda pair: (-pair[1].sum(), pair[0]))[:WORST]:
            mostly = f"{reasons.idxmax()} ({int(reasons.max())})"
            table.add_row(escape(host), str(int(reasons.sum())), str(found[host]), mostly)
        return table


def _sum(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    added = one.add(other, fill_value=0).astype(int) if len(one) else other
    return added.sort_values("found", ascending=False, kind="stable")


def totals(rows: pd.DataFrame, judged: pd.DataFrame | None = None) -> Totals:
    """The counts of whole rows."""
    counted = Totals(judged)
    counted.add(rows)
    return counted


def _table(title: str, numbers: pd.DataFrame) -> Table:
    table = Table("", *numbers.columns, title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    table.columns[0].overflow = "fold"
    for name, row in numbers.iterrows():
        table.add_row(escape(str(name)), *(str(value) for value in row))
    return table
