"""Gallery pages: what counts as a picture, as pagination, and as the site's word."""

from __future__ import annotations

import pytest

from scgan_data import robots
from scgan_data.address import RefusedError
from scgan_data.crawl import crawl, read_page
from scgan_data.records import Reason
from scgan_data.sources import Visited

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
        ("<p>no picture", []),
        ("<img src='x.jpg'><<<>&&", ["http://gallery.test/a/x.jpg"]),
    ],
)
def test_pictures(html: str, pictures: list[str]) -> None:
    assert list(read_page(html.encode(), HOME).pictures) == pictures


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
    assert page.pictures == (HOME + "x.jpg",)


def test_nofollow_ends_the_walk_but_not_the_page() -> None:
    page = read_page(b"<meta name=robots content=nofollow><img src=x.jpg><a rel=next href=2>n</a>", HOME)
    assert (page.further, page.forbids, len(page.pictures)) == ((), None, 1)


def test_licence_and_author_are_read() -> None:
    html = '<meta name="author" content="Ann"><a rel="license" href="/by">CC BY 4.0</a>'
    page = read_page(html.encode(), HOME)
    assert (page.license, page.license_url, page.author) == ("CC BY 4.0", "http://gallery.test/by", "Ann")


def visitor(pages: dict[str, str]) -> tuple[list[str], object]:
    asked: list[str] = []

    def visit(url: str) -> Visited:
        asked.append(url)
        if url not in pages:
            raise RefusedError(Reason.HTTP_ERROR, "HTTP 404", value=404)
        return Visited(url, pages[url].encode(), frozenset())

    return asked, visit


def test_the_walk_stays_within_one_site_and_asks_for_a_page_once() -> None:
    pages = {
        HOME: '<a href="?page=2">2</a><a href="?page=3">3</a><a rel="next" href="http://elsewhere.test/">next</a>',
        HOME + "?page=2": '<a href="?page=1">1</a><a rel="next" href="?page=3">next</a><img src="x.jpg">',
        HOME + "?page=3": f'<a href="{HOME}">back</a><a rel="next" href="?page=9">next</a>',
    }
    asked, visit = visitor(pages)
    found = list(crawl(HOME, visit))  # type: ignore[arg-type]
    assert asked == [HOME, HOME + "?page=2", HOME + "?page=3", HOME + "?page=1", HOME + "?page=9"]
    assert [page.refused is not None for page in found] == [False, False, False, True, True]
    assert [page.pictures for page in found if page.pictures] == [(HOME + "x.jpg",)]


def test_the_walk_ends_at_max_pages() -> None:
    asked, visit = visitor({HOME: "<a rel=next href=2>n</a>", HOME + "2": "<a rel=next href=3>n</a>"})
    assert len(list(crawl(HOME, visit, max_pages=2))) == 2  # type: ignore[arg-type]
    assert asked == [HOME, HOME + "2"]


def test_a_first_page_that_is_not_had_is_raised() -> None:
    _, visit = visitor({})
    with pytest.raises(RefusedError):
        next(crawl(HOME, visit))  # type: ignore[arg-type]
