"""What servers do wrong, or right in an unusual way, as routes for the tests; each answers a request in its own way."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from typing import Any

DEADLINE_S = 1.5
GOOD = b"the picture's bytes"  # stands for a whole JPEG in the table


def headers(handler: Any, length: int, **more: str) -> None:
    handler.send_response(200)
    for name, value in {"Content-Type": "image/jpeg", "Content-Length": str(length), **more}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def reset(handler: Any) -> None:
    """Close so that the client gets a reset and no end of file."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def says(status: int, body: bytes = b"", **more: str) -> Callable[..., None]:
    def answer(server: Any, handler: Any, data: bytes) -> None:
        server.answer(handler, status, data if body == GOOD else body, **more)

    return answer


def raw(text: bytes) -> Callable[..., None]:
    def answer(server: Any, handler: Any, data: bytes) -> None:
        handler.wfile.write(text)
        handler.close_connection = True

    return answer


def short(server: Any, handler: Any, data: bytes) -> None:
    headers(handler, len(data))
    handler.wfile.write(data[:200])
    handler.close_connection = True


def cut_off(server: Any, handler: Any, data: bytes) -> None:
    headers(handler, len(data))
    handler.wfile.write(data[:200])
    reset(handler)


def stalls(where: str) -> Callable[..., None]:
    def answer(server: Any, handler: Any, data: bytes) -> None:
        if where == "body":
            headers(handler, len(data))
            handler.wfile.write(data[:200])
        time.sleep(2 * DEADLINE_S)
        handler.close_connection = True

    return answer


def drips(where: str) -> Callable[..., None]:
    def answer(server: Any, handler: Any, data: bytes) -> None:
        if where == "body":
            headers(handler, len(data))
        else:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(int(2 * DEADLINE_S / 0.1)):
            handler.wfile.write(b"a")
            time.sleep(0.1)
        handler.close_connection = True

    return answer


def endless(server: Any, handler: Any, data: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(1000))


def chunked(server: Any, handler: Any, data: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    half = len(data) // 2
    for part in (data[:half], data[half:], b""):
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))


def bad_chunks(server: Any, handler: Any, data: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"zz\r\nnonsense")
    handler.close_connection = True


def first(status: int, **more: str) -> Callable[..., None]:
    """That once, then the picture."""

    def answer(server: Any, handler: Any, data: bytes) -> None:
        if server.paths().count(handler.path) == 1:
            return server.answer(handler, status, b"", **more)
        return server.answer(handler, 200, data)

    return answer


def breaks_once_with_range(server: Any, handler: Any, data: bytes) -> None:
    asked = handler.headers.get("Range")
    if asked:
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - start))
        handler.send_header("ETag", '"v1"')
        handler.end_headers()
        handler.wfile.write(data[start:])
        return
    headers(handler, len(data), ETag='"v1"', Accept_Ranges="bytes")
    handler.wfile.write(data[:700])
    handler.close_connection = True
