"""The proxy that params name (`fetch.proxy`), and no other: environment variables are not read.

A proxy resolves names itself, past our check of addresses; the rules for URLs still hold, and rows say `via_proxy`.
Plain http is asked for in absolute form, https through a CONNECT tunnel, so that TLS ends at the site and not here.
"""

from __future__ import annotations

import socket
from base64 import b64encode
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from urllib.parse import unquote, urlsplit

from scgan_data.errors import SourceError
from scgan_data.web.address import Target


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)
    """The value of Proxy-Authorization, a secret."""


def read(url: str) -> Proxy:
    """`http://[user:password@]host:port` taken apart. Raises SourceError, which does not repeat the URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme != "http" or parts.path.strip("/"):
        raise SourceError("collect.fetch.proxy is no proxy's URL: write it as http://[user:password@]host:port")
    if parts.username is None:
        return Proxy(host, port)
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(host, port, "Basic " + b64encode(login.encode()).decode())


def headers(proxy: Proxy) -> dict[str, str]:
    """What the proxy itself wants to be told."""
    return {} if proxy.authorization is None else {"Proxy-Authorization": proxy.authorization}


def tunnel(sock: socket.socket, proxy: Proxy, target: Target) -> None:
    """Ask for a connection to the target. Raises OSError."""
    name = f"[{target.host}]" if ":" in target.host else target.host
    lines = [f"CONNECT {name}:{target.port} HTTP/1.1", f"Host: {name}:{target.port}"]
    lines += [f"{key}: {value}" for key, value in headers(proxy).items()]
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    response = HTTPResponse(sock, method="CONNECT")
    try:
        response.begin()
    except HTTPException as error:
        raise OSError(f"the proxy's answer is not HTTP: {type(error).__name__}") from None
    finally:
        response.close()
    if response.status != 200:
        raise OSError(f"the proxy answers {response.status} to CONNECT")
