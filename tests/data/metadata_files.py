"""Files that say something of themselves, written here: XMP, EXIF, IPTC, C2PA and PNG texts in each container."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO

from PIL import Image, PngImagePlugin

from scgan_data.credit.provenance import Embedded

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
CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "JPEG": lambda store: jpeg_with(*jumbf(store, 60_000)),
    "JPEG in pieces": lambda store: jpeg_with(*jumbf(store, 41)),
    "PNG": lambda store: png_with_chunk(b"caBX", store),
    "WEBP": lambda store: webp_with_chunk(b"C2PA", store),
    "AVIF": avif_with_uuid,
    "TIFF": lambda store: tiff_with_tag(0xCD41, store),
}
