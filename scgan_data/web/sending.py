"""What is sent to a server: the request's head, with secrets for the host that they are meant for and no other.

Secrets of a source (`Access.headers`) go to the hosts that it names, those of one call (`Ask`) to the host of its own
URL, also after a redirect there; never over plain http where https was meant.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from urllib3.util import make_headers

from scgan_data.errors import SourceError
from scgan_data.web import proxy as proxies
from scgan_data.web.address import Target, parse
from scgan_data.web.proxy import Proxy
from scgan_data.web.redact import Secrets
from scgan_data.web.request import Access, Answer, Ask, Redirect

_ILLEGAL = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_CODINGS = make_headers(accept_encoding=True)["accept-encoding"]


class Sender:
    """Writes the requests of one gateway."""

    def __init__(self, user_agent: str, access: Access, proxy: Proxy | None) -> None:
        self._user_agent, self._access, self._has_proxy = user_agent, access, proxy is not None
        self._to_proxy = {} if proxy is None else proxies.headers(proxy)
        own = [value for headers in access.headers.values() for value in headers.values()]
        self._secrets = Secrets([*own, *self._to_proxy.values()])

    def secrets(self, ask: Ask | None) -> Secrets:
        """What must not be shown of a request."""
        if ask is None or not (ask.secret_params or ask.secret_headers):
            return self._secrets
        return self._secrets.with_more([*ask.secret_params.values(), *ask.secret_headers.values()])

    def head(self, target: Target, further: Mapping[str, str], *, ask: Ask | None) -> bytes:
        """The request; `ask` is None for a picture. Raises SourceError for a header that cannot be sent."""
        path, secret = self._secrets_for(target, ask)
        headers = {
            "Host": target.netloc,
            "User-Agent": self._user_agent,
            "Accept-Encoding": "identity" if ask is None else _CODINGS,
        }
        headers |= {name.title(): value for name, value in {**further, **secret}.items() if name.lower() != "host"}
        if self._has_proxy and target.scheme == "http" and target.host not in self._access.connect_to:
            path = target.origin + path
            headers |= self._to_proxy
        for name, value in headers.items():
            if _ILLEGAL.search(value) or _ILLEGAL.search(name):
                raise SourceError(f"the header {name!r} has a value with characters that cannot be sent: check it")
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _secrets_for(self, target: Target, ask: Ask | None) -> tuple[str, Mapping[str, str]]:
        """The path to send and the headers that only this host gets."""
        headers: Mapping[str, str] = {}
        if target.scheme == "https" or self._access.allow_private or target.host in self._access.connect_to:
            headers = self._access.headers.get(target.host, {})
        if ask is None or not (ask.secret_params or ask.secret_headers):
            return target.path, headers
        meant = parse(ask.url)
        if target.host != meant.host or (meant.scheme == "https" and target.scheme != "https"):
            return target.path, headers
        return with_query(target.path, ask.secret_params), {**headers, **ask.secret_headers}


def with_query(url: str, params: Mapping[str, str]) -> str:
    """A URL or path with further query parameters."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}" if params else url


def hidden(result: Answer | Redirect, secrets: Secrets) -> Answer | Redirect:
    """The same, safe to record: what a server repeats of the secrets that it was sent is taken out."""
    if isinstance(result, Redirect):
        return Redirect(secrets.drop_from(result.url))
    headers = {name: secrets.hide(value) for name, value in result.headers.items()}
    return dataclasses.replace(result, url=secrets.hide(result.url), headers=headers)
