"""Gallery pages: what counts as a picture, as pagination, and as the site's word."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scgan_data.errors import SourceError
from scgan_data.pages.crawl import BARREN, crawl, original
from scgan_data.pages.gallery_page import Page, read_page
from scgan_data.pages.markup import MAX_TAGS
from scgan_data.pages.page_pictures import srcset
from scgan_data.records import Reason
from scgan_data.sources import Offer, Visit
from scgan_data.sources.page import PageSource, offers
from scgan_data.web import robots
from scgan_data.web.address import RefusedError
from scgan_data.web.request import Ask, Visited

HOME = "http://gallery.test/a/"


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


def urls(page: Page) -> list[str]:
    return [picture.url for picture in page.pictures]


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


class Site:
    """Pages by address; what was asked is noted."""

    def __init__(self, pages: dict[str, str | bytes], robots: Iterable[str] = ()) -> None:
        self.pages, self.robots, self.asked = pages, robots_of(robots), list[str]()

    def visit(self, ask: Ask) -> Visited:
        self.asked.append(ask.url)
        if ask.url not in self.pages:
            raise RefusedError(Reason.HTTP_ERROR, "HTTP 404", value=404)
        body = self.pages[ask.url]
        return Visited(ask.url, body if isinstance(body, bytes) else body.encode(), self.robots)


def robots_of(values: Iterable[str]) -> frozenset[str]:
    return robots.directives(values)


def collected(source: PageSource, visit: Visit) -> list[Offer]:
    return list(offers(source, visit))


def test_the_walk_stays_within_one_site_and_asks_for_a_page_once() -> None:
    site = Site(
        {
            HOME: '<a href="?page=2">2</a><a href="?page=3">3</a><a rel="next" href="http://elsewhere.test/">next</a>',
            HOME + "?page=2": '<a href="?page=1">1</a><a rel="next" href="?page=3">next</a><img src="x.jpg">',
            HOME + "?page=3": f'<a href="{HOME}">back</a><a rel="next" href="?page=9">next</a>',
        }
    )
    found = list(crawl(HOME, site.visit))
    assert site.asked == [HOME, HOME + "?page=2", HOME + "?page=3", HOME + "?page=1", HOME + "?page=9"]
    assert [page.refused is not None for page in found] == [False, False, False, True, True]
    assert [urls(page) for page in found if page.pictures] == [[HOME + "x.jpg"]]


def test_the_walk_ends_at_max_pages() -> None:
    site = Site({HOME: "<a rel=next href=2>n</a>", HOME + "2": "<a rel=next href=3>n</a>"})
    assert len(list(crawl(HOME, site.visit, max_pages=2))) == 2
    assert site.asked == [HOME, HOME + "2"]


def test_pagination_without_end_is_left_once_it_shows_nothing_new() -> None:
    def visit(ask: Ask) -> Visited:
        number = int(ask.url.partition("=")[2] or 0)
        asked.append(number)
        picture = f"{min(number, 4)}.jpg"
        return Visited(ask.url, f"<img src={picture}><a rel=next href='?page={number + 1}'>n</a>".encode(), frozenset())

    asked: list[int] = []
    found = {url for page in crawl(HOME, visit) for url in urls(page)}
    assert len(found) == 5
    assert asked == list(range(4 + BARREN + 1))


def test_a_first_page_that_is_not_had_is_raised() -> None:
    with pytest.raises(RefusedError):
        next(crawl(HOME, Site({}).visit))
    with pytest.raises(SourceError, match="HTTP 404"):
        collected(PageSource(url=HOME), Site({}).visit)


def test_albums_are_read_to_a_depth() -> None:
    pages: dict[str, str | bytes] = {
        HOME: "<a href=/one><img src=c1.jpg></a><a href=/two><img src=c2.jpg></a>"
        "<a href=http://else.test/><img src=ad.jpg></a>",
        "http://gallery.test/one": "<img src=1.jpg><a href=/deep><img src=t.jpg></a><a rel=next href=/one/page/2>n</a>",
        "http://gallery.test/one/page/2": "<img src=2.jpg>",
        "http://gallery.test/two": "<img src=3.jpg>",
    }
    site = Site(pages)
    found = [url.rpartition("/")[2] for page in crawl(HOME, site.visit, depth=1) for url in urls(page)]
    assert found == ["c1.jpg", "c2.jpg", "ad.jpg", "1.jpg", "t.jpg", "3.jpg", "2.jpg"]
    assert "http://gallery.test/deep" not in site.asked
    flat = Site(pages)
    assert len(list(crawl(HOME, flat.visit))) == len(flat.asked) == 1


DETAILS: dict[str, str | bytes] = {
    HOME: "".join(f"<a href=/p/{n}><img src=t{n}.jpg></a>" for n in range(8)) + "<meta name=author content=Ann>",
    "http://gallery.test/p/0": "<img src=/logo.png>"
    "<meta property=og:image content=/0.jpg><meta name=author content=Bo>",
    "http://gallery.test/p/1": "<img src=/logo.png srcset='/s.png 90w'><img src=/s.jpg srcset='/1.jpg 1600w'>",
    "http://gallery.test/p/2": "<meta property=og:image content=/og.jpg><a href=/2.jpg><img src=/s.jpg></a>",
    "http://gallery.test/p/3": '<script type="application/ld+json">'
    '{"@type": "ImageObject", "contentUrl": "/3.jpg"}</script>'
    "<a href=/other.jpg><img src=/s.jpg></a>",
    "http://gallery.test/p/4": "<p>no picture",
    "http://gallery.test/p/5": "<meta name=robots content=noai><img src=/5.jpg>",
    "http://gallery.test/p/6": b"\xff\xd8\xff\xe0 a picture",
}


def test_the_original_behind_a_thumbnails_page() -> None:
    site = Site(DETAILS)
    found = collected(PageSource(url=HOME, originals=True), site.visit)
    assert [offer.url.removeprefix("http://gallery.test/") for offer in found] == [
        "0.jpg", "1.jpg", "2.jpg", "3.jpg", "a/t4.jpg", "5.jpg", "p/6", "a/t7.jpg",
    ]  # fmt: skip
    assert [offer.author for offer in found][:2] == ["Bo", "Ann"]
    assert [offer.refused and offer.refused.reason for offer in found] == [None] * 5 + [Reason.NOAI] + [None] * 2
    assert found[0].page_url == "http://gallery.test/p/0"
    assert found[7].extra == {"no_original": "http_error: HTTP 404"}
    assert found[4].extra == {"no_original": "its page shows no picture"}


def test_originals_cost_nothing_unless_asked_for() -> None:
    site = Site(DETAILS)
    assert len(collected(PageSource(url=HOME), site.visit)) == 8
    assert site.asked == [HOME]


def test_original_of_a_page_that_is_not_had() -> None:
    assert original(HOME, Site({}).visit).refused is not None


INDEX = "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{}</sitemapindex>"
URLSET = (
    "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
    "xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'>{}</urlset>"
)
IMAGES = URLSET.format(
    "<url><loc>http://gallery.test/p1</loc><image:image><image:loc>http://cdn.test/1.jpg</image:loc>"
    "<image:license>/by</image:license></image:image><image:image><image:loc>/2.jpg</image:loc></image:image></url>"
    "<url><loc>http://www.gallery.test/p2</loc></url><url><loc>http://else.test/p3</loc></url>"
)
SITEMAPS: dict[str, str | bytes] = {
    "http://gallery.test/robots.txt": "User-agent: *\nSitemap: /index.xml\nSITEMAP: http://else.test/s.xml\n",
    "http://gallery.test/index.xml": INDEX.format(
        "<sitemap><loc>/images.xml.gz</loc></sitemap><sitemap><loc>/more.xml</loc></sitemap>"
        "<sitemap><loc>/gone.xml</loc></sitemap><sitemap><loc>/broken.xml</loc></sitemap>"
    ),
    "http://gallery.test/images.xml.gz": gzip.compress(IMAGES.encode()),
    "http://gallery.test/more.xml": INDEX.format("<sitemap><loc>/deeper.xml</loc></sitemap>"),
    "http://gallery.test/broken.xml": URLSET.format("<url><loc>/p4</loc></url><url>")[:-9],
    "http://www.gallery.test/p2": "<img src=3.jpg><a rel=next href=/p2/page/2>next</a>",
    "http://www.gallery.test/p2/page/2": "<img src=/4.jpg>",
    "http://gallery.test/p4": "<img src=5.jpg>",
}


def test_a_sitemap_is_walked_from_robots_txt() -> None:
    site = Site(SITEMAPS, robots=["noindex"])
    found = list(crawl("http://gallery.test/robots.txt", site.visit))
    assert [url for page in found for url in urls(page)] == [
        "http://cdn.test/1.jpg",
        "http://gallery.test/2.jpg",
        "http://www.gallery.test/3.jpg",
        "http://www.gallery.test/4.jpg",
        "http://gallery.test/5.jpg",
    ]
    assert found[0].pictures[0].credit.license_url == "http://gallery.test/by"
    assert found[0].forbids is None  # a sitemap's own noindex is about the sitemap
    assert [(page.url[20:], page.refused.reason) for page in found if page.refused] == [
        ("gone.xml", Reason.HTTP_ERROR),
        ("broken.xml", Reason.BAD_ANSWER),
    ]
    assert not any("else.test" in url or "deeper" in url or url.endswith("/p1") for url in site.asked)


def test_a_sitemap_obeys_max_pages_and_noai() -> None:
    site = Site(SITEMAPS, robots=["noimageai"])
    found = list(crawl("http://gallery.test/images.xml.gz", site.visit, max_pages=1))
    assert [page.forbids for page in found] == ["noimageai", "noimageai"]
    assert site.asked == ["http://gallery.test/images.xml.gz", "http://www.gallery.test/p2"]


def test_a_robots_txt_without_a_sitemap_is_an_error_to_act_on() -> None:
    site = Site({"http://gallery.test/robots.txt": "User-agent: *"})
    with pytest.raises(SourceError, match="names no sitemap"):
        collected(PageSource(url="http://gallery.test/robots.txt"), site.visit)


def test_what_params_say_of_the_pictures_comes_first() -> None:
    site = Site({HOME: '<meta name="author" content="Ann"><a rel="license" href="/by">CC BY 4.0</a><img src="x.jpg">'})
    (offer,) = collected(PageSource(url=HOME), site.visit)
    assert (offer.license, offer.license_url, offer.author) == ("CC BY 4.0", "http://gallery.test/by", "Ann")
    (offer,) = collected(PageSource(url=HOME, license="by contract"), site.visit)
    assert (offer.license, offer.license_url, offer.author) == ("by contract", None, "Ann")


def test_a_page_source_reaches_its_own_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_COOKIE", "session=b")
    with PageSource(url=HOME, headers_env={"Cookie": "SHOP_COOKIE"}).open(tmp_path) as opened:
        assert opened.access.headers == {"gallery.test": {"Cookie": "session=b"}}
        assert list(opened.streams) == [""]
    with pytest.raises(SourceError, match="no address of a page"), PageSource(url="ftp://x/").open(tmp_path):
        pass
