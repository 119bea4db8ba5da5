"""What files say of themselves: real files in each container, and bytes that lie."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from scgan_data.credit import metadata_blocks, xmp
from scgan_data.credit.provenance import PNG_MARKS, Credit, Embedded, clean, embedded, license_address, source_type

CASES = Path(__file__).parents[3] / "shared" / "cases" / "faults" / "exif"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "cc": "http://creativecommons.org/ns#",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
SEQ = "<rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq>"
ALT = "<rdf:Alt><rdf:li xml:lang='x-default'>{}</rdf:li><rdf:li xml:lang='de'>anders</rdf:li></rdf:Alt>"


def packet(inner: str = "", attributes: str = "", head: str = "") -> bytes:
    """An XMP packet."""
    spaces = " ".join(f'xmlns:{name}="{address}"' for name, address in NAMESPACES.items())
    return (
        f'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>{head}<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces} {attributes}>{inner}</rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    ).encode()


def picture() -> Image.Image:
    return Image.new("RGB", (64, 64), "teal")


def saved(kind: str, *, exif: dict[int, str] | None = None, packet_: bytes | None = None) -> bytes:
    buffer, options = BytesIO(), dict[str, object]()
    block = Image.Exif()
    for tag, value in (exif or {}).items():
        block[tag] = value
    if kind == "TIFF" and packet_ is not None:
        block[700] = packet_
    if len(block):
        options["exif"] = block
    if packet_ is not None and kind != "PNG":
        options["xmp"] = packet_
    elif packet_ is not None:  # Pillow writes a PNG's packet as a text
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet_.decode())
        options["pnginfo"] = info
    picture().save(buffer, kind, **options)
    return buffer.getvalue()


def png(**texts: str) -> bytes:
    info, buffer = PngImagePlugin.PngInfo(), BytesIO()
    for name, text in texts.items():
        info.add_text(name.replace("_X_", "-"), text)
    picture().save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    """A JPEG with APPn segments after its start."""
    parts = (struct.pack(">BBH", 0xFF, 0xE0 + number, len(body) + 2) + body for number, body in segments)
    return b"\xff\xd8" + b"".join(parts) + saved("JPEG")[2:]


def iptc(**sets: bytes) -> tuple[int, bytes]:
    """An APP13 segment: `n80` is data set 2:80."""
    records = b"".join(struct.pack(">BBBH", 0x1C, 2, int(name[1:]), len(v)) + v for name, v in sets.items())
    records += b"\0" * (len(records) % 2)
    return 13, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records


def jumbf(store: bytes, size: int) -> list[tuple[int, bytes]]:
    """APP11 segments of a manifest store, cut every `size` bytes."""
    head = struct.pack(">I", len(store)) + b"jumb"
    cut = [store[at : at + size] for at in range(0, len(store), size)]
    return [(11, b"JP\0\1" + struct.pack(">I", number) + head + part) for number, part in enumerate(cut, 1)]


def manifest(source: str) -> bytes:
    """The words of a manifest store, in CBOR's way of writing a text."""
    address = (SOURCE_TYPES + source).encode()
    return b"jumdc2pa\0...c2pa.actions\xa1\x71digitalSourceType\x78" + bytes([len(address)]) + address + b"\0end"


def png_with_chunk(name: bytes, body: bytes) -> bytes:
    info, buffer = PngImagePlugin.PngInfo(), BytesIO()
    info.add(name, body)
    picture().save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def webp_with_chunk(name: bytes, body: bytes) -> bytes:
    data = saved("WEBP") + name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def avif_with_uuid(body: bytes) -> bytes:
    uuid = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    return saved("AVIF") + struct.pack(">I", len(body) + 24) + b"uuid" + uuid + body


def tiff_with_tag(tag: int, body: bytes) -> bytes:
    info, buffer = Image.Exif(), BytesIO()
    info[tag] = body
    picture().save(buffer, "TIFF", exif=info)
    return buffer.getvalue()


EVERYTHING = packet(
    f"<dc:creator>{SEQ.format('Ann Smith')}</dc:creator><dc:rights>{ALT.format('© 2024 Ann')}</dc:rights>"
    f"<xmpRights:UsageTerms>{ALT.format('CC BY 4.0')}</xmpRights:UsageTerms>"
    "<cc:license rdf:resource='https://creativecommons.org/licenses/by/4.0/'/>",
    f"photoshop:Credit='Ann/Agency' Iptc4xmpExt:DigitalSourceType='{SOURCE_TYPES}trainedAlgorithmicMedia' "
    "plus:DataMining='http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING'",
)
SAID = Embedded(
    license="CC BY 4.0",
    license_url="https://creativecommons.org/licenses/by/4.0/",
    author="Ann Smith",
    ai_generated="iptc:trainedAlgorithmicMedia",
    credit="Ann/Agency",
    forbids="plus:DMI-PROHIBITED-AIMLTRAINING",
)
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")


@pytest.mark.parametrize("kind", KINDS)
def test_xmp_in_each_container(kind: str) -> None:
    assert embedded(saved(kind, packet_=EVERYTHING)) == SAID


@pytest.mark.parametrize("kind", KINDS)
def test_exif_in_each_container(kind: str) -> None:
    data = saved(kind, exif={0x013B: "Ann", 0x8298: "(c) Ann", 0x0131: "Adobe Firefly 3"})
    assert embedded(data) == Embedded(license="(c) Ann", author="Ann", ai_generated="software:Adobe Firefly")


@pytest.mark.parametrize("kind", (*KINDS, "GIF", "BMP"))
def test_silence_is_nothing(kind: str) -> None:
    assert embedded(saved(kind)) == Embedded()


def test_the_opened_picture_is_used_loaded_or_not() -> None:
    data = saved("JPEG", packet_=EVERYTHING)
    with Image.open(BytesIO(data)) as image:
        assert embedded(data, image) == SAID
        image.load()
        assert embedded(data, image) == SAID


@pytest.mark.parametrize(
    ("inner", "attributes", "said"),
    [
        ("<dc:creator>Ann</dc:creator>", "", Embedded(author="Ann")),
        (f"<dc:creator>{SEQ.format('Ann</rdf:li><rdf:li>Bo')}</dc:creator>", "", Embedded(author="Ann, Bo")),
        ("", "cc:attributionName='Bo'", Embedded(author="Bo")),
        ("", "xmpRights:WebStatement='https://ann.test/terms'", Embedded(license_url="https://ann.test/terms")),
        (
            "<plus:Licensor><rdf:Seq><rdf:li rdf:parseType='Resource'><plus:LicensorName>Shop</plus:LicensorName>"
            "<plus:LicensorURL>https://shop.test/1</plus:LicensorURL><plus:LicensorEmail>a@b.test</plus:LicensorEmail>"
            "</rdf:li></rdf:Seq></plus:Licensor>",
            "",
            Embedded(license_url="https://shop.test/1", credit="Shop"),
        ),
        (
            f"<dc:rights>{ALT.format('Licence: www.creativecommons.org/licenses/by-sa/3.0/.')}</dc:rights>",
            "",
            Embedded(
                license="Licence: www.creativecommons.org/licenses/by-sa/3.0/.",
                license_url="https://creativecommons.org/licenses/by-sa/3.0/",
            ),
        ),
        ("", f"Iptc4xmpExt:DigitalSourceType='{SOURCE_TYPES}digitalCapture'", Embedded()),
        (
            f"<Iptc4xmpExt:DigitalSourceType rdf:resource='{SOURCE_TYPES}compositeWithTrainedAlgorithmicMedia'/>",
            "",
            Embedded(ai_generated="iptc:compositeWithTrainedAlgorithmicMedia"),
        ),
        ("", "xmp:CreatorTool='Midjourney 6'", Embedded(ai_generated="software:Midjourney")),
        (
            "",
            "photoshop:Credit='Made with Google AI'",
            Embedded(ai_generated="software:Made with Google AI", credit="Made with Google AI"),
        ),
        ("", "plus:DataMining='http://ns.useplus.org/ldf/vocab/DMI-ALLOWED'", Embedded()),
        ("", "xmp:CreatorTool='Adobe Photoshop 25.0'", Embedded()),
    ],
)
def test_what_xmp_says(inner: str, attributes: str, said: Embedded) -> None:
    assert embedded(saved("JPEG", packet_=packet(inner, attributes))) == said


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


CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "JPEG": lambda store: jpeg_with(*jumbf(store, 60_000)),
    "JPEG in pieces": lambda store: jpeg_with(*jumbf(store, 41)),
    "PNG": lambda store: png_with_chunk(b"caBX", store),
    "WEBP": lambda store: webp_with_chunk(b"C2PA", store),
    "AVIF": avif_with_uuid,
    "TIFF": lambda store: tiff_with_tag(0xCD41, store),
}


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


def test_a_licences_name_and_address_go_together() -> None:
    mine, pages = Credit(author="Ann", license="by contract"), Credit("CC0", "https://cc0.test/", "Bo", "x")
    assert mine.over(pages) == Credit("by contract", None, "Ann", "x")
    assert Credit(author="Ann").over(pages) == Credit("CC0", "https://cc0.test/", "Ann", "x")


def test_a_licences_address() -> None:
    assert license_address(None, "CC BY", "javascript:x", "https://a.test/terms") == "https://a.test/terms"
    assert license_address("see http://creativecommons.org/publicdomain/zero/1.0/ or ask") == (
        "https://creativecommons.org/publicdomain/zero/1.0/"
    )


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "Ann"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/hostname">]>',
    "<dc:creator>&b;&c;</dc:creator>",
)


@pytest.mark.parametrize(
    "block",
    [
        packet(BOMB[1], head=BOMB[0]),
        packet("<dc:creator>Ann</dc:creator>")[:-30],
        b"<?xml version='1.0' encoding='none'?>" + packet("<dc:creator>Ann</dc:creator>"),
        b"<dc:creator>" * 1000,
        packet("<dc:creator>Ann</dc:creator>") + b" " * xmp.MAX_BYTES,
        b"",
    ],
    ids=["entities", "cut", "encoding", "open", "huge", "empty"],
)
def test_a_bad_packet_is_silence(block: bytes) -> None:
    assert xmp.read(block) == {}


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
