"""What pages state of their pictures, in each spelling, and whose statement wins."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scgan_data.credit.provenance import Credit
from scgan_data.pages import json_ld
from scgan_data.pages.gallery_page import read_page

HOME = "http://gallery.test/"
BY = "https://creativecommons.org/licenses/by/4.0/"
AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def credits_of(html: str) -> dict[str, Credit]:
    page = read_page(html.encode(), HOME)
    return {picture.url.removeprefix(HOME): picture.credit for picture in page.pictures}


def ld(document: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps(document)}</script>'


@pytest.mark.parametrize(
    ("node", "credit"),
    [
        ({"license": BY}, Credit(license_url=BY)),
        ({"license": {"@type": "CreativeWork", "name": "CC BY", "url": BY}}, Credit("CC BY", BY)),
        ({"license": [BY, "x"]}, Credit(license_url=BY)),
        ({"license": "All rights reserved"}, Credit("All rights reserved")),
        ({"license": "/terms"}, Credit(license_url=HOME + "terms")),
        ({"license": "/terms", "copyrightNotice": "© Ann"}, Credit(license_url=HOME + "terms")),
        (
            {"acquireLicensePage": "/buy", "copyrightNotice": "© Ann"},
            Credit("© Ann", HOME + "buy"),
        ),
        ({"creator": {"@type": "Person", "name": "Ann"}}, Credit(author="Ann")),
        ({"creator": [{"name": "Ann"}, {"name": "Bo"}], "creditText": "Agency"}, Credit(author="Ann, Bo")),
        ({"author": "Ann", "digitalSourceType": AI}, Credit(None, None, "Ann", "schema.org:trainedAlgorithmicMedia")),
        ({"creditText": "Agency"}, Credit(author="Agency")),
        ({"creator": "https://ann.test/"}, Credit()),
        ({"digitalSourceType": "https://schema.org/DigitalCaptureDigitalSource", "creator": 7}, Credit()),
    ],
)
def test_an_image_object(node: dict[str, Any], credit: Credit) -> None:
    node = {"@context": "https://schema.org", "@type": "ImageObject", "contentUrl": "/x.jpg", "license": None, **node}
    assert credits_of("<img src=x.jpg><img src=y.jpg>" + ld(node)) == {"x.jpg": credit, "y.jpg": Credit()}


def test_references_within_a_graph() -> None:
    graph = {
        "@graph": [
            {"@type": "WebPage", "author": {"@id": "#bo"}, "primaryImageOfPage": {"@id": "#x"}},
            {"@type": ["CreativeWork", "ImageObject"], "@id": "#x", "url": HOME + "x.jpg", "creator": {"@id": "#ann"}},
            {"@type": "Person", "@id": "#ann", "name": "Ann", "image": {"@type": "ImageObject", "url": "/me.jpg"}},
            {"@type": "Person", "@id": "#bo", "name": "Bo"},
            {"@type": "Organization", "logo": {"@type": "ImageObject", "contentUrl": "/logo.png"}},
        ]
    }
    found = credits_of("<img src=y.jpg>" + ld(graph))
    assert found["x.jpg"] == Credit(author="Ann")
    assert found["y.jpg"] == Credit(author="Bo")
    assert "logo.png" not in found


def test_a_works_picture_has_the_works_credit() -> None:
    work = {"@type": "VisualArtwork", "image": ["/x.jpg", {"url": "/y.jpg"}], "creator": {"name": "Ann"}, "license": BY}
    found = credits_of("<img src=x.jpg><img src=y.jpg><img src=z.jpg>" + ld(work))
    assert found == {"x.jpg": Credit(None, BY, "Ann"), "y.jpg": Credit(None, BY, "Ann"), "z.jpg": Credit()}


def test_a_thumbnails_credit_is_its_originals() -> None:
    node = {"@type": "ImageObject", "contentUrl": "/full.jpg", "thumbnailUrl": "/t.jpg", "creator": {"name": "Ann"}}
    assert credits_of("<img src=t.jpg><img src=y.jpg>" + ld(node)) == {
        "full.jpg": Credit(author="Ann"),
        "y.jpg": Credit(),
    }


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[" * 100_000,
        "7",
        "null",
        '"x"',
        '{"@type": {"a": 1}, "@id": ["x"]}',
        '{"@type": "ImageObject", "contentUrl": {"url": {"url": 1}}, "thumbnail": [[1]], "width": {"value": []}}',
        '{"@type": "ImageObject", "contentUrl": "http://[x", "license": [[]], "creator": [[{"name": {}}]]}',
        '{"@id": "#a", "@type": "ImageObject", "creator": {"@id": "#a"}, "license": {"@id": "#a"}}',
        '{"a": ' + "1" * 5000 + "}",
    ],
)
def test_documents_that_say_nothing(document: str) -> None:
    found = json_ld.read([document], HOME)
    assert (found.contents, found.page) == ([], Credit())


def test_documents_in_wrappings_and_beyond_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    node = '{"@type": "ImageObject", "contentUrl": "/x.jpg"}'
    for document in (f"<!-- {node} -->", f"//<![CDATA[\n{node}\n//]]>", f"\n{node}\n"):
        assert json_ld.read([document], HOME).contents == [HOME + "x.jpg"]
    monkeypatch.setattr(json_ld, "MAX_NODES", 10)
    assert len(json_ld.read([f"[{','.join([node] * 50)}]"], HOME).contents) < 10


@pytest.mark.parametrize(
    ("html", "credit"),
    [
        ('<a rel="license" href="/by">CC BY 4.0</a>', Credit("CC BY 4.0", HOME + "by")),
        ('<link rel="license" href="/by">', Credit(license_url=HOME + "by")),
        (f'<a rel="license" href="{BY}"><img alt="CC" src="88x31.png"></a>', Credit(license_url=BY)),
        ('<meta name="author" content="Ann">', Credit(author="Ann")),
        ('<meta property="article:author" content="https://fb.test/ann">', Credit()),
        (
            f'<meta name="DC.Creator" content="Ann"><meta name="dcterms.license" content="{BY}">',
            Credit(None, BY, "Ann"),
        ),
        ('<meta name="copyright" content="© Ann">', Credit("© Ann")),
        ('<a rel="author" href="/ann">Ann</a>', Credit(author="Ann")),
        ('<span property="cc:attributionName">Ann</span>', Credit(author="Ann")),
        ('<a rel="license" href="/by">BY</a><p><a rel="license" href="/by">CC</a></p>', Credit("BY", HOME + "by")),
        ('<a rel="license" href="/by">BY</a><a rel="license" href="/nc">NC</a>', Credit()),
        ('<i itemprop="author">Ann</i><i itemprop="author">Bo</i>', Credit()),
        ('<a rel="license">CC BY</a>', Credit()),
    ],
)
def test_a_pages_statements(html: str, credit: Credit) -> None:
    found = credits_of(f"<head></head><p><img src=x.jpg></p><p><img src=y.jpg></p><div>{html}</div>")
    assert found == {"x.jpg": credit, "y.jpg": credit}


FIGURES = """
<meta name="author" content="The Museum"><a rel="license" href="/site">Site terms</a>
<figure><a href="/1.jpg"><img src="t1.jpg"></a><figcaption>by <span property="cc:attributionName">Ann</span>,
  <a rel="license" href="/by">CC BY</a></figcaption></figure>
<div itemscope itemtype="https://schema.org/ImageObject"><img itemprop="contentUrl" src="2.jpg">
  <span itemprop="creator" itemscope><span itemprop="jobTitle">Painter</span> <span itemprop="name">Bo</span></span>
  <link itemprop="license" href="/sa"><link itemprop="digitalSourceType" href="https://schema.org/AlgorithmicMediaDigitalSource">
</div>
<ul><li><img src="3.jpg"></li></ul>
"""


def test_a_pictures_own_statement_wins_over_the_pages() -> None:
    assert credits_of(FIGURES) == {
        "1.jpg": Credit("CC BY", HOME + "by", "Ann"),
        "2.jpg": Credit(None, HOME + "sa", "Bo", "schema.org:algorithmicMedia"),
        "3.jpg": Credit("Site terms", HOME + "site", "The Museum"),
    }


def test_texts_of_pages_are_cleaned() -> None:
    html = '<meta name="author" content=" Ann\n\x07 &lt;ann@mail.test&gt; &#x202e;"><img src=x.jpg>'
    assert credits_of(html)["x.jpg"] == Credit(author="Ann")
