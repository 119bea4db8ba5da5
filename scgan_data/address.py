"""Which addresses may be connected to: URLs in one form, names resolved to addresses, every address public.

One parser (urllib.parse) decides for both the check and the connection, and the connection goes to the checked address,
so there is no second reading of a URL or of a name that could come out differently.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from scgan_data.records import Reason

PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_SAFE = "!#$%&'()*+,/:;=?@[]~"


class RefusedError(Exception):
    """A URL or file that is not had: carries the reason, and the measured value and limit where there is one."""

    def __init__(self, reason: Reason, detail: str, *, value: float | None = None, limit: float | None = None) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.value, self.limit = reason, detail, value, limit


@dataclass(frozen=True)
class Target:
    """A URL taken apart: where to connect, what to ask for."""

    url: str
    scheme: str
    host: str
    port: int
    path: str
    """Path and query, percent-encoded."""

    @property
    def origin(self) -> str:
        """scheme://host[:port], the port only where it is not the scheme's own."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def netloc(self) -> str:
        """The value of the Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == PORTS[self.scheme] else f"{name}:{self.port}"


def parse(url: str) -> Target:
    """A URL in canonical form, without its fragment. Raises RefusedError(ADDRESS_FORBIDDEN) for what is not http(s)."""
    text = url.strip().replace(" ", "%20")
    if _CONTROL.search(text):
        raise RefusedError(Reason.ADDRESS_FORBIDDEN, "a backslash or control character in the URL")
    try:
        parts = urlsplit(text)
        port = parts.port
        host = _ascii_host(parts)
    except ValueError as error:  # UnicodeError included
        raise RefusedError(Reason.ADDRESS_FORBIDDEN, f"no valid URL: {error}"[:200]) from None
    if parts.scheme not in PORTS:
        raise RefusedError(Reason.ADDRESS_FORBIDDEN, f"not http or https: {parts.scheme or 'no scheme'}")
    if not host or port == 0:
        raise RefusedError(Reason.ADDRESS_FORBIDDEN, "no host, or port 0")
    if "@" in parts.netloc:
        raise RefusedError(Reason.ADDRESS_FORBIDDEN, "a user name in the URL")
    path = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    bare = Target("", parts.scheme, host, port or PORTS[parts.scheme], path)
    return Target(bare.origin + path, bare.scheme, host, bare.port, path)


def canonical(url: str) -> str:
    """The URL's canonical form where it has one, else the text as it is (the row will say what is wrong with it)."""
    try:
        return parse(url).url
    except RefusedError:
        return url.strip()


def _ascii_host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    return host if host.isascii() else host.encode("idna").decode("ascii")


def resolve(target: Target, *, allow_private: bool) -> list[str]:
    """The addresses of a target's host. Raises RefusedError unless every one of them is public (or may be private)."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RefusedError(Reason.FETCH_FAILED, f"{target.host} was not found: {error}"[:200]) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not allow_private and not is_public(address):
            raise RefusedError(Reason.ADDRESS_FORBIDDEN, f"{target.host} is {address}, which is not public")
    return addresses


def is_public(address: str) -> bool:
    """Whether an address is global unicast, and so is the IPv4 address that it may carry (NAT64, 6to4, Teredo)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return all(inner.is_global and not inner.is_multicast for inner in (ip, *_carried(ip)))


def _carried(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    inner = [ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64:
        inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [address for address in inner if address is not None]
