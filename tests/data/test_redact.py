"""Secrets are hidden in every form that a server could send them back in."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.redact import LEAST, Secrets

SECRET = "s3cret/K+y=4 2ü"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        quote(SECRET, safe="+"),
        "%73" + SECRET[1:],
    ],
)
def test_every_form_is_hidden(form: str) -> None:
    assert Secrets([SECRET]).hide(f"a {form} b") == "a *** b"


@given(st.text(min_size=LEAST), st.sets(st.integers(0, 30)))
def test_any_characters_may_be_encoded(secret: str, encoded: set[int]) -> None:
    form = "".join(quote(c, safe="") if i in encoded else c for i, c in enumerate(secret))
    assert form not in Secrets([secret]).hide(f"<{form}>").removeprefix("<").removesuffix(">") or form in "***"


def test_the_parts_of_a_composed_value_are_secret_too() -> None:
    secrets = Secrets(["Bearer abcdefgh1234", "theme=dark; session=xyzxyzxyz"])
    assert secrets.hide("token abcdefgh1234, session xyzxyzxyz, dark theme") == "token ***, session ***, dark theme"


def test_urls_lose_the_parameters_and_nothing_else() -> None:
    secrets = Secrets([SECRET])
    url = f"http://e.org/a?b=2&key={quote_plus(SECRET)}&a=%20x"
    assert secrets.drop_from(url) == "http://e.org/a?b=2&a=%20x"
    assert secrets.drop_from("http://e.org/a?b=%20") == "http://e.org/a?b=%20"
    assert secrets.drop_from(f"http://e.org/{quote(SECRET)}") == "http://e.org/***"


def test_no_secrets_change_nothing() -> None:
    none = Secrets(["", "k"])
    assert not none
    assert none.hide("a key") == "a key"
    more = none.with_more(["password"])
    assert more
    hidden = more.hide_in(RefusedError(Reason.BAD_ANSWER, "a password", value=1.0, limit=2.0))
    assert (hidden.detail, hidden.value, hidden.limit) == ("a ***", 1.0, 2.0)
