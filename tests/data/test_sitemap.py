"""Sitemaps: the protocol's spellings, its limits, and files that lie."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scgan_data.pages import sitemap
from scgan_data.pages.sitemap import Entry, Image, entries, is_sitemap
from scgan_data.records import Reason
from scgan_data.web.address import RefusedError

HEAD = "<?xml version='1.0' encoding='UTF-8'?>"
PLAIN = "xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'"
IMAGES = "xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'"


def urlset(inner: str, *, head: str = HEAD) -> bytes:
    return f"{head}<urlset {PLAIN} {IMAGES}>{inner}</urlset>".encode()


def test_pages_and_their_pictures() -> None:
    body = urlset(
        "<url><loc> http://a.test/1 </loc><lastmod>2024-01-01</lastmod>"
        "<image:image><image:loc>http://a.test/1.jpg</image:loc><image:title>One</image:title>"
        "<image:license>http://a.test/by</image:license></image:image>"
        "<image:image><image:loc>http://a.test/2.jpg</image:loc></image:image></url>"
        "<url><loc>http://a.test/2?a=1&amp;b=2</loc></url><url><loc></loc></url><url/>"
    )
    assert is_sitemap(body)
    assert list(entries(body)) == [
        Entry(
            "http://a.test/1", images=(Image("http://a.test/1.jpg", "http://a.test/by"), Image("http://a.test/2.jpg"))
        ),
        Entry("http://a.test/2?a=1&b=2"),
    ]


def test_an_index() -> None:
    body = f"<sitemapindex {PLAIN}><sitemap><loc>http://a.test/s.xml.gz</loc></sitemap></sitemapindex>".encode()
    assert is_sitemap(body)
    assert list(entries(body)) == [Entry("http://a.test/s.xml.gz", is_sitemap=True)]


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(urlset("<url><loc>http://a.test/</loc></url>"), mtime=0),
        urlset("<url><loc>http://a.test/</loc></url>", head=""),
        urlset("<url><loc>http://a.test/</loc></url>", head="<?xml-stylesheet href='x.xsl'?><!-- by a plugin -->"),
        b"<s:urlset xmlns:s='urn:x'><s:url><s:loc>http://a.test/</s:loc></s:url></s:urlset>",
        f"{HEAD.replace('UTF-8', 'UTF-16')}<urlset><url><loc>http://a.test/</loc></url></urlset>".encode("utf-16"),
    ],
)
def test_spellings(body: bytes) -> None:
    assert is_sitemap(body)
    assert list(entries(body)) == [Entry("http://a.test/")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>urlset",
        b"<rss version='2.0'><channel/></rss>",
        b"\x1f\x8b broken",
        gzip.compress(b"<html>", mtime=0),  # the time would be in the test's name
        b"\xff\xd8\xff\xe0",
    ],
)
def test_what_is_no_sitemap(body: bytes) -> None:
    assert not is_sitemap(body)


def refused(body: bytes) -> tuple[list[Entry], Reason]:
    found = []
    with pytest.raises(RefusedError) as error:
        for entry in entries(body):
            found.append(entry)
    return found, error.value.reason


def test_what_came_before_a_fault_is_kept() -> None:
    body = urlset("<url><loc>http://a.test/</loc></url>" + "<url><loc>http://a.test/2</loc></url>" * 5000)
    for broken in (body[:-20_000], gzip.compress(body)[:-60]):
        found, reason = refused(broken)
        assert (reason, found[0]) == (Reason.BAD_ANSWER, Entry("http://a.test/"))
        assert len(found) < 5001


@pytest.mark.parametrize(
    "declaration",
    [
        "<!DOCTYPE x [<!ENTITY a 'http://a.test/'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>]>",
        "<!DOCTYPE x [<!ENTITY b SYSTEM 'file:///etc/hostname'>]>",
        "<!DOCTYPE urlset SYSTEM 'http://127.0.0.1:1/x.dtd'>",
    ],
)
def test_document_types_are_refused(declaration: str) -> None:
    assert refused(urlset("<url><loc>&b;</loc></url>", head=declaration)) == ([], Reason.BAD_ANSWER)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    body = urlset("<url><loc>http://a.test/</loc></url>" * 20)
    monkeypatch.setattr(sitemap, "MAX_ENTRIES", 7)
    found, reason = refused(body)
    assert (len(found), reason) == (7, Reason.OVER_BUDGET)
    monkeypatch.setattr(sitemap, "MAX_ENTRIES", 50_000)
    monkeypatch.setattr(sitemap, "MAX_BYTES", 400)
    found, reason = refused(gzip.compress(body))
    assert (0 < len(found) < 20, reason) == (True, Reason.TOO_MANY_BYTES)


def test_a_gzip_bomb_is_unpacked_to_the_limit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MAX_BYTES", 2**20)
    bomb = gzip.compress(urlset("<url>" + " " * (30 * 2**20)))
    assert refused(bomb) == ([], Reason.TOO_MANY_BYTES)


def test_robots_txt_names_sitemaps() -> None:
    body = b"User-agent: *\r\nSitemap: http://a.test/1.xml\r\n sitemap:/2.xml # two\r\nDisallow: /sitemap: x\n"
    assert sitemap.named_in_robots(body) == ("http://a.test/1.xml", "/2.xml")


FRAGMENTS = [
    b"<urlset>",
    b"<url>",
    b"<loc>",
    b"</loc>",
    b"</url>",
    b"\x1f\x8b\x08\0",
    b"<!DOCTYPE",
    b"<?xml encoding='x'",
]


@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(FRAGMENTS))))
def test_any_bytes(parts: list[bytes]) -> None:
    body = b"".join(parts)
    is_sitemap(body)
    try:
        assert all(entry.url for entry in entries(body))
    except RefusedError as error:
        assert error.reason == Reason.BAD_ANSWER
