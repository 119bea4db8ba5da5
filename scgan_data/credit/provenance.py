"""What a picture's file says of itself: who made it, under which terms, and whether a model generated it.

XMP is believed before IPTC, IPTC before EXIF, EXIF before PNG's texts. A copyright notice stands in the licence's place
where no terms are named. Generated pictures say so in four ways: IPTC's digital source type; a C2PA manifest with one
(its signature is not verified, and what it says of an ingredient counts as the picture's); the texts that diffusion
programs write; a generator's name as the software. A file without metadata costs a look at what Pillow has found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image, PngImagePlugin

from scgan_data.credit import metadata_blocks, xmp

MAX_TEXT = 300
AI_SOURCE_TYPES = frozenset(
    {"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia", "compositeSynthetic"}
)
"""IPTC's digital source types of pictures that are, or contain, a model's or an algorithm's work."""
GENERATORS = re.compile(
    r"midjourney|dall[-·. ]?e\b|stable[ -]?diffusion|adobe firefly|novelai|comfyui|invokeai|fooocus|automatic1111"
    r"|dreamstudio|leonardo\.ai|ideogram|(?:made|edited) with google ai|bing image creator",
    re.IGNORECASE,
)
PNG_MARKS = {
    "parameters": "Steps:",
    "prompt": "",
    "workflow": "nodes",
    "Dream": "",
    "sd-metadata": "",
    "invokeai_metadata": "",
    "invokeai_graph": "",
    "fooocus_scheme": "",
}
"""Texts that diffusion programs write into PNG files, and what one of that name must contain to be one."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]")
_MAIL = re.compile(r"[<(]?[^\s<>()@]{1,64}@[^\s<>()@]{1,255}[>)]?")
_ADDRESS = re.compile(r"https?://[^\s<>\"]+$", re.IGNORECASE)
_CC = re.compile(
    r"(?:https?://)?(?:www\.)?(creativecommons\.org/(?:licenses|publicdomain)/[\w./-]*[\w/])", re.IGNORECASE
)


@dataclass(frozen=True)
class Credit:
    """Who made a picture and what may be done with it, as a file, a page or a source says; None is silence."""

    license: str | None = None
    """The terms of use, or the copyright notice."""
    license_url: str | None = None
    author: str | None = None
    ai_generated: str | None = None
    """What says so: `iptc:trainedAlgorithmicMedia`, `c2pa:...`, `png:prompt`, `exif:UserComment`, `software:...`,
    `schema.org:...`."""

    def over(self, other: Credit) -> Credit:
        """This, and where it is silent the other. A licence's name and its address go together."""
        named = self if self.license or self.license_url else other
        return Credit(
            named.license, named.license_url, self.author or other.author, self.ai_generated or other.ai_generated
        )


@dataclass(frozen=True)
class Embedded(Credit):
    """What a file says of itself."""

    credit: str | None = None
    """Whom to name when the picture is shown."""
    forbids: str | None = None
    """The PLUS data mining term that forbids training a model with it: `plus:DMI-PROHIBITED-AIMLTRAINING`."""


@dataclass(frozen=True)
class _Said:
    """The statements of a file by where they stand."""

    xmp: Mapping[str, str] = field(default_factory=dict)
    iptc: Mapping[str, str] = field(default_factory=dict)
    exif: Mapping[str, str] = field(default_factory=dict)
    png: Mapping[str, str] = field(default_factory=dict)
    c2pa: bytes = b""


def embedded(data: bytes, image: Image.Image | None = None) -> Embedded:
    """What the picture in `data` says of itself. Never raises; `image` is what Pillow opened `data` as, if it did."""
    if image is None:
        try:
            image = Image.open(BytesIO(data))
        except Exception:  # Pillow's plugins raise a dozen types for hostile bytes
            return Embedded()
    said = _said(data, image)
    return Embedded() if said is None else _concluded(said)


def source_type(text: str | None) -> str | None:
    """IPTC's name of a digital source type that means generated, from its address or schema.org's spelling of it."""
    name = re.split(r"[/#:]", (text or "").strip())[-1].removesuffix("DigitalSource")
    name = name[:1].lower() + name[1:]
    return name if name in AI_SOURCE_TYPES else None


def clean(text: str | None) -> str | None:
    """One line for the manifest: no control characters, no e-mail addresses, at most MAX_TEXT characters."""
    plain = _MAIL.sub(" ", _UNPRINTABLE.sub(" ", (text or "")[: 4 * MAX_TEXT]))
    return " ".join(plain.split())[:MAX_TEXT].strip() or None


def license_address(*texts: str | None) -> str | None:
    """The first of `texts` that is an http(s) address, else the first Creative Commons address inside one."""
    given = [text for text in map(clean, texts) if text]
    whole = next((text for text in given if _ADDRESS.match(text)), None)
    inside = (f"https://{match[1]}" for text in given if (match := _CC.search(text)))
    return whole or next(inside, None)


def _said(data: bytes, image: Image.Image) -> _Said | None:
    """What Pillow has found of metadata, read; None where there is none."""
    info = image.info
    png = _png_texts(image)
    exif_block = data if image.format == "TIFF" else _block(info.get("exif"))
    packet, resources = _block(info.get("xmp")), info.get("photoshop")
    manifest = metadata_blocks.c2pa(data, image)
    if not (exif_block or packet or resources or png or manifest):
        return None
    exif = metadata_blocks.exif(exif_block)
    iptc = _block(resources.get(0x0404)) if isinstance(resources, dict) else exif.get("iptc", b"")
    texts: dict[str, str] = {
        name: metadata_blocks.text(exif[name]) for name in ("make", "software", "artist", "copyright") if name in exif
    }
    texts["comment"] = metadata_blocks.user_comment(exif.get("comment", b""))
    texts["xp_author"] = exif.get("xp_author", b"").decode("utf-16-le", "replace")
    return _Said(xmp.read(packet), metadata_blocks.iptc(iptc), texts, png, manifest or exif.get("c2pa", b""))


def _block(value: object) -> bytes:
    """A metadata block as bytes; empty where there is none or it is over the limit."""
    block = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return block if isinstance(block, bytes) and len(block) <= metadata_blocks.MAX_BYTES else b""


def _png_texts(image: Image.Image) -> dict[str, str]:
    if not isinstance(image, PngImagePlugin.PngImageFile):
        return {}
    wanted = (*PNG_MARKS, "Author", "Copyright", "Software")
    return {name: text for name in wanted if isinstance(text := image.info.get(name), str)}


def _concluded(said: _Said) -> Embedded:
    creator = said.xmp.get("creator") or said.xmp.get("cc_attribution")
    author = (creator, said.iptc.get("byline"), said.exif.get("artist"), said.exif.get("xp_author"))
    notices = (said.xmp.get("rights"), said.iptc.get("copyright"), said.exif.get("copyright"))
    terms = _first(said.xmp.get("usage_terms"), *notices, said.png.get("Copyright"))
    addresses = (said.xmp.get("cc_license"), said.xmp.get("web_statement"), terms, *notices)
    mining = said.xmp.get("data_mining", "").strip().rpartition("/")[2]
    return Embedded(
        author=_first(*author, said.png.get("Author")),
        license=terms,
        license_url=license_address(*addresses, said.xmp.get("licensor_url")),
        ai_generated=_generated(said),
        credit=_first(said.xmp.get("credit"), said.iptc.get("credit"), said.xmp.get("licensor")),
        forbids=clean(f"plus:{mining}") if mining.startswith("DMI-PROHIBITED") else None,
    )


def _first(*texts: str | None) -> str | None:
    return next(filter(None, map(clean, texts)), None)


def _generated(said: _Said) -> str | None:
    """What says that a model generated the picture."""
    if kind := source_type(said.xmp.get("source_type")):
        return f"iptc:{kind}"
    if kind := _c2pa_source_type(said.c2pa):
        return f"c2pa:{kind}"
    for name, mark in PNG_MARKS.items():
        if name in said.png and mark in said.png[name]:
            return f"png:{name}"
    if "Steps: " in said.exif.get("comment", "") and "Sampler: " in said.exif["comment"]:
        return "exif:UserComment"
    programs = (said.exif.get("software"), said.exif.get("make"), said.xmp.get("software"), said.png.get("Software"))
    for text in (*programs, said.xmp.get("credit"), said.iptc.get("credit")):
        if match := GENERATORS.search((text or "")[:MAX_TEXT]):
            return f"software:{match[0]}"
    return None


def _c2pa_source_type(store: bytes) -> str | None:
    """The digital source type in a manifest store that means generated. Texts lie in its CBOR as they are: a search."""
    if b"c2pa" not in store:
        return None
    kinds = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")
    return next((kind for kind in kinds if kind.encode() in store), None)
