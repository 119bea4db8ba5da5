"""Who may see and change the review page: the key, other sites' pages, open addresses, files outside."""

import re
from pathlib import Path

import requests
from PIL import Image

from scgan_data import images
from scgan_data.review.guard import Access
from tests.data.reviewing import Visitor, lines


def test_the_address_is_the_key(anna: Visitor) -> None:
    for path in ("/", "/?token=guess", "/api/session", "/thumb/crop00", "/page/main.js"):
        assert requests.get(anna.home + path, timeout=10).status_code == 403
    first = requests.get(anna.key, timeout=10, allow_redirects=False)
    assert first.status_code == 303 and first.headers["location"] == "/"
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    page = anna.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert page.headers["referrer-policy"] == "no-referrer" and page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=|https?://", page.text)
    for name in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        assert anna.get(name).status_code == 200
    assert anna.access.token not in repr(anna.access)


def test_another_site_s_page_changes_nothing(anna: Visitor, verdicts_file: Path) -> None:
    body = {"verdict": "reject", "seen": anna.seen("crop00")}
    for wrong in (
        {"origin": "http://evil.example"},
        {"origin": None},
        {"origin": "null"},
        {"x-review-token": None},
        {"x-review-token": "guess"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        assert anna.post("/api/verdict", body, **wrong).status_code == 403, wrong
    port = anna.home.rpartition(":")[2]
    for host in (f"evil.example:{port}", "evil.example", "127.0.0.1:1", f"localhost.evil.example:{port}"):
        assert anna.post("/api/verdict", body, host=host, origin=f"http://{host}").status_code == 421
        assert anna.get("/api/session", headers={"host": host}).status_code == 421
    assert anna.get("/api/session", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    other = requests.post(f"{anna.home}/api/verdict", json=body, headers=anna.posting, timeout=10)  # without the cookie
    assert other.status_code == 403
    assert anna.post("/api/verdict", {"verdict": "reject", "note": "x" * 5_000_000, "seen": {}}).status_code == 413
    assert lines(verdicts_file) == []
    assert anna.post("/api/verdict", body, **{"sec-fetch-site": "same-origin"}).status_code == 200


def test_an_open_address_takes_plain_addresses_but_no_names() -> None:
    access = Access("0.0.0.0", 8000)
    assert all(access.allows_host(f"{name}:8000") for name in ("192.168.1.5", "127.0.0.1", "localhost", "[::1]"))
    assert not any(access.allows_host(name) for name in ("evil.example:8000", "192.168.1.5:80", "192.168.1.5", ""))
    assert not Access("127.0.0.1", 8000).allows_host("192.168.1.5:8000")


def test_pictures_are_served_by_id_and_without_metadata(anna: Visitor, review_folder: Path) -> None:
    original = Image.open(review_folder.parent / "pictures" / "3.jpg")
    assert original.getexif()
    original.close()
    for path, most in (("/thumb/crop03", 256), ("/picture/crop03", 1600)):
        answer = anna.get(path)
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
        assert b"camera" not in answer.content and b"Exif" not in answer.content
        assert max(images.decode(answer.content).image.size) <= most
    for path in (
        "/thumb/none",
        "/thumb/..%2Fpictures%2F3.jpg",
        "/picture/%2Fetc%2Fpasswd",
        "/page/app.py",
        "/page/..%2Fapp.py",
    ):
        assert anna.get(path).status_code == 404
    (review_folder.parent / "pictures" / "4.jpg").write_bytes(b"no picture any more")
    assert anna.get("/thumb/crop04").status_code == 404
    assert "path" not in anna.session["items"][0] and str(review_folder.parent) not in anna.get("/api/session").text
