"""Who collects: named in params, in the environment, or once by a person."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from scgan_data import contact
from scgan_data.web.fetch import FetchConfig


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(contact.VARIABLE, raising=False)
    return tmp_path


def test_params_come_first_then_the_environment_then_what_was_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert contact.with_contact(FetchConfig()).contact is None
    kept = Path(typer.get_app_dir("scgan-data")) / "contact"
    assert kept.is_relative_to(home)
    kept.parent.mkdir(parents=True)
    kept.write_text("kept@example.org\n")
    assert contact.with_contact(FetchConfig()).contact == "kept@example.org"
    monkeypatch.setenv(contact.VARIABLE, "env@example.org")
    assert contact.with_contact(FetchConfig()).contact == "env@example.org"
    assert contact.with_contact(FetchConfig(contact="me@example.org")).contact == "me@example.org"


def test_nobody_is_asked_where_nobody_sits(home: Path) -> None:
    assert contact.asked(FetchConfig()).contact is None


@pytest.mark.parametrize("text", ["me", "me@", "@example.org", "example.org", "ftp://example.org", "a b@example.org"])
def test_what_is_no_address_is_asked_for_again(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        contact.checked(text)
    assert contact.checked(" https://example.org/us ") == "https://example.org/us"
