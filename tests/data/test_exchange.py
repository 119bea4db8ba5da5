"""Broken transfers go on where they broke, if the server can and the file is still the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.fetch import FetchConfig, Web
from scgan_data.web.request import Access, AgainError, Answer, Partial

CONFIG = FetchConfig(contact="tests@example.org", retries=0, deadline_s=5, max_bytes=10_000, max_wait_s=0.2)
LOCAL = Access(allow_private=True, interval_s=0.0)
FILE = bytes(range(250)) * 8
PARTS = 700


class FileServer:
    """Serves FILE: what it breaks off, whether it knows ranges, under which validator."""

    def __init__(self, web_server: Any) -> None:
        self.web_server = web_server
        self.etag: str | None = '"v1"'
        self.modified: str | None = None
        self.knows_ranges = True
        self.breaks_after: int | None = PARTS
        self.file = FILE
        self.content_range: Callable[[int], str] = lambda start: f"bytes {start}-{len(self.file) - 1}/{len(self.file)}"
        self.url = web_server.url + "/file"
        web_server.routes["/file"] = self.answer

    def asked(self) -> list[tuple[str | None, str | None]]:
        """(Range, If-Range) of each request for the file."""
        return [
            (headers.get("Range"), headers.get("If-Range"))
            for path, _, headers in self.web_server.requests
            if path == "/file"
        ]

    def answer(self, handler: Any) -> None:
        asked = handler.headers.get("Range") if self.knows_ranges else None
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        body = self.file[start:]
        handler.send_response(206 if asked else 200)
        if asked:
            handler.send_header("Content-Range", self.content_range(start))
        if self.etag:
            handler.send_header("ETag", self.etag)
        if self.modified:
            handler.send_header("Last-Modified", self.modified)
        if self.knows_ranges:
            handler.send_header("Accept-Ranges", "bytes")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: self.breaks_after])
        handler.close_connection = self.breaks_after is not None


@pytest.fixture
def server(web_server: Any) -> FileServer:
    return FileServer(web_server)


def broken(web: Web, url: str, partial: Partial | None = None) -> AgainError:
    with pytest.raises(AgainError) as caught:
        web.attempt(url, partial=partial)
    return caught.value


def had(web: Web, url: str, partial: Partial | None) -> Answer:
    answer = web.attempt(url, partial=partial)
    assert isinstance(answer, Answer)
    return answer


def test_a_broken_transfer_goes_on_where_it_broke(server: FileServer) -> None:
    with Web(CONFIG, LOCAL) as web:
        again = broken(web, server.url)
        assert (again.refused.reason, again.refused.value) == (Reason.TRANSFER_BROKEN, PARTS)
        assert again.partial == Partial(server.url, FILE[:PARTS], '"v1"')
        again = broken(web, server.url, again.partial)
        assert again.partial == Partial(server.url, FILE[: 2 * PARTS], '"v1"')
        server.breaks_after = None
        assert had(web, server.url, again.partial).body == FILE
    assert server.asked() == [(None, None), ("bytes=700-", '"v1"'), ("bytes=1400-", '"v1"')]


def test_get_resumes_by_itself(server: FileServer) -> None:
    with Web(CONFIG.model_copy(update={"retries": 3}), LOCAL) as web:
        assert web.get(server.url).body == FILE
    assert [asked for asked, _ in server.asked()] == [None, "bytes=700-", "bytes=1400-"]


def test_last_modified_will_do(server: FileServer) -> None:
    server.etag, server.modified = 'W/"weak"', "Wed, 21 Oct 2015 07:28:00 GMT"
    with Web(CONFIG, LOCAL) as web:
        partial = broken(web, server.url).partial
        assert partial is not None
        assert partial.validator == server.modified
        server.breaks_after = None
        assert had(web, server.url, partial).body == FILE


@pytest.mark.parametrize("lacks", ["validator", "ranges", "bytes"])
def test_nothing_to_go_on_from(server: FileServer, lacks: str) -> None:
    if lacks == "validator":
        server.etag = 'W/"weak"'
    elif lacks == "ranges":
        server.knows_ranges = False
    else:
        server.breaks_after = 0
    with Web(CONFIG, LOCAL) as web:
        assert broken(web, server.url).partial is None


def test_a_file_that_changed_meanwhile_begins_again(server: FileServer) -> None:
    """A server that honours If-Range sends the new file whole; one that does not is caught by its ETag."""
    with Web(CONFIG, LOCAL) as web:
        partial = broken(web, server.url).partial
        server.etag, server.breaks_after, server.file = '"v2"', None, FILE[::-1]
        again = broken(web, server.url, partial)
        assert (again.refused.reason, again.partial) == (Reason.BAD_ANSWER, None)
        server.knows_ranges = False
        assert had(web, server.url, partial).body == FILE[::-1]


def test_a_server_that_ignores_ranges_begins_again(server: FileServer) -> None:
    with Web(CONFIG, LOCAL) as web:
        partial = broken(web, server.url).partial
        server.knows_ranges, server.breaks_after = False, None
        assert had(web, server.url, partial).body == FILE


@pytest.mark.parametrize("said", ["bytes 0-1999/2000", "bytes 701-1999/2000", "bytes */2000", "chapters 700-1999/2000"])
def test_a_206_that_does_not_fit_is_not_used(server: FileServer, said: str) -> None:
    with Web(CONFIG, LOCAL) as web:
        partial = broken(web, server.url).partial
        server.content_range, server.breaks_after = lambda start: said, None
        again = broken(web, server.url, partial)
        assert (again.refused.reason, again.partial) == (Reason.BAD_ANSWER, None)


def test_a_206_counts_against_the_byte_limit(server: FileServer) -> None:
    with Web(CONFIG, LOCAL) as web:
        partial = broken(web, server.url).partial
        server.content_range = lambda start: f"bytes {start}-19999/20000"
        with pytest.raises(RefusedError) as caught:
            web.attempt(server.url, partial=partial)
        assert (caught.value.reason, caught.value.value) == (Reason.TOO_MANY_BYTES, 20_000)


def test_416_begins_again_once(server: FileServer, web_server: Any) -> None:
    with Web(CONFIG, LOCAL) as web:
        partial = broken(web, server.url).partial
        web_server.serve("/file", b"", 416)
        again = broken(web, server.url, partial)
        assert (again.refused.value, again.partial, again.wait_s) == (416, None, 0)
        with pytest.raises(RefusedError) as caught:
            web.attempt(server.url, partial=None)
        assert (caught.value.reason, caught.value.value) == (Reason.HTTP_ERROR, 416)


def test_a_part_of_another_url_is_not_used(server: FileServer) -> None:
    server.breaks_after = None
    with Web(CONFIG, LOCAL) as web:
        assert had(web, server.url, Partial("http://other.test/file", b"other", '"v1"')).body == FILE
    assert server.asked() == [(None, None)]


@pytest.mark.parametrize(("moves", "is_resumable"), [(True, True), (False, False)])
def test_at_the_deadline_only_what_was_still_coming_is_worth_going_on_with(
    server: FileServer, web_server: Any, moves: bool, is_resumable: bool
) -> None:
    def slowly(handler: Any) -> None:
        handler.send_response(200)
        for name, value in {"ETag": '"v1"', "Accept-Ranges": "bytes", "Content-Length": "2000"}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(FILE[:100])
        for position in range(100, 200):
            time.sleep(0.03)
            if moves:
                handler.wfile.write(FILE[position : position + 1])

    web_server.routes["/file"] = slowly
    config = CONFIG.model_copy(update={"deadline_s": 1.5})
    with Web(config, LOCAL) as web, pytest.raises((AgainError, RefusedError)) as caught:
        web.attempt(server.url)
    if is_resumable:
        assert isinstance(caught.value, AgainError)
        assert caught.value.refused.reason == Reason.TIMED_OUT
        partial = caught.value.partial
        assert partial is not None
        assert FILE.startswith(partial.body)
        assert len(partial.body) > 100
    else:
        assert isinstance(caught.value, RefusedError)
        assert (caught.value.reason, caught.value.limit) == (Reason.TIMED_OUT, 1.5)
