"""The one gateway that turns URLs into bytes, politely and safely.

Every request goes through `Web.get`: http(s) only, each hop of a redirect checked anew, the name resolved once, every
address public, the connection made to the checked address (TLS still verifies the name), robots.txt asked first,
requests to a host spaced and counted, 429/503 waited out as the host asks, bytes capped and the whole transfer ended by
a wall clock. Environment proxies are ignored: a proxy resolves names itself, past the check. A URL that cannot be had
raises RefusedError with its reason, and nothing else.
"""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

import certifi
import urllib3
from pydantic import Field
from urllib3.exceptions import HTTPError

from scgan_data import images, robots
from scgan_data.address import RefusedError, Target, parse, resolve
from scgan_data.config import Config
from scgan_data.deadline import HTTPPool, HTTPSPool, Watch
from scgan_data.errors import SourceError
from scgan_data.host import Host, retry_after_s
from scgan_data.records import Reason

BUSY = (429, 503)
RETRIED = (*BUSY, 500, 502, 504)
REDIRECTS = (301, 302, 303, 307, 308)
CONNECT_S = 10.0
CHUNK_BYTES = 2**16


class FetchConfig(Config):
    """How URLs are fetched."""

    contact: str | None = None
    """E-mail address or page where a site's owner reaches you: part of the User-Agent, required for public sites."""
    threads: int = Field(8, ge=1, le=64)
    """Transfers at a time."""
    connections_per_host: int = Field(4, ge=1, le=16)
    """Transfers at a time from one host."""
    interval_s: float = Field(0.1, ge=0)
    """Least time between two requests to one host; its robots.txt may ask for more (Crawl-delay)."""
    deadline_s: float = Field(60.0, gt=0)
    """Wall clock for one whole transfer."""
    max_bytes: int = Field(images.MAX_BYTES, ge=1)
    """Largest file that is taken."""
    retries: int = Field(3, ge=0, le=10)
    """Further attempts after 429, 5xx or a broken connection."""
    max_wait_s: float = Field(60.0, ge=0)
    """Longest wait granted to a host that asks for one (Retry-After); a longer one gives its URLs up."""
    max_redirects: int = Field(5, ge=0)
    """Redirects followed for one URL."""


@dataclass(frozen=True)
class Access:
    """What a source may reach, beyond what params say of all."""

    allow_private: bool = False
    interval_s: float | None = None
    """Overrides the configuration's."""
    connect_to: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """host -> (address, port) to connect to instead, unchecked. For the sample's own server only."""


@dataclass(frozen=True)
class Answer:
    """What a server said to a GET: a 2xx with its body, or 304."""

    status: int
    url: str
    headers: urllib3.HTTPHeaderDict
    body: bytes


class Web:
    """An open gateway; threads share it. Use as a context manager."""

    def __init__(self, config: FetchConfig, access: Access | None = None) -> None:
        self._config, self._access = config, access or Access()
        if config.contact is None and not (self._access.allow_private or self._access.connect_to):
            raise SourceError(
                "collect.fetch.contact is not set: name an e-mail address or a page where the owners of the sites that "
                "you collect from reach you, for example --set fetch.contact=me@example.org"
            )
        self.user_agent = f"{robots.AGENT}/1 (+{config.contact or 'local test'})"
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        self._pools = urllib3.PoolManager(256, maxsize=config.connections_per_host, ssl_context=context)
        self._pools.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}
        self._hosts: dict[str, Host] = {}
        self._lock = threading.Lock()
        self._watch = Watch()

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.stop()
        self._pools.clear()

    def get(self, url: str, *, etag: str | None = None, last_modified: str | None = None) -> Answer:
        """Fetch a URL; with the validators of an earlier answer the server may say 304. Raises RefusedError."""
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        return self._follow(url, {k: v for k, v in conditions.items() if v}, ask_robots=True)

    def _follow(self, url: str, headers: Mapping[str, str], *, ask_robots: bool) -> Answer:
        for _ in range(self._config.max_redirects + 1):
            target = parse(url)
            host = self._host(target)
            if ask_robots:
                self._ask_robots(host, target)
            answer = self._get_patiently(host, target, headers)
            location = answer.headers.get("Location")
            if answer.status not in REDIRECTS or not location:
                return _accept(answer)
            url = urljoin(target.url, location)
        limit = float(self._config.max_redirects)
        raise RefusedError(Reason.FETCH_FAILED, "too many redirects", value=limit + 1, limit=limit)

    def _host(self, target: Target) -> Host:
        with self._lock:
            known = self._hosts.get(target.origin)
        if known is None:
            instead = self._access.connect_to.get(target.host)
            found = [instead] if instead else self._resolve(target)
            interval_s = self._config.interval_s if self._access.interval_s is None else self._access.interval_s
            slots = threading.BoundedSemaphore(self._config.connections_per_host)
            with self._lock:
                known = self._hosts.setdefault(target.origin, Host(found, slots, interval_s))
        return known

    def _resolve(self, target: Target) -> list[tuple[str, int]]:
        addresses = resolve(target, allow_private=self._access.allow_private)
        return [(address, target.port) for address in addresses]

    def _ask_robots(self, host: Host, target: Target) -> None:
        """Raise RefusedError where the site's robots.txt disallows the URL, or cannot be had (RFC 9309)."""
        with host.rules_lock:
            if host.rules is None:
                host.rules = self._read_robots(target)
                if isinstance(host.rules, robots.Rules):
                    host.interval_s = max(host.interval_s, host.rules.interval_s)
        if isinstance(host.rules, RefusedError):
            raise host.rules
        if not host.rules.allows(target.url):
            raise RefusedError(Reason.ROBOTS_DISALLOWED, f"{target.origin}/robots.txt")

    def _read_robots(self, target: Target) -> robots.Rules | RefusedError:
        try:
            answer = self._follow(f"{target.origin}/robots.txt", {}, ask_robots=False)
            return robots.read(answer.body)
        except RefusedError as refused:
            return robots.missing(refused)

    def _get_patiently(self, host: Host, target: Target, headers: Mapping[str, str]) -> Answer:
        """One hop, tried again after 429, 5xx and broken connections. Raises RefusedError."""
        for attempt in range(self._config.retries + 1):
            wait_s = 0.5 * 2**attempt * (1 + random.random())
            try:
                answer = self._transfer(host, target, headers)
            except RefusedError as refused:
                if refused.reason != Reason.FETCH_FAILED or attempt == self._config.retries:
                    raise
            else:
                if answer.status not in RETRIED or attempt == self._config.retries:
                    return answer
                if answer.status in BUSY:
                    asked_s = retry_after_s(answer.headers.get("Retry-After"))
                    wait_s = wait_s if asked_s is None else asked_s
                    host.pause(wait_s)
                    continue
            time.sleep(min(wait_s, self._config.max_wait_s))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _transfer(self, host: Host, target: Target, headers: Mapping[str, str]) -> Answer:
        """One GET to the first of the host's addresses that answers. Raises RefusedError."""
        refused = RefusedError(Reason.FETCH_FAILED, "no address")
        with host.slots:
            for address, port in host.addresses:
                host.wait_for_turn(self._config.max_wait_s)
                try:
                    return self._get_from(address, port, target, headers)
                except RefusedError as error:
                    refused = error
                    if error.reason != Reason.FETCH_FAILED:
                        break
        raise refused

    def _get_from(self, address: str, port: int, target: Target, headers: Mapping[str, str]) -> Answer:
        deadline_s = self._config.deadline_s
        sent = {"Host": target.netloc, "User-Agent": self.user_agent, "Accept-Encoding": "identity", **headers}
        timeout = urllib3.Timeout(connect=min(CONNECT_S, deadline_s), read=deadline_s + 1)
        named = {"server_hostname": target.host} if target.scheme == "https" else None
        pool = self._pools.connection_from_host(address, port, target.scheme, pool_kwargs=named)
        with self._watch.ends_after(deadline_s) as transfer:
            try:
                response = pool.urlopen(
                    "GET",
                    target.path,
                    headers=sent,
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    timeout=timeout,
                )
                body = _read(response, self._config.max_bytes)
            except (HTTPError, OSError, ValueError) as error:
                if not transfer.cut:
                    raise RefusedError(Reason.FETCH_FAILED, f"{type(error).__name__}: {error}"[:200]) from None
        if transfer.cut:
            raise RefusedError(Reason.TIMED_OUT, "the transfer did not end", value=transfer.seconds, limit=deadline_s)
        return Answer(response.status, target.url, response.headers, body)


def _read(response: urllib3.BaseHTTPResponse, max_bytes: int) -> bytes:
    """A 2xx's body, decoded, capped while streaming; nothing of any other answer. Raises RefusedError."""
    announced = response.headers.get("Content-Length", "")
    if not 200 <= response.status < 300:
        if announced.isdecimal() and int(announced) <= CHUNK_BYTES:
            response.drain_conn()  # so that the connection can be used again
        response.close()
        return b""
    body = bytearray()
    try:
        if announced.isdecimal() and int(announced) > max_bytes:
            raise _too_many(int(announced), max_bytes)
        while chunk := response.read1(CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > max_bytes:
                raise _too_many(len(body), max_bytes)
    except BaseException:
        response.close()
        raise
    response.release_conn()
    return bytes(body)


def _too_many(count: int, limit: int) -> RefusedError:
    return RefusedError(Reason.TOO_MANY_BYTES, f"at least {count} bytes", value=float(count), limit=float(limit))


def _accept(answer: Answer) -> Answer:
    """The answer, if it is one that we can use. Raises RefusedError."""
    if answer.status in BUSY:
        raise RefusedError(Reason.RATE_LIMITED, f"HTTP {answer.status} to the last", value=float(answer.status))
    if not (200 <= answer.status < 300 or answer.status == 304):
        raise RefusedError(Reason.HTTP_ERROR, f"HTTP {answer.status}", value=float(answer.status))
    return answer
