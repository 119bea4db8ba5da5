"""The two ways to mend a mismatch. A module of its own: the command line imports it at every start."""

from __future__ import annotations

from enum import StrEnum


class Fix(StrEnum):
    """How to mend a mismatch."""

    CROP = "crop"
    REBALANCE = "rebalance"
