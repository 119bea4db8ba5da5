"""What a network source may reach: the secrets of its headers, read from the environment and bound to hosts.

A header goes to named hosts only, so that a list or a redirect cannot carry a shop's cookie elsewhere. A source that
has a host of its own (a page, an API) need not name it; a list of URLs has none and must. Headers that say who asks, or
that frame the request, stay the fetcher's.
"""

from __future__ import annotations

import os
import re

from scgan_data.errors import SourceError
from scgan_data.sources import Reach
from scgan_data.web.address import RefusedError, parse
from scgan_data.web.redact import LEAST, too_short
from scgan_data.web.request import Access

OURS = frozenset({"host", "user-agent", "connection", "content-length", "transfer-encoding", "range", "if-range"})
"""Headers that no source may set."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]+")


def access_of(reach: Reach, own_host: str | None) -> Access:
    """What a source may reach. `own_host` (as `address.Target` has it) gets the headers where `headers_hosts` is empty.

    Raises SourceError for a variable that is not set, a header that cannot be sent, or no host to send it to.
    """
    headers = {name: _value(name, variable) for name, variable in reach.headers_env.items()}
    hosts = [_host(text) for text in reach.headers_hosts] or ([own_host] if own_host else [])
    if headers and not hosts:
        raise SourceError("headers_env names headers, but no host gets them: name the hosts in `headers_hosts`")
    return Access(allow_private=reach.allow_private, headers=dict.fromkeys(hosts, headers) if headers else {})


def _value(name: str, variable: str) -> str:
    """A header's value, which no message shows."""
    if not _NAME.fullmatch(name) or name.lower() in OURS:
        raise SourceError(f"headers_env: {name} is no header that a source may set; remove it")
    value = os.environ.get(variable, "").strip()
    if not value:
        raise SourceError(f"headers_env: the environment variable {variable} (header {name}) is not set: export it")
    if len(value) < LEAST:
        raise SourceError(f"headers_env: {too_short(variable)}")
    if not _VALUE.fullmatch(value):
        raise SourceError(f"headers_env: the value of {variable} has a line break or a letter that no header may have")
    return value


def _host(text: str) -> str:
    """A host's name as the fetcher compares it."""
    try:
        target = parse(f"https://{text.strip().lower()}/")
    except RefusedError as refused:
        raise SourceError(
            f"headers_hosts: {text} is no host ({refused.detail}); write it as shop.example.org"
        ) from None
    if target.path != "/":
        raise SourceError(f"headers_hosts: {text} is no host; write it as shop.example.org")
    return target.host
