"""What says that a model made a picture: C2PA manifests, generators' texts and comments, IPTC's source types."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from PIL import Image

from scgan_data.credit.provenance import PNG_MARKS, Embedded, embedded, source_type
from tests.data.metadata_files import (
    CONTAINERS,
    SOURCE_TYPES,
    manifest,
    picture,
    png,
    png_with_chunk,
    saved,
)


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("trainedAlgorithmicMedia", "c2pa:trainedAlgorithmicMedia"),
        ("compositeWithTrainedAlgorithmicMedia", "c2pa:compositeWithTrainedAlgorithmicMedia"),
        ("digitalCapture", None),
    ],
)
def test_c2pa_in_each_container(kind: str, source: str, said: str | None) -> None:
    data = CONTAINERS[kind](manifest(source))
    Image.open(BytesIO(data)).load()
    assert embedded(data).ai_generated == said


def test_words_outside_a_manifest_are_not_c2pa() -> None:
    assert embedded(saved("JPEG") + manifest("trainedAlgorithmicMedia")) == Embedded()
    assert embedded(png_with_chunk(b"caBX", b"trainedAlgorithmicMedia")) == Embedded()


STEPS = "a portrait\nNegative prompt: hands\nSteps: 20, Sampler: Euler a, CFG scale: 7"
PROMPT = json.dumps({"3": {"class_type": "KSampler", "inputs": {}}})


@pytest.mark.parametrize("name", PNG_MARKS)
def test_diffusion_programs_texts(name: str) -> None:
    text = {"parameters": STEPS, "workflow": json.dumps({"nodes": []})}.get(name, PROMPT)
    assert embedded(png(**{name.replace("-", "_X_"): text})).ai_generated == f"png:{name}"


def test_a_text_that_only_shares_the_name_is_none() -> None:
    assert embedded(png(parameters="exposure 1/60", workflow="scan, trim")) == Embedded()


def test_pngs_own_texts() -> None:
    said = embedded(png(Author="Ann", Copyright="CC0", Software="NovelAI"))
    assert said == Embedded(license="CC0", author="Ann", ai_generated="software:NovelAI")


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
def test_a_generators_user_comment(encoding: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + STEPS.encode(encoding)
    buffer = BytesIO()
    picture().save(buffer, "JPEG", exif=exif)
    assert embedded(buffer.getvalue()) == Embedded(ai_generated="exif:UserComment")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (SOURCE_TYPES + "trainedAlgorithmicMedia", "trainedAlgorithmicMedia"),
        ("https://schema.org/TrainedAlgorithmicMediaDigitalSource", "trainedAlgorithmicMedia"),
        ("digsrctype:algorithmicMedia", "algorithmicMedia"),
        ("CompositeSynthetic", "compositeSynthetic"),
        (SOURCE_TYPES + "digitalArt", None),
        ("", None),
        (None, None),
    ],
)
def test_source_types(text: str | None, name: str | None) -> None:
    assert source_type(text) == name
