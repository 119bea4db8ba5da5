"""Secrets kept out of what is recorded or shown: every text that leaves the gateway passes here.

A server may echo what it was sent, in a redirect or in an error, so texts are searched for the values themselves: as
they are, with any of their characters percent-encoded, and for the parts of a composed value (`Bearer TOKEN`,
`a=1; session=TOKEN`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from scgan_data.web.address import RefusedError

SHOWN = "***"
LEAST = 8
"""Characters of a secret. What is shorter occurs by chance: hiding it would riddle every text with stars, so sources
refuse such a key; and of a composed value such parts are words of its syntax."""


def too_short(variable: str) -> str:
    """What is said of an environment variable whose value is shorter than `LEAST`."""
    return f"the environment variable {variable} holds less than {LEAST} characters, too few to keep them out of logs"


class Secrets:
    """The values that must not be shown. False where there are none."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        found = {value for value in values if len(value) >= LEAST}
        words = {word for value in found for word in re.split(r"[\s;,]+", value)}
        found |= {part for word in words for part in (word, word.partition("=")[2]) if len(part) >= LEAST}
        longest_first = sorted(found, key=lambda value: (-len(value), value))
        self._values = found
        self._pattern = re.compile("|".join(map(_any_form, longest_first)), re.IGNORECASE) if found else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def with_more(self, values: Iterable[str]) -> Secrets:
        """These and those."""
        return Secrets([*self._values, *values])

    def hide(self, text: str) -> str:
        """The text with every occurrence replaced by `***`."""
        return text if self._pattern is None else self._pattern.sub(SHOWN, text)

    def hide_in(self, refused: RefusedError) -> RefusedError:
        """The same refusal, safe to record."""
        return RefusedError(refused.reason, self.hide(refused.detail), value=refused.value, limit=refused.limit)

    def drop_from(self, url: str) -> str:
        """The URL without the query parameters that hold a secret, and nothing secret elsewhere."""
        if self.hide(url) == url:
            return url
        parts = urlsplit(url)
        query = "&".join(pair for pair in parts.query.split("&") if self.hide(pair) == pair)
        return self.hide(urlunsplit(parts._replace(query=query)))


def _any_form(value: str) -> str:
    """A pattern for the value with any of its characters percent-encoded."""
    return "".join(f"(?:{re.escape(c)}|{_encoded(c)}{'|[+]' if c == ' ' else ''})" for c in value)


def _encoded(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
