"""XMP packets: the few properties that say who made a picture, under which terms, and whether a model generated it.

A packet is RDF in one of several spellings (attributes, elements, lists); all are read as "the text of a property", the
first statement of a property in document order. Packets come from strangers: they go through defusedxml, with document
types refused, and those over `MAX_BYTES` are ignored. Most packets of cameras and editors hold none of the properties:
a search for their names spares those the parser.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree as Defused

MAX_BYTES = 2**20

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PLUS = "http://ns.useplus.org/ldf/xmp/1.0/"
_RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
_DC = "http://purl.org/dc/elements/1.1/"
_NAMES = {
    f"{{{_DC}}}creator": "creator",
    f"{{{_DC}}}rights": "rights",
    f"{{{_RIGHTS}}}WebStatement": "web_statement",
    f"{{{_RIGHTS}}}UsageTerms": "usage_terms",
    "{http://creativecommons.org/ns#}license": "cc_license",
    "{http://creativecommons.org/ns#}attributionName": "cc_attribution",
    "{http://ns.adobe.com/photoshop/1.0/}Credit": "credit",
    f"{{{_PLUS}}}LicensorURL": "licensor_url",
    f"{{{_PLUS}}}LicensorName": "licensor",
    f"{{{_PLUS}}}DataMining": "data_mining",
    f"{{{_IPTC}}}DigitalSourceType": "source_type",
    f"{{{_IPTC}}}DigitalSourcetype": "source_type",  # as some writers spell it
    "{http://ns.adobe.com/xap/1.0/}CreatorTool": "software",
}
_WORDS = tuple({name.rpartition("}")[2].encode() for name in _NAMES})


def read(packet: bytes) -> Mapping[str, str]:
    """A packet's properties by our names (`creator`, `rights`, ...); empty where it has none or cannot be read."""
    if len(packet) > MAX_BYTES or not any(word in packet for word in _WORDS):
        return {}
    try:
        root = Defused.fromstring(packet.strip(b"\x00 \t\r\n"), forbid_dtd=True)
    except (ParseError, ValueError, LookupError):  # LookupError: an encoding that Python does not know
        return {}
    found: dict[str, str] = {}
    for element in root.iter():
        for attribute, value in element.items():
            if name := _NAMES.get(attribute):
                found.setdefault(name, value)
        if name := _NAMES.get(element.tag):
            found.setdefault(name, _text(element))
    return {name: text for name, text in found.items() if text.strip()}


def _text(element: Element) -> str:
    """A property's value: what it points at, the items of its list (the first of alternatives), or its text."""
    if pointed := element.get(f"{_RDF}resource"):
        return pointed
    items = [item.text or item.get(f"{_RDF}resource") or "" for item in element.iter(f"{_RDF}li")]
    if items and element.find(f"{_RDF}Alt") is not None:
        return items[0]
    return ", ".join(filter(None, items)) if items else element.text or ""
