"""An answer is the same however its bytes are cut up on their way, and whatever is wrong with it is said."""

from __future__ import annotations

import socket
import threading
from itertools import pairwise

import pytest
from httptools import HttpParserError
from hypothesis import given
from hypothesis import strategies as st

from scgan_data.web.response import HEAD_BYTES, Response

BODY = b"0123456789" * 30
LENGTH = b'HTTP/1.1 200 OK\r\nETag: "a"\r\nX-Robots-Tag: one\r\nx-robots-tag: two\r\nContent-Length: 300\r\n\r\n' + BODY
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n12c\r\n" + BODY + b"\r\n0\r\nETag: late\r\n\r\n"
CLOSED = b"HTTP/1.1 200 OK\r\n\r\n" + BODY
INTERIM = b"HTTP/1.1 103 Early Hints\r\nETag: early\r\n\r\n" + LENGTH


def answered(*pieces: bytes) -> tuple[Response, bytes]:
    """What is made of an answer that comes in pieces, and its body."""
    ours, theirs = socket.socketpair()

    def send() -> None:
        with theirs:
            for piece in pieces:
                theirs.sendall(piece)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        with ours:
            response = Response(ours).begin()
            return response, b"".join(iter(response.read1, b""))
    finally:
        thread.join()


@given(st.sampled_from([LENGTH, CHUNKED, CLOSED, INTERIM]), st.lists(st.integers(0, 400), max_size=5))
def test_pieces_change_nothing(answer: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(answer)), len(answer)]
    whole, body = answered(answer)
    cut, same = answered(*(answer[a:b] for a, b in pairwise(places) if a < b))
    assert body == same == BODY
    assert (whole.headers, whole.is_whole, whole.is_reusable) == (cut.headers, cut.is_whole, cut.is_reusable)


def test_what_an_answer_says_of_itself() -> None:
    response, _ = answered(INTERIM)
    assert (response.status, response.headers["etag"], response.headers["x-robots-tag"]) == (200, '"a"', "one, two")
    assert response.values("x-robots-tag") == ["one", "two"]
    assert response.is_reusable
    chunked, _ = answered(CHUNKED)
    assert "etag" not in chunked.headers  # what follows the body is no head
    assert chunked.is_reusable
    closed, _ = answered(CLOSED)
    assert closed.ends_with_connection
    assert not (closed.is_whole or closed.is_reusable)


@pytest.mark.parametrize("more", [LENGTH, b"HTTP/1.1 200", b"what nobody asked for"])
def test_a_connection_with_more_in_it_is_not_used_again(more: bytes) -> None:
    response, body = answered(LENGTH + more)
    assert (body, response.is_whole, response.is_reusable) == (BODY, True, False)
    assert response.status == 200


def test_a_fault_in_the_body_shows_when_it_is_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabzz")
        response = Response(ours).begin()
        assert response.read1() == b"ab"
        with pytest.raises(HttpParserError):
            response.read1()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * HEAD_BYTES,
        b"<html>",
    ],
)
def test_what_is_no_answer(answer: bytes) -> None:
    with pytest.raises(HttpParserError):
        answered(answer)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_an_answer_that_breaks_off(answer: bytes) -> None:
    with pytest.raises(ConnectionResetError):
        answered(answer)
