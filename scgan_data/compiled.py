"""Compiled loops: numba's, without Python's lock, so that plain threads use all cores.

Importing this imports numba (half a second), so it is done late, where a loop is needed. Compiled code is kept beside
the module, or in the user's cache; where neither can be written it is compiled anew in each process (some seconds).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """The same function, compiled at its first call with arguments of a kind."""
    try:
        return cast(F, njit(nogil=True, cache=True)(function))
    except RuntimeError:  # numba's "no locator available": there is nowhere to write
        return cast(F, njit(nogil=True)(function))
