"""Who may talk to a local page: the one who has its address from the terminal, and no other site's page.

Three walls. The Host header must be ours, so that a name that an attacker rebinds to 127.0.0.1 reaches nothing (421).
Everything needs the token of the printed address: it comes once in the URL and is then a cookie that scripts cannot
read and other sites cannot send (HttpOnly, SameSite=Strict). A change needs besides a same-origin Origin, and a second
token in a header, which a page learns only by reading our answers. Sec-Fetch-Site, where the browser sends it, must say
the same. No script, style or picture comes from elsewhere (Content-Security-Policy), and no other page may frame ours.
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass, field

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POSTING_HEADER = "x-review-token"
MAX_BODY_BYTES = 4 * 2**20
LOOPBACK = ("127.0.0.1", "localhost", "::1")
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Access:
    """What a served page's visitors must know."""

    host: str
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    posting: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """Sent with every change."""

    @property
    def cookie(self) -> str:
        """Its name: browsers share cookies between the ports of a host."""
        return f"scgan_{self.port}"

    def url(self, host: str | None = None) -> str:
        """The address to open."""
        return f"http://{_bracketed(host or self.host)}:{self.port}/?token={self.token}"

    def allows_host(self, header: str) -> bool:
        """Whether a Host header names us: loopback, or on an open address the host given or any plain IP address."""
        name, _, port = header.rpartition(":")
        name = name.strip("[]")
        if port != str(self.port):
            return False
        return name in (*LOOPBACK, self.host) or (self.host not in LOOPBACK and _is_address(name))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """ASGI middleware: lets in who has the token, gives every answer its headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer = self._answer(Request(scope))
        await (self._app if answer is None else answer)(scope, receive, with_headers)

    def _answer(self, request: Request) -> Response | None:
        """What is answered here: refusals, and the token's exchange for a cookie."""
        access, headers = self._access, request.headers
        if not access.allows_host(headers.get("host", "")):
            return PlainTextResponse("not the name of this server\n", 421)
        token = request.query_params.get("token")
        if request.method == "GET" and request.url.path == "/" and token is not None and _same(token, access.token):
            moved = RedirectResponse("/", 303)
            moved.set_cookie(access.cookie, access.token, httponly=True, samesite="strict", path="/")
            return moved
        if not _same(request.cookies.get(access.cookie, ""), access.token):
            return PlainTextResponse("open the address that the terminal shows\n", 403)
        if request.method not in ("GET", "HEAD"):
            return self._refused_change(request)
        if request.url.path != "/" and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return PlainTextResponse("not for other sites\n", 403)
        return None

    def _refused_change(self, request: Request) -> Response | None:
        headers = request.headers
        ours = headers.get("origin") == f"http://{headers.get('host')}"
        same = headers.get("sec-fetch-site", "same-origin") == "same-origin"
        knows = _same(headers.get(POSTING_HEADER, ""), self._access.posting)
        if not (ours and same and knows):
            return PlainTextResponse("changes come from the page itself\n", 403)
        length = headers.get("content-length", "")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return PlainTextResponse("too long\n", 413)
        return None


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())
