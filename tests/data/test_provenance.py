"""What files say of author and licence: EXIF and IPTC, who is believed first, and bytes that lie."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scgan_data.credit import metadata_blocks, xmp
from scgan_data.credit.provenance import Credit, Embedded, clean, embedded, license_address
from tests.data.metadata_files import (
    CONTAINERS,
    EVERYTHING,
    KINDS,
    SEQ,
    iptc,
    jpeg_with,
    manifest,
    packet,
    saved,
    tiff_with_tag,
)

CASES = Path(__file__).parents[3] / "shared" / "cases" / "faults" / "exif"


@pytest.mark.parametrize("kind", KINDS)
def test_exif_in_each_container(kind: str) -> None:
    data = saved(kind, exif={0x013B: "Ann", 0x8298: "(c) Ann", 0x0131: "Adobe Firefly 3"})
    assert embedded(data) == Embedded(license="(c) Ann", author="Ann", ai_generated="software:Adobe Firefly")


@pytest.mark.parametrize("kind", (*KINDS, "GIF", "BMP"))
def test_silence_is_nothing(kind: str) -> None:
    assert embedded(saved(kind)) == Embedded()


def test_iptc_is_read_from_its_segment() -> None:
    data = jpeg_with(iptc(n80="Änn".encode(), n110=b"Agency", n116="© Änn".encode("cp1252"), n120=b"a caption"))
    assert embedded(data) == Embedded(license="© Änn", author="Änn", credit="Agency")


def test_iptc_is_read_from_a_tiffs_tag() -> None:
    assert embedded(tiff_with_tag(0x83BB, b"\x1c\x02\x50\x00\x03Ann")).author == "Ann"


def test_xmp_is_believed_before_iptc_and_iptc_before_exif() -> None:
    exif = Image.Exif()
    exif[0x013B], exif[0x8298] = "Exif", "exif's"
    block = exif.tobytes()
    by_iptc = iptc(n80=b"Iptc")
    by_xmp = (1, b"http://ns.adobe.com/xap/1.0/\0" + packet(f"<dc:creator>{SEQ.format('Xmp')}</dc:creator>"))
    assert embedded(jpeg_with((1, block))) == Embedded(author="Exif", license="exif's")
    assert embedded(jpeg_with((1, block), by_iptc)) == Embedded(author="Iptc", license="exif's")
    assert embedded(jpeg_with((1, block), by_iptc, by_xmp)) == Embedded(author="Xmp", license="exif's")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  Ann\n\tSmith\0 ", "Ann Smith"),
        ("Ann <ann@mail.test> Smith", "Ann Smith"),
        ("\u202eAnn\u200b\ud800", "Ann"),
        ("x" * 400, "x" * 300),
        ("   ", None),
        ("a@b.test", None),
        (None, None),
    ],
)
def test_texts_are_cleaned(text: str | None, said: str | None) -> None:
    assert clean(text) == said


def test_a_licences_name_and_address_go_together() -> None:
    mine, pages = Credit(author="Ann", license="by contract"), Credit("CC0", "https://cc0.test/", "Bo", "x")
    assert mine.over(pages) == Credit("by contract", None, "Ann", "x")
    assert Credit(author="Ann").over(pages) == Credit("CC0", "https://cc0.test/", "Ann", "x")


def test_a_licences_address() -> None:
    assert license_address(None, "CC BY", "javascript:x", "https://a.test/terms") == "https://a.test/terms"
    assert license_address("see http://creativecommons.org/publicdomain/zero/1.0/ or ask") == (
        "https://creativecommons.org/publicdomain/zero/1.0/"
    )


def test_a_directory_of_overlapping_entries_is_read_to_a_limit() -> None:
    """Each of 5,000 entries claims the whole block: Pillow's reader would copy 300 MB."""
    entries = b"".join(struct.pack("<HHII", 0x9286, 7, 60_000, 8) for _ in range(5000))
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 5000) + entries
    assert set(metadata_blocks.exif(block)) == {"comment"}
    loop = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x8769, 4, 1, 8, 0)
    assert metadata_blocks.exif(loop) == {}


WHOLE = [saved(kind, exif={0x013B: "Ann"}, packet_=EVERYTHING) for kind in ("JPEG", "PNG", "WEBP", "TIFF")]
WHOLE += [make(manifest("trainedAlgorithmicMedia")) for make in CONTAINERS.values()] + [jpeg_with(iptc(n80=b"Ann"))]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(WHOLE), st.data())
def test_damage_is_never_raised(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, min(len(damaged) - 1, 900)))
        damaged[at : at + 1] = data.draw(st.binary(max_size=4))
    assert isinstance(embedded(bytes(damaged)), Embedded)


@settings(deadline=None)
@given(st.sampled_from([b"", b"Exif\0\0II*\0", b"MM\0*\0\0\0\x08\0\x02", b"\x1c\x02\x50"]), st.binary(max_size=80))
def test_blocks_of_any_bytes_are_read(head: bytes, tail: bytes) -> None:
    metadata_blocks.exif(head + tail)
    metadata_blocks.iptc(head + tail)
    metadata_blocks.user_comment(head + tail)
    xmp.read(b"<creator>" + head + tail)


@pytest.mark.skipif(not CASES.is_dir(), reason="shared/cases/faults/exif is not on this machine")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_camera_files() -> None:
    said = {file.name: embedded(file.read_bytes()) for file in sorted(CASES.iterdir())}
    assert len(said) >= 20
    assert all(one.ai_generated is None and one.forbids is None for one in said.values())
    assert not any("@" in (one.author or "") for one in said.values())
