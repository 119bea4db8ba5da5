"""One request and its answer over one connection: nothing here decides whether it may be made or made again.

The request is written to the socket and the answer's head read from it by the standard library's parser: urllib3's
connection around that costs a third more, its pool twice as much (measured, CPU of a 6 KB picture).
"""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from http.client import HTTPException, HTTPResponse
from urllib.parse import urljoin

from scgan_data.records import Reason
from scgan_data.web import robots
from scgan_data.web.address import RefusedError, canonical
from scgan_data.web.body import Body, bad
from scgan_data.web.connection import CONNECT_S, Connection, Connections
from scgan_data.web.deadline import Transfer
from scgan_data.web.host import BUSY, retry_after_s
from scgan_data.web.request import AgainError, Answer, Redirect, Wanted

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
        is_clean = False
        try:
            result = self._understand(response)
            is_clean = not response.will_close
            return result
        except (AgainError, RefusedError):
            is_clean = self.status is not None and not _is_taken(self.status) and self._drain(response)
            raise
        finally:
            response.close()
            self._transfer.hold(None)
            if is_clean and not self._transfer.cut:
                self._connections.keep(connection)
            else:
                connection.sock.close()

    def _begin(self) -> tuple[Connection, HTTPResponse]:
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

    def _asked(self, connection: Connection) -> HTTPResponse:
        """Send the request and read the answer's head. Raises OSError, or RefusedError(BAD_ANSWER)."""
        response = None
        try:
            connection.sock.sendall(self._wanted.head)
            response = HTTPResponse(connection.sock, method="GET")
            response.begin()
        except BaseException as error:
            if response is not None:
                response.close()
            connection.sock.close()
            if isinstance(error, HTTPException | ValueError) and not isinstance(error, OSError):
                raise bad(f"{type(error).__name__}: {error}") from None
            raise
        self._transfer.last_byte = now = time.monotonic()
        self.latency_s = now - self._transfer.started
        return response

    def _understand(self, response: HTTPResponse) -> Answer | Redirect:
        self.status = status = response.status
        self._headers = headers = _headers(response)
        said = robots.directives(response.headers.get_all("X-Robots-Tag", [])) if "x-robots-tag" in headers else _NONE
        if headers.get("tdm-reservation", "").strip() == "1":
            said |= {robots.TDM_RESERVED}
        if _is_taken(status) or (status == 304 and self._wanted.is_conditional):
            if self._wanted.is_picture and (directive := robots.forbids(said)):
                raise RefusedError(Reason.NOAI, f"the answer's headers say {directive}")
            body = Body(response, headers, self._wanted, self._transfer).whole() if status != 304 else b""
            seconds, via_proxy = self._transfer.seconds, self._wanted.addresses is None
            rules = robots.line(self._wanted.rules, said)
            return Answer(status, self._wanted.target.url, headers, body, said, rules, seconds, via_proxy)
        if status in REDIRECTS and headers.get("location"):
            redirect = Redirect(_location(self._wanted.target.url, headers["location"]))
            if not self._drain(response):
                response.will_close = True
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

    def _drain(self, response: HTTPResponse) -> bool:
        """Read what is left of a short answer; whether the connection can be used again."""
        if response.will_close or (response.length or 0) > DRAIN_BYTES:
            return False
        with contextlib.suppress(HTTPException, OSError, ValueError):
            response.read(DRAIN_BYTES + 1)
            return response.isclosed() or response.length == 0
        return False


_NONE: frozenset[str] = frozenset()


def _is_taken(status: int) -> bool:
    return 200 <= status < 300


def _headers(response: HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


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
