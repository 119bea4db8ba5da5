"""Connections to checked addresses, and those that wait to be used again.

The socket goes to the address that was checked, the certificate is verified against the name. There is no pool class
between a request and its socket: that and its locks cost more than the request itself (measured: .3 of .7 CPU-ms).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import certifi
from urllib3.util import wait_for_read

from scgan_data.records import Reason
from scgan_data.web import proxy as proxies
from scgan_data.web.address import RefusedError, Target
from scgan_data.web.deadline import Transfer
from scgan_data.web.proxy import Proxy
from scgan_data.web.request import Addresses, AgainError

CONNECT_S = 10.0
IDLE = 256
"""Connections that are kept open for later, all hosts together."""


@dataclass(slots=True)
class Connection:
    """One open connection."""

    sock: socket.socket
    key: str


class Connections:
    """All connections of a gateway; threads share it."""

    def __init__(self, proxy: Proxy | None = None) -> None:
        self._proxy = proxy
        self._lock = threading.Lock()
        self._idle: dict[str, list[Connection]] = {}
        self._count = 0
        self._is_closed = False
        self._answered: dict[str, tuple[str, int]] = {}

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        context.set_alpn_protocols(["http/1.1"])
        return context

    def take(self, target: Target, addresses: Addresses) -> Connection | None:
        """An idle connection that still stands, or None."""
        key = _key(target, addresses)
        while True:
            with self._lock:
                waiting = self._idle.get(key)
                if not waiting:
                    return None
                self._count -= 1
                found = waiting.pop()
                if not waiting:
                    del self._idle[key]
            if not wait_for_read(found.sock, 0.0):
                return found
            found.sock.close()  # closed by the server, or it said something that nobody asked for

    def keep(self, connection: Connection) -> None:
        """Put a connection aside that has nothing more to read."""
        with self._lock:
            surplus = connection if self._is_closed else self._push(connection)
        if surplus is not None:
            surplus.sock.close()

    def _push(self, connection: Connection) -> Connection | None:
        """Add an idle connection; returns one to be closed where there are too many."""
        self._idle.setdefault(connection.key, []).append(connection)
        self._count += 1
        if self._count <= IDLE:
            return None
        self._count -= 1
        oldest = next(iter(self._idle))
        surplus = self._idle[oldest].pop(0)
        if not self._idle[oldest]:
            del self._idle[oldest]
        return surplus

    def close(self) -> None:
        """Close what is idle, and keep nothing any more."""
        with self._lock:
            waiting = [connection for some in self._idle.values() for connection in some]
            self._idle.clear()
            self._is_closed = True
        for connection in waiting:
            connection.sock.close()

    def open(self, target: Target, addresses: Addresses, transfer: Transfer, timeout_s: float) -> Connection:
        """Connect to the first of the addresses that takes it, or through the proxy.

        Raises AgainError, or RefusedError(TLS_FAILED) where the certificate is not the name's.
        """
        if addresses is None and self._proxy is not None:
            sock = self._through(self._proxy, target, transfer, timeout_s)
        else:
            sock = self._direct(target.origin, target.host, addresses or (), transfer, timeout_s)
        if target.scheme == "https":
            sock = self._secured(sock, target, transfer)
        return Connection(sock, _key(target, addresses))

    def _through(self, proxy: Proxy, target: Target, transfer: Transfer, timeout_s: float) -> socket.socket:
        sock = self._direct("", "the proxy", _addresses_of(proxy), transfer, timeout_s)
        try:
            if target.scheme == "https":
                proxies.tunnel(sock, proxy, target)
        except OSError as error:
            sock.close()
            raise _again(Reason.NOT_CONNECTED, target.host, error) from None
        return sock

    def _direct(
        self, origin: str, name: str, addresses: Sequence[tuple[str, int]], transfer: Transfer, timeout_s: float
    ) -> socket.socket:
        """The address that answered last time is asked first: one that never does costs its time-out once."""
        failed = OSError("no address")
        last = self._answered.get(origin)
        for address in sorted(addresses, key=lambda one: one != last):
            try:
                sock = _connected(address, transfer, timeout_s)
            except OSError as error:
                failed = error
                if transfer.cut:
                    break
            else:
                self._answered[origin] = address
                return sock
        raise _again(Reason.NOT_CONNECTED, name, failed)

    def _secured(self, sock: socket.socket, target: Target, transfer: Transfer) -> ssl.SSLSocket:
        try:
            secured = self._tls.wrap_socket(sock, server_hostname=target.host, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:
            sock.close()
            raise _again(Reason.TLS_FAILED, target.host, error) from None
        try:
            transfer.hold(secured)
            secured.do_handshake()
        except OSError as error:
            secured.close()
            if isinstance(error, ssl.SSLCertVerificationError):
                raise RefusedError(Reason.TLS_FAILED, f"{target.host}: {error.verify_message}"[:200]) from None
            raise _again(Reason.TLS_FAILED, target.host, error) from None
        return secured


def _key(target: Target, addresses: Addresses) -> str:
    """What an idle connection can serve: an origin, or whatever is asked of the proxy in absolute form."""
    return "proxy" if addresses is None and target.scheme == "http" else target.origin


def _connected(address: tuple[str, int], transfer: Transfer, timeout_s: float) -> socket.socket:
    """A TCP connection to exactly that address. Raises OSError."""
    sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transfer.hold(sock)
        sock.connect(address)
        peer = sock.getpeername()[0]
        if _plain(peer) != _plain(address[0]):
            raise OSError(f"connected to {peer} instead")
    except BaseException:
        sock.close()
        raise
    return sock


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(address.partition("%")[0])


def _addresses_of(proxy: Proxy) -> list[tuple[str, int]]:
    """The proxy is the user's own choice, so its address may be private. Raises AgainError."""
    try:
        found = socket.getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _again(Reason.NOT_CONNECTED, "the proxy", error) from None
    return list(dict.fromkeys((str(entry[4][0]), proxy.port) for entry in found))


def _again(reason: Reason, name: str, error: Exception) -> AgainError:
    return AgainError(RefusedError(reason, f"{name}: {error}"[:200]), wait_s=0.0)
