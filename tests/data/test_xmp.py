"""XMP: read in each container, each property that we know, and bad packets that say nothing."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from scgan_data.credit import xmp
from scgan_data.credit.provenance import Embedded, embedded
from tests.data.metadata_files import (
    ALT,
    EVERYTHING,
    KINDS,
    SAID,
    SEQ,
    SOURCE_TYPES,
    packet,
    saved,
)


@pytest.mark.parametrize("kind", KINDS)
def test_xmp_in_each_container(kind: str) -> None:
    assert embedded(saved(kind, packet_=EVERYTHING)) == SAID


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
