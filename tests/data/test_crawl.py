"""The walk through a gallery: its pages, albums, originals and sitemaps, and what a page source offers of them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import pytest

from scgan_data.errors import SourceError
from scgan_data.pages.crawl import BARREN, crawl, original
from scgan_data.pages.gallery_page import Page
from scgan_data.records import Reason
from scgan_data.sources import Offer, Visit
from scgan_data.sources.page import PageSource, offers
from scgan_data.web import robots
from scgan_data.web.address import RefusedError
from scgan_data.web.request import Ask, Visited

HOME = "http://gallery.test/a/"


class Site:
    """Pages by address; what was asked is noted."""

    def __init__(self, pages: dict[str, str | bytes], tags: Iterable[str] = ()) -> None:
        self.pages, self.robots, self.asked = pages, robots.directives(tags), list[str]()

    def visit(self, ask: Ask) -> Visited:
        self.asked.append(ask.url)
        if ask.url not in self.pages:
            raise RefusedError(Reason.HTTP_ERROR, "HTTP 404", value=404)
        body = self.pages[ask.url]
        return Visited(ask.url, body if isinstance(body, bytes) else body.encode(), self.robots)


def collected(source: PageSource, visit: Visit) -> list[Offer]:
    return list(offers(source, visit))


def shown(pages: Iterable[Page]) -> list[str]:
    """The addresses of their pictures, in order."""
    return [picture.url for page in pages for picture in page.pictures]


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
    assert shown(found) == [HOME + "x.jpg"]


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
    assert len(set(shown(crawl(HOME, visit)))) == 5
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
    found = [url.rpartition("/")[2] for url in shown(crawl(HOME, site.visit, depth=1))]
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
    site = Site(SITEMAPS, tags=["noindex"])
    found = list(crawl("http://gallery.test/robots.txt", site.visit))
    assert shown(found) == [
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
    site = Site(SITEMAPS, tags=["noimageai"])
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
