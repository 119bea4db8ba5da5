"""What the tests of the gateway share: its settings, and ways to ask it for a URL and to be refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from scgan_data.web.address import RefusedError
from scgan_data.web.fetch import FetchConfig, Web
from scgan_data.web.request import Access, Answer, Redirect
from tests.data.servers import ProxyServer

LOCAL = Access(allow_private=True, interval_s=0.0)
CONFIG = FetchConfig(contact="tests@example.org", retries=1, deadline_s=5, max_bytes=10_000)
ONCE = CONFIG.model_copy(update={"retries": 0, "interval_s": 0.0, "ports": None})
"""One attempt, without a pause, at any port: so that nothing but the address is a reason to refuse it."""
SECRET = "s3cret/K+y=42"


def get(url: str, config: FetchConfig = CONFIG, access: Access = LOCAL, **known: str) -> Answer:
    with Web(config, access) as web:
        return web.get(url, **known)


def refused(url: str, access: Access = LOCAL, config: FetchConfig = ONCE) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        get(url, config, access)
    return caught.value


def reason(url: str, config: FetchConfig = CONFIG, access: Access = LOCAL) -> tuple[str, float | None]:
    told = refused(url, access, config)
    return told.reason, told.value


def attempt(web: Web, url: str, **given: Any) -> Answer | Redirect:
    """One attempt, in its host's turn."""
    host = web.host(url)
    while (wait_s := host.acquire()) > 0:
        time.sleep(min(wait_s, 0.05))
    try:
        return web.attempt(url, **given)
    finally:
        host.release()


def at_once(count: int, work: Callable[..., object], *arguments: object) -> None:
    """Do the same in so many threads, and wait for them."""
    threads = [threading.Thread(target=work, args=arguments) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def raw(text: bytes) -> Callable[[Any], None]:
    """A route that sends these bytes and hangs up."""

    def answer(handler: Any) -> None:
        handler.wfile.write(text)
        handler.close_connection = True

    return answer


def through(proxy_server: ProxyServer, login: str = "") -> FetchConfig:
    """Settings under which every request goes to that proxy."""
    return ONCE.model_copy(update={"proxy": proxy_server.url.replace("//", f"//{login}")})
