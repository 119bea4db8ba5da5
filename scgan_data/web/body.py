"""The body of an answer, read chunk by chunk: capped in size, decoded, and gone on with where a transfer broke.

The cap holds for what comes and for what it unpacks to. Bodies in a Content-Encoding pass through urllib3's decoders;
only plain ones can be resumed, as the parts of an encoded one need not be of one encoding.
"""

from __future__ import annotations

import io
import re
import time

import urllib3
from httptools import HttpParserError
from urllib3.exceptions import DecodeError, HTTPError

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.deadline import Transfer
from scgan_data.web.request import AgainError, Partial, Wanted
from scgan_data.web.response import CHUNK_BYTES, Response

_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+|\*)")


class Body:
    """The body of one 2xx."""

    def __init__(self, response: Response, wanted: Wanted, transfer: Transfer) -> None:
        self._response, self._headers, self._wanted, self._transfer = response, response.headers, wanted, transfer
        self._parts: list[bytes] = []

    def whole(self) -> bytes:
        """Read all of it. Raises AgainError, with what came where it can go on from there, and RefusedError."""
        whole_at = self._resume() if self._response.status == 206 else None
        is_encoded = self._headers.get("content-encoding", "identity").lower() not in ("identity", "")
        try:
            is_whole = self._read_encoded() if is_encoded else self._read()
        except HttpParserError as error:
            raise bad(f"not HTTP/1: {error}") from None
        except OSError as error:
            is_whole, detail = False, f"{type(error).__name__}: {error}"
        else:
            detail = "the body is shorter than announced"
        body = b"".join(self._parts)
        if is_whole and not self._transfer.cut and (whole_at is None or len(body) == whole_at):
            return body
        refused = RefusedError(Reason.TRANSFER_BROKEN, detail[:200], value=float(len(body)))
        raise AgainError(refused, wait_s=0.0, partial=None if is_encoded else self._partial(body))

    def _resume(self) -> int | None:
        """Begin with what an earlier transfer brought; the size that the whole will have, if it is said."""
        partial = self._wanted.partial
        if partial is None:
            raise bad("206 though no range was asked for")
        found = _CONTENT_RANGE.fullmatch(self._headers.get("content-range", ""))
        same = self._headers.get("etag" if partial.validator.startswith('"') else "last-modified") == partial.validator
        if not same or found is None or int(found[1]) != len(partial.body) or "content-encoding" in self._headers:
            raise AgainError(bad("206 that does not go on where the first part ended"), wait_s=0.0)
        self._parts = [partial.body]
        whole = None if found[3] == "*" else int(found[3])
        if (whole or 0) > self._wanted.max_bytes:
            raise _too_many(whole or 0, self._wanted.max_bytes)
        return whole

    def _read(self) -> bool:
        """The body as it is sent; whether all of it came."""
        response, limit = self._response, self._wanted.max_bytes
        count = sum(map(len, self._parts))
        announced = count + int(self._headers.get("content-length", 0))
        if not self._wanted.is_cut_off and announced > limit:
            raise _too_many(announced, limit)
        while chunk := response.read1():
            self._transfer.last_byte = time.monotonic()
            self._parts.append(chunk)
            count += len(chunk)
            if count > limit:
                return self._stop(count)
        # without any body, one that ends with its connection may as well have been cut
        return response.is_whole or (response.ends_with_connection and count > 0)

    def _read_encoded(self) -> bool:
        """The body, decoded. Raises RefusedError(BAD_ANSWER) where it is not in the encoding that it says."""
        count, limit = 0, self._wanted.max_bytes
        decoded = urllib3.HTTPResponse(
            _File(self._response), urllib3.HTTPHeaderDict(self._headers), self._response.status, preload_content=False
        )
        try:
            while chunk := decoded.read1(CHUNK_BYTES):
                self._parts.append(chunk)
                count += len(chunk)
                if count > limit:
                    return self._stop(count)
        except DecodeError as error:
            raise bad(f"{error}") from None
        except HTTPError as error:
            raise OSError(f"{error}") from None
        return True

    def _stop(self, count: int) -> bool:
        """More came than is taken. Raises RefusedError unless the rest may be left out."""
        if not self._wanted.is_cut_off:
            raise _too_many(count, self._wanted.max_bytes)
        return True

    def _partial(self, body: bytes) -> Partial | None:
        headers = self._headers
        etag = headers.get("etag", "")
        validator = etag if etag.startswith('"') else headers.get("last-modified")
        resumable = self._response.status == 206 or headers.get("accept-ranges", "").lower() == "bytes"
        return Partial(self._wanted.target.url, body, validator) if body and validator and resumable else None


class _File(io.BufferedIOBase):
    """The body as urllib3 reads it."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def read1(self, amount: int = -1, /) -> bytes:
        return self._response.read1(CHUNK_BYTES if amount < 0 else amount)


def bad(detail: str) -> RefusedError:
    """The refusal of an answer that cannot be right."""
    return RefusedError(Reason.BAD_ANSWER, detail[:200])


def _too_many(count: int, limit: int) -> RefusedError:
    return RefusedError(Reason.TOO_MANY_BYTES, f"at least {count} bytes", value=float(count), limit=float(limit))
