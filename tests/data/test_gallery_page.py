"""One page of a gallery: what counts as a picture, as pagination, and as the site's word on our use."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scgan_data.pages.gallery_page import Page, read_page
from scgan_data.pages.markup import MAX_TAGS
from scgan_data.pages.page_pictures import srcset
from scgan_data.records import Reason
from scgan_data.web import robots

HOME = "http://gallery.test/a/"


def urls(page: Page) -> list[str]:
    return [picture.url for picture in page.pictures]


@pytest.mark.parametrize(
    ("html", "pictures"),
    [
        ('<img src="x.jpg">', ["http://gallery.test/a/x.jpg"]),
        ('<a href="/big.JPG"><img src="t.jpg"></a>', ["http://gallery.test/big.JPG"]),
        ('<a href="/view?id=1"><img src="t.jpg"></a>', ["http://gallery.test/a/t.jpg"]),
        ('<img src="t.jpg" srcset="s.jpg 200w, l.jpg 1200w, m.jpg 600w">', ["http://gallery.test/a/l.jpg"]),
        ('<img srcset="one.jpg, two.jpg 2x">', ["http://gallery.test/a/two.jpg"]),
        (
            '<picture><source srcset="/c/w_1,h_2/l.webp 900w"><img src="t.jpg" srcset="s.jpg 90w"></picture>',
            ["http://gallery.test/c/w_1,h_2/l.webp"],
        ),
        ('<img data-src="lazy.png" src="data:image/gif;base64,R0">', ["http://gallery.test/a/lazy.png"]),
        ('<base href="http://cdn.test/p/"><img src="x.jpg">', ["http://cdn.test/p/x.jpg"]),
        ('<img src="x.jpg"><img src="./x.jpg#2"><img src="y.jpg">', [HOME + "x.jpg", HOME + "y.jpg"]),
        ('<img src="data:image/png;base64,AA"><img><img src="javascript:x"><img src="">', []),
        ('<img src=" my pic.jpg ">', ["http://gallery.test/a/my%20pic.jpg"]),
        ('<img width=32 src="icon.png"><img height="1px" src="t.gif"><img width="100%" src="x.jpg">', [HOME + "x.jpg"]),
        ('<a href="big.png"><img width=32 src="t.png"></a>', [HOME + "big.png"]),
        ('<img src="logo.svg"><img src="/favicon.ico?v=2"><img src="logo.svg" data-src="x.jpg">', [HOME + "x.jpg"]),
        ('<img data-original="o.jpg" src="blank.gif">', [HOME + "o.jpg"]),
        ('<img src="t.jpg" data-orig-file="o.jpg" srcset="s.jpg 900w">', [HOME + "o.jpg"]),
        ('<img src="t.jpg" data-lazy-srcset="s.jpg 90w, l.jpg 900w" data-src="m.jpg">', [HOME + "l.jpg"]),
        ('<img srcset="a.jpg 2x, b.jpg 700w">', [HOME + "b.jpg"]),
        (
            '<picture><source type="image/jxl" srcset="x.jxl 9w"><source type="image/avif" srcset="x.avif 5w">'
            '<img src="x.jpg" srcset="x.jpg 5w"></picture>',
            [HOME + "x.avif"],
        ),
        ('<p><img data-srcset="l.jpg 900w" src="data:,"><noscript><img src="s.jpg"></noscript></p>', [HOME + "l.jpg"]),
        ('<p><noscript><img srcset="l.jpg 900w"></noscript><img src="s.gif"></p>', [HOME + "l.jpg"]),
        ('<img src="data:,"><img src="data:,"><noscript><img src="x.jpg"></noscript>', [HOME + "x.jpg"]),
        ('<a href="/wiki/File:Ann.jpg"><img src="t.jpg"></a>', [HOME + "t.jpg"]),
        ('<a href="/wiki/File%3AAnn.jpg"><img src="t.jpg"></a>', [HOME + "t.jpg"]),
        ('<a href="#" data-src="full.webp"><img src="t.webp"></a>', [HOME + "full.webp"]),
        ('<a href="a.jpg">a.jpg</a> <a href="a.txt">a.txt</a>', [HOME + "a.jpg"]),
        ("""<div style="color: red; background-image: url( 'b.jpg' )"></div>""", [HOME + "b.jpg"]),
        ('<a href="big.jpg" style="background:#fff url(b.jpg)"></a>', [HOME + "big.jpg"]),
        ('<body style="background:url(b.jpg)"><div data-bg="c.jpg"><i data-background="red">', [HOME + "c.jpg"]),
        ('<a rel="license" href="/by"><img src="badge.png"></a>', []),
        ('<meta property="og:image" content="/og.jpg">', ["http://gallery.test/og.jpg"]),
        ('<meta property="og:image" content="/og.jpg"><img src="x.jpg">', [HOME + "x.jpg"]),
        (
            '<img src="t.jpg"><script type="application/ld+json">{"@type": "ImageObject", "contentUrl": "full.jpg",'
            '"thumbnailUrl": "t.jpg"}</script>',
            [HOME + "full.jpg"],
        ),
        (
            '<script type="application/ld+json">{"@type": "ImageGallery", "image": [{"@type": "ImageObject",'
            '"contentUrl": "1.jpg"}, {"@type": "ImageObject", "contentUrl": "i.jpg", "width": 16}],'
            '"author": {"@type": "Person", "image": {"@type": "ImageObject", "contentUrl": "me.jpg"}}}</script>',
            [HOME + "1.jpg"],
        ),
        ("<p>no picture", []),
        ("no.html", []),
        ("", []),
        ('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><img src="x.jpg"/></html>', [HOME + "x.jpg"]),
        ('<?xml version="1.0"?><gallery><img src="x.jpg"/></gallery>', [HOME + "x.jpg"]),
        ("<img src='x.jpg'><<<>&&", ["http://gallery.test/a/x.jpg"]),
    ],
)
def test_pictures(html: str, pictures: list[str]) -> None:
    assert urls(read_page(html.encode(), HOME)) == pictures


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("a.jpg", [(0, 1, "a.jpg")]),
        (" a.jpg 2x , b.jpg 1.5x,", [(0, 2, "a.jpg"), (0, 1.5, "b.jpg")]),
        ("a,b.jpg 300w,c.jpg 600w 40h", [(300, 1, "a,b.jpg"), (600, 1, "c.jpg")]),
        ("a.jpg, b.jpg 2x", [(0, 1, "a.jpg"), (0, 2, "b.jpg")]),
        ("data:image/gif;base64,R0= 1w, b.jpg 2w", [(1, 1, "data:image/gif;base64,R0="), (2, 1, "b.jpg")]),
        ("a.jpg wide, b.jpg 10W", [(0, 1, "a.jpg"), (0, 1, "b.jpg")]),
        (" , ,", []),
        ("", []),
    ],
)
def test_srcset_is_split_as_browsers_do(text: str, candidates: list[tuple[float, float, str]]) -> None:
    assert srcset(text) == candidates


@pytest.mark.parametrize(
    ("body", "author"),
    [
        ("<meta charset=iso-8859-1><meta name=author content='J\xf6rg'>".encode("latin-1"), "J\xf6rg"),
        ("<meta name=author content='J\xf6rg'>".encode(), "J\xf6rg"),
        ("<meta name=author content='J\xf6rg'>".encode("cp1252"), "J\xf6rg"),
        (
            "<?xml version='1.0' encoding='koi8-r'?><meta name=author content='\u0410\u043d\u043d\u0430'/>".encode(
                "koi8-r"
            ),
            "\u0410\u043d\u043d\u0430",
        ),
        (b"<meta charset=punycode><meta name=author content=Ann>", "Ann"),
        (b"<meta charset=utf-8><meta name=author content='\xc3\x84nn\xff'>", "\xc4nn"),
        (b"<meta name=author content='J\xf6rg'>", "J\xf6rg"),
    ],
)
def test_a_pages_charset(body: bytes, author: str) -> None:
    page = read_page(body + b"<img src=x.jpg>", HOME)
    assert page.pictures[0].credit.author == author


def test_a_page_in_utf_16() -> None:
    assert urls(read_page("<img src=ж.jpg>".encode("utf-16"), HOME)) == [HOME + "%D0%B6.jpg"]


FRAGMENTS = [
    "<img src=", "srcset='a 1w,", "<a href='?page=2'>", "<a href='http://[::1'>", "<base href='http://[x'>", "</a>",
    "<picture><source srcset=", "<script type='application/ld+json'>", '{"@type":"ImageObject","contentUrl":',
    "}</script>", "<meta name=robots content=", "<div itemprop=author>", "<a rel=license href=", "<noscript>",
    "style='background:url(", "<![CDATA[", "<!DOCTYPE", "<?xml encoding='x'?>", "&#xD800;", "\x00", "'", '"', ">",
    "x.jpg ", "[[[[", "<![if x", "<meta charset=utf-7>", "http://a:99999/",
]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from([f.encode() for f in FRAGMENTS]), st.binary(max_size=20))).map(b"".join))
def test_no_page_breaks_the_reader(body: bytes) -> None:
    page = read_page(body, HOME)
    assert all(picture.url.startswith("http") for picture in page.pictures)


@pytest.mark.parametrize(
    "unit", ["<a href=x.jpg>", "<img src=x.jpg><noscript>", "<b><img src=1.jpg>", "<a rel=license href=x>"]
)
def test_a_page_that_nests_without_end_is_read_all_the_same(unit: str) -> None:
    page = read_page(unit.encode() * (4_000 // unit.count("<")), HOME)
    assert (page.refused, len(page.pictures)) == (None, 1 if "img" in unit or "jpg" in unit else 0)


def test_a_page_of_too_many_tags_is_refused() -> None:
    page = read_page(b"<i>" * (MAX_TAGS + 1), HOME)
    assert page.refused is not None
    assert (page.refused.reason, page.refused.limit) == (Reason.TOO_MANY_BYTES, MAX_TAGS)


@pytest.mark.parametrize(
    ("html", "further"),
    [
        ('<link rel="next" href="?page=2">', [HOME + "?page=2"]),
        ('<a rel="nofollow next" href="?page=2">x</a>', []),
        ('<a href="more">Next page »</a>', [HOME + "more"]),
        ('<a href="more"> › </a>', [HOME + "more"]),
        ('<a href="more" aria-label="Next"><svg/></a>', [HOME + "more"]),
        ('<a href="other">Next exhibition: Monet</a>', []),
        ('<a href="?page=2">2</a><a href="?page=3">3</a>', [HOME + "?page=2", HOME + "?page=3"]),
        ('<a href="?page=2&amp;sort=new">2</a>', []),
        ('<a href="/b/?page=2">2</a>', []),
        ('<a href="page/2/">2</a>', [HOME + "page/2/"]),
        ('<a href="/b/page/2/">2</a>', []),
        ('<a href="about.html">About</a>', []),
        ('<a href="http://[bad">2</a><a href="?page=2">2</a>', [HOME + "?page=2"]),
    ],
)
def test_pagination(html: str, further: list[str]) -> None:
    assert list(read_page(html.encode(), HOME).further) == further


@pytest.mark.parametrize(
    ("html", "header", "forbids"),
    [
        ("<meta name=robots content='noai, noimageai'>", [], "noai"),
        ("<meta name=ROBOTS content='NoIndex'>", [], "noindex"),
        ("<meta name=scgan-data content='noml'>", [], "noml"),
        ("<meta name=googlebot content='noindex'>", [], None),
        ("<meta name=robots content='max-image-preview:large, index'>", [], None),
        ("<meta name=tdm-reservation content=1>", [], "tdm-reservation: 1"),
        ("<meta name=tdm-reservation content=0>", [], None),
        ("", ["noimageai"], "noimageai"),
        ("", ["otherbot: noai, noindex"], None),
        ("", ["otherbot: noai", "none"], "none"),
        ("", ["scgan-data: noindex, nofollow"], "noindex"),
        ("", ["unavailable_after: 25 Jun 2030 15:00:00 PST"], None),
    ],
)
def test_a_sites_word_on_our_use(html: str, header: list[str], forbids: str | None) -> None:
    page = read_page(f"{html}<img src=x.jpg>".encode(), HOME, robots.directives(header))
    assert page.forbids == forbids
    assert urls(page) == [HOME + "x.jpg"]


def test_nofollow_ends_the_walk_but_not_the_page() -> None:
    html = b"<meta name=robots content=nofollow><a href=/d><img src=x.jpg></a><a rel=next href=2>n</a>"
    page = read_page(html, HOME)
    assert (page.further, page.forbids, urls(page), page.pictures[0].detail) == ((), None, [HOME + "x.jpg"], None)
