"""Reading an API's answer: its documented shape, its texts without markup, and none of the keys it was asked with.

Services repeat the key in error messages and in addresses, so whatever of an answer goes into a message or a row is
searched for the request's keys first.
"""

from __future__ import annotations

import html
from typing import TypeVar

from bs4 import BeautifulSoup
from pydantic import BaseModel, ConfigDict, ValidationError

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.redact import Secrets
from scgan_data.web.request import Ask, Visited

LONGEST = 200
"""Characters of a title, an author or a list of tags that a row keeps."""
_SHOWN = 60
M = TypeVar("M", bound="Answered")


def shaped(model: type[M], answer: Visited, ask: Ask) -> M:
    """An answer in its documented shape. Raises RefusedError that says what was expected and what came."""
    try:
        return model.model_validate_json(answer.body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the whole"
        raise not_documented(f"{where}: {problem['msg']}", answer, ask) from None


def not_documented(expected: str, answer: Visited, ask: Ask) -> RefusedError:
    """The refusal of an answer of another shape, with its first words."""
    text = without_secrets(answer.body.decode("utf-8", "replace"), ask)  # before it is cut: half a key is a key's half
    begins = " ".join(text[: 4 * _SHOWN].split())[:_SHOWN]
    return RefusedError(Reason.BAD_ANSWER, f"not the documented JSON ({expected[:LONGEST]}); it begins: {begins}")


def plain(text: str | None) -> str | None:
    """A text without markup, in one line, cut to LONGEST; None where nothing is left."""
    if not text:
        return None
    if "<" in text:
        soup = BeautifulSoup(text, "html.parser")
        for hidden in soup.select('[style*="display:none"], [style*="display: none"]'):
            hidden.decompose()
        text = soup.get_text()
    else:
        text = html.unescape(text)
    return " ".join(text.split())[:LONGEST].strip() or None


def without_secrets(text: str, ask: Ask) -> str:
    """The text with the request's keys starred out."""
    values = [*ask.secret_params.values(), *ask.secret_headers.values()]
    return Secrets(values).hide(text) if values else text


class Answered(BaseModel):
    """Base of a documented answer's shape: what it does not name is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)
