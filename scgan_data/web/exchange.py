"""One request and its answer over one connection: nothing here decides whether it may be made or made again.

The request is written to the socket and the answer read from it by a parser (`response`): urllib3's connection around
that costs a third more, its pool twice as much (measured with the standard library's parser, CPU of a 6 KB picture).
"""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from urllib.parse import urljoin

from httptools import HttpParserError

from scgan_data.records import Reason
from scgan_data.web import robots
from scgan_data.web.address import RefusedError, canonical
from scgan_data.web.body import Body, bad
from scgan_data.web.connection import CONNECT_S, Connection, Connections
from scgan_data.web.deadline import Transfer
from scgan_data.web.host import BUSY, retry_after_s
from scgan_data.web.request import AgainError, Answer, Redirect, Wanted
from scgan_data.web.response import Response

AGAIN = (*BUSY, 500, 502, 504)
REDIRECTS = (301, 302, 303, 307, 308)
DRAIN_BYTES = 2**16
"""Of an answer that is not used, so that its connection can be."""
_ABSOLUTE = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*:")


class Exchange:
    """One request over one connection, kept for the next one if it can be."""

    def __init__(self, wanted: Wanted, connections: Connections, transfer: Transfer) -> None:
        self._wanted, self._connections, self._transfer = wanted, connections, transfer
        self.status: int | None = None
        self.latency_s: float | None = None
        self.retry_after_s: float | None = None
        self._headers: dict[str, str] = {}

    def run(self) -> Answer | Redirect:
        """Raises AgainError and RefusedError; where the transfer was cut the caller says why."""
        connection, response = self._begin()
        try:
            return self._understand(response)
        except (AgainError, RefusedError):
            if self.status is not None and not _is_taken(self.status):
                _drain(response)
            raise
        finally:
            self._transfer.hold(None)
            if response.is_reusable and not self._transfer.cut:
                self._connections.keep(connection)
            else:
                connection.sock.close()

    def _begin(self) -> tuple[Connection, Response]:
        """Ask over an idle connection if there is one; one that the server has closed costs nothing but a second."""
        wanted, transfer = self._wanted, self._transfer
        if (idle := self._connections.take(wanted.target, wanted.addresses)) is not None:
            transfer.hold(idle.sock)
            try:
                return idle, self._asked(idle)
            except (ConnectionError, ssl.SSLError) as error:
                if transfer.cut:
                    raise _broken(error) from None
        fresh = self._connections.open(wanted.target, wanted.addresses, transfer, min(CONNECT_S, wanted.deadline_s))
        fresh.sock.settimeout(None)  # the watcher ends it; a time-out of the socket's own costs a system call a read
        try:
            return fresh, self._asked(fresh)
        except OSError as error:
            raise _broken(error) from None

    def _asked(self, connection: Connection) -> Response:
        """Send the request and read the answer's head. Raises OSError, or RefusedError(BAD_ANSWER)."""
        try:
            connection.sock.sendall(self._wanted.head)
            response = Response(connection.sock).begin()
        except BaseException as error:
            connection.sock.close()
            if isinstance(error, HttpParserError):
                raise bad(f"not HTTP/1: {error}") from None
            raise
        self._transfer.last_byte = now = time.monotonic()
        self.latency_s = now - self._transfer.started
        return response

    def _understand(self, response: Response) -> Answer | Redirect:
        self.status = status = response.status
        self._headers = headers = response.headers
        said = robots.directives(response.values("x-robots-tag")) if "x-robots-tag" in headers else _NONE
        if headers.get("tdm-reservation", "").strip() == "1":
            said |= {robots.TDM_RESERVED}
        if _is_taken(status) or (status == 304 and self._wanted.is_conditional):
            if self._wanted.is_picture and (directive := robots.forbids(said)):
                raise RefusedError(Reason.NOAI, f"the answer's headers say {directive}")
            body = Body(response, self._wanted, self._transfer).whole() if status != 304 else b""
            seconds, via_proxy = self._transfer.seconds, self._wanted.addresses is None
            rules = robots.line(self._wanted.rules, said)
            return Answer(status, self._wanted.target.url, headers, body, said, rules, seconds, via_proxy)
        if status in REDIRECTS and headers.get("location"):
            redirect = Redirect(_location(self._wanted.target.url, headers["location"]))
            _drain(response)
            return redirect
        raise self._error(status)

    def _error(self, status: int) -> AgainError | RefusedError:
        value = float(status)
        if status in BUSY:
            self.retry_after_s = retry_after_s(self._headers.get("retry-after"))
            refused = RefusedError(Reason.RATE_LIMITED, f"HTTP {status}", value=value)
            return AgainError(refused, wait_s=self.retry_after_s or 0.0)
        refused = RefusedError(Reason.HTTP_ERROR, f"HTTP {status}", value=value)
        if status in AGAIN or (status == 416 and self._wanted.partial is not None):
            return AgainError(refused, wait_s=retry_after_s(self._headers.get("retry-after")) or 0.0)
        return refused


_NONE: frozenset[str] = frozenset()


def _is_taken(status: int) -> bool:
    return 200 <= status < 300


def _drain(response: Response) -> None:
    """Read what is left of a short answer, so that its connection can be used again."""
    if int(response.headers.get("content-length", 0)) > DRAIN_BYTES:
        return
    count = 0
    with contextlib.suppress(HttpParserError, OSError):
        while count <= DRAIN_BYTES and (chunk := response.read1()):
            count += len(chunk)


def _location(url: str, text: str) -> str:
    """Where a redirect leads. Raises RefusedError for no URL at all and for the same one again."""
    with contextlib.suppress(UnicodeError):
        text = text.encode("latin-1").decode()  # sent as UTF-8, as browsers read it
    try:  # an absolute URL is left to the one parser: urljoin would read http:///a as a path
        there = text if _ABSOLUTE.match(text) else urljoin(url, text)
    except ValueError:
        raise RefusedError(Reason.ADDRESS_FORBIDDEN, "a redirect to no valid URL") from None
    if canonical(there) == url:
        raise RefusedError(Reason.TOO_MANY_REDIRECTS, "a redirect to itself")
    return there


def _broken(error: Exception) -> AgainError:
    refused = RefusedError(Reason.TRANSFER_BROKEN, f"no answer: {type(error).__name__}: {error}"[:200])
    return AgainError(refused, wait_s=0.0)
