"""Which addresses may be connected to: URLs in one form, names resolved to addresses, every address public.

One parser decides for both the check and the connection, and the connection goes to the checked address, so there is no
second reading of a URL or of a name that could come out differently. What two parsers are known to read differently
(user names, backslashes, control characters, numbers that are no dotted quad, zone ids) is refused outright.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

import idna

from scgan_data.records import Reason

PORTS = {"http": 80, "https": 443}
_SAFE = "!#$%&'()*+,/:;=?@[]~"
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_NETLOC = re.compile(r"(\[[^\[\]]+\]|[^\[\]:]+)(?::([0-9]{0,6}))?")
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_NUMBER_LAST = re.compile(r"(^|\.)([0-9]+|0x[0-9a-f]*)$")
_PLAIN = re.compile(r"(https?)://([A-Za-z0-9.:-]+)(/[\w!$&'()*+,/:;=@~.-]*(?:\?[\w!$&'()*+,/:;=?@~.-]+)?)", re.ASCII)
"""A URL whose path and query stand as they are unless they hold "/.": most do, and need no further taking apart."""
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")

# Beyond what ipaddress.is_global knows in every Python that we run on.
_SPECIAL_V4 = [ipaddress.IPv4Network(n) for n in ("192.0.0.0/24", "192.88.99.0/24")]
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Protocol assignments with Teredo, documentation (both), 6to4: no web server is there, a tunnel home may be.
_SPECIAL_V6 = [ipaddress.IPv6Network(n) for n in ("2001::/23", "2001:db8::/32", "3fff::/20", "2002::/16")]

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address


class RefusedError(Exception):
    """A URL or file that is not had: carries the reason, and the measured value and limit where there is one."""

    def __init__(self, reason: Reason, detail: str, *, value: float | None = None, limit: float | None = None) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.value, self.limit = reason, detail, value, limit


class NoSuchNameError(RefusedError):
    """The name servers say that the name does not exist, which seldom changes within a run."""


@dataclass(frozen=True, slots=True)
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
    text = url.strip()
    if (plain := _PLAIN.fullmatch(text)) and "/." not in text:
        return _target(plain[1], plain[2], plain[3])
    if _CONTROL.search(text):
        raise _forbidden("a backslash or control character in the URL")
    try:
        parts = urlsplit(text.replace(" ", "%20"))
        if parts.scheme not in PORTS:
            raise _forbidden(f"not http or https: {parts.scheme or 'no scheme'}"[:80])
        path = _without_dots(_escaped(parts.path)) + (f"?{_escaped(parts.query)}" if parts.query else "")
    except ValueError as error:
        raise _no_valid(error) from None
    return _target(parts.scheme, parts.netloc, path)


def _target(scheme: str, netloc: str, path: str) -> Target:
    host, port, origin = _origin(scheme, netloc)
    return Target(origin + path, scheme, host, port, path)


@lru_cache(4096)
def _origin(scheme: str, netloc: str) -> tuple[str, int, str]:
    try:
        host, port = _host_and_port(netloc)
    except ValueError as error:  # UnicodeError included
        raise _no_valid(error) from None
    bare = Target("", scheme, host, PORTS[scheme] if port is None else port, "")
    return host, bare.port, bare.origin


def canonical(url: str) -> str:
    """The URL's canonical form where it has one, else the text as it is (the row will say what is wrong with it)."""
    try:
        return parse(url).url
    except RefusedError:
        return url.strip()


def _no_valid(error: ValueError) -> RefusedError:
    return _forbidden(f"no valid URL: {error}"[:200])


def _forbidden(detail: str) -> RefusedError:
    return RefusedError(Reason.ADDRESS_FORBIDDEN, detail)


def _host_and_port(netloc: str) -> tuple[str, int | None]:
    if "@" in netloc:
        raise _forbidden("a user name in the URL")
    found = _NETLOC.fullmatch(netloc)
    if found is None:
        raise _forbidden("no host, or not one that can be read in one way only")
    port = int(found[2]) if found[2] else None
    if port is not None and not 0 < port < 65536:
        raise _forbidden(f"port {port}")
    return _host(found[1]), port


def _host(text: str) -> str:
    """Lower case, IDNA, no trailing dot; an address in its shortest form. Raises ValueError or RefusedError."""
    if text.startswith("["):
        if "%" in text:
            raise _forbidden("a zone id in the address")
        return ipaddress.IPv6Address(text[1:-1]).compressed
    name = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode("ascii")
    name = name.removesuffix(".")
    if not _NAME.fullmatch(name):
        raise _forbidden("a host's name with characters that names do not have")
    if _NUMBER_LAST.search(name):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise _forbidden("a number as the host that is no dotted quad") from None
    return name


def _escaped(text: str) -> str:
    """Percent-encoding in one form: upper case, unreserved characters plain, everything that needs it encoded."""
    return quote(_ESCAPE.sub(_one_escape, text) if "%" in text else text, safe=_SAFE)


def _one_escape(found: re.Match[str]) -> str:
    if found[1] is None:
        return "%25"  # a percent sign that stands for itself
    plain = chr(int(found[1], 16))
    return plain if plain in _UNRESERVED else found[0].upper()


def _without_dots(path: str) -> str:
    """RFC 3986, section 5.2.4, for an absolute path."""
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def check(target: Target, *, allow_private: bool, ports: Collection[int] | None) -> None:
    """What can be said without a name server. Raises RefusedError(ADDRESS_FORBIDDEN)."""
    if allow_private:
        return
    if ports is not None and target.port not in ports:
        raise RefusedError(Reason.ADDRESS_FORBIDDEN, f"port {target.port}", value=float(target.port))
    literal = literal_of(target.host)
    if literal is not None and not is_public(literal):
        raise _forbidden(f"{target.host} is not a public address")
    if target.host == "localhost" or target.host.endswith(".localhost"):
        raise _forbidden(f"{target.host} is this machine")


def resolve(host: str, *, allow_private: bool) -> tuple[str, ...]:
    """A host's addresses. Raises RefusedError unless every one of them is public (or may be private)."""
    if literal_of(host) is not None:
        addresses = [host]
    else:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            unknown = isinstance(error, socket.gaierror) and error.errno in _NO_SUCH_NAME
            kind = NoSuchNameError if unknown else RefusedError
            raise kind(Reason.NAME_NOT_FOUND, f"{host}: {error}"[:200]) from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not allow_private and not is_public(address):
            raise _forbidden(f"{host} is {address}, which is not public")
    return tuple(addresses)


_NO_SUCH_NAME = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name)}


def literal_of(host: str) -> str | None:
    """The host if it is an address itself, else None."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return host


def is_public(address: str) -> bool:
    """Whether an address is global unicast, and so is the IPv4 address that it may carry (IPv4-mapped, NAT64)."""
    ip: _IP = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        carried = ip.ipv4_mapped or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if carried is None:
            return ip in _UNICAST_V6 and ip.is_global and not any(ip in network for network in _SPECIAL_V6)
        ip = carried
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _SPECIAL_V4)
