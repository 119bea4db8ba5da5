"""The one gateway that turns URLs into bytes, politely and safely.

`attempt` makes one request, for a scheduler that keeps to `Host.acquire`; `get` is the loop around it for pages, APIs
and whoever has time to wait. Each URL is http(s) only, its name resolved once, every address public, the connection
made to the checked address (TLS still verifies the name), robots.txt asked first, bytes capped, the whole transfer
ended by a wall clock; a redirect is a new URL that passes through all of it again. Environment proxies are ignored. A
URL that cannot be had raises RefusedError with its reason, one that another attempt may bring raises AgainError.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from pydantic import Field

from scgan_data import images
from scgan_data.config import Config
from scgan_data.errors import SourceError, StoppedError
from scgan_data.records import Reason
from scgan_data.web import proxy, robots
from scgan_data.web.address import NoSuchNameError, RefusedError, Target, check, parse, resolve
from scgan_data.web.connection import Connections
from scgan_data.web.deadline import Watch, late
from scgan_data.web.exchange import Exchange
from scgan_data.web.host import Host, Outcome, Pace, back_off_s
from scgan_data.web.request import Access, Addresses, AgainError, Answer, Ask, Partial, Redirect, Wanted
from scgan_data.web.robots_txt import RobotsTxt, too_many_redirects
from scgan_data.web.sending import Sender, hidden, with_query


class FetchConfig(Config):
    """How URLs are fetched."""

    contact: str | None = None
    """E-mail address or page where a site's owner reaches you: part of the User-Agent, required for public sites."""
    threads: int = Field(8, ge=1, le=64)
    """Transfers at a time."""
    connections_per_host: int = Field(4, ge=1, le=16)
    """Transfers at a time from one host at most; it begins with two and adapts to how the host answers."""
    interval_s: float = Field(0.1, ge=0)
    """Least time between two requests to one host; its robots.txt may ask for more (Crawl-delay)."""
    deadline_s: float = Field(60.0, gt=0)
    """Wall clock for one whole transfer."""
    max_bytes: int = Field(images.MAX_BYTES, ge=1)
    """Largest file that is taken."""
    retries: int = Field(3, ge=0, le=10)
    """Further attempts after 429, 5xx or a broken connection."""
    max_wait_s: float = Field(60.0, ge=0)
    """Longest wait granted to a host that asks for one (Retry-After, Crawl-delay); a longer one gives its URLs up."""
    max_redirects: int = Field(5, ge=0)
    """Redirects followed for one URL."""
    failures_before_break: int = Field(10, ge=1)
    """Failures of a host in a row before it is left alone for `break_s`; if it fails again then, it is given up."""
    break_s: float = Field(30.0, ge=0)
    """How long such a host rests."""
    ports: tuple[int, ...] | None = (80, 443, 8080, 8443)
    """Ports that may be connected to; null for any. A source with `allow_private` may use any."""
    proxy: str | None = Field(None, repr=False)
    """`http://[user:password@]host:port` of the proxy for all requests; null for none. It resolves the names itself, so
    addresses are not checked, and rows say `via_proxy`. Proxies that environment variables name are never used."""


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
        self._proxy = None if config.proxy is None else proxy.read(config.proxy)
        self._sender = Sender(self.user_agent, self._access, self._proxy)
        self._pace = Pace(
            config.connections_per_host,
            config.interval_s if self._access.interval_s is None else self._access.interval_s,
            config.max_wait_s,
            config.failures_before_break,
            config.break_s,
        )
        self._hosts: dict[str, Host] = {}
        self._pins: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()
        self._connections = Connections(self._proxy)
        self._robots = RobotsTxt(self._robots_txt, config.retries)
        self._watch = Watch()

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Cut everything under way at once; whoever waits for it gets StoppedError."""
        self._watch.stop()
        self._connections.close()

    def hosts(self) -> list[Host]:
        """The hosts met so far."""
        return list(self._hosts.values())

    def host(self, url: str) -> Host:
        """The origin of a URL, without asking the network anything. Raises RefusedError for a forbidden URL."""
        return self._host(parse(url))

    def _host(self, target: Target) -> Host:
        origin = target.origin
        known = self._hosts.get(origin)
        if known is None:
            if target.host not in self._access.connect_to:
                check(target, allow_private=self._access.allow_private, ports=self._config.ports)
            with self._lock:
                known = self._hosts.setdefault(origin, Host(origin, self._pace))
        return known

    def get(self, ask: Ask | str, *, etag: str | None = None, last_modified: str | None = None) -> Answer:
        """Fetch a URL, waiting for its hosts and trying again as often as the configuration says.

        With the validators of an earlier answer the server may say 304. Raises RefusedError, or StoppedError.
        """
        asked = ask if isinstance(ask, Ask) else None
        url = asked.url if asked is not None else str(ask)
        redirects = tries = 0
        partial = None
        while True:
            try:
                result = self._attempt_in_turn(url, etag, last_modified, partial, asked)
            except AgainError as again:
                tries, partial = tries + 1, again.partial
                if tries > self._config.retries or self.host(url).given_up is not None:
                    raise again.refused from None
                self._sleep(min(back_off_s(tries, again.wait_s), self._config.max_wait_s))
                continue
            if isinstance(result, Answer):
                return result
            url, partial, redirects = result.url, None, redirects + 1
            if redirects > self._config.max_redirects:
                raise too_many_redirects(redirects, self._config.max_redirects)

    def _attempt_in_turn(
        self, url: str, etag: str | None, last_modified: str | None, partial: Partial | None, ask: Ask | None
    ) -> Answer | Redirect:
        host = self.host(url)
        while (wait_s := host.acquire()) > 0:
            if (refused := host.given_up) is not None:
                raise refused
            self._sleep(min(wait_s, 1.0))
        try:
            return self.attempt(url, etag=etag, last_modified=last_modified, partial=partial, ask=ask)
        finally:
            host.release()

    def _sleep(self, seconds: float) -> None:
        if self._watch.stopped.wait(seconds):
            raise StoppedError("stopped")

    def attempt(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        partial: Partial | None = None,
        ask: Ask | None = None,
    ) -> Answer | Redirect:
        """One request to a host whose turn the caller has (`Host.acquire`); the host learns from how it goes.

        The first one to a host asks for its robots.txt before. `ask` says that it is no picture; `url` may be one that
        it was redirected to. A redirect's URL is not checked yet. Raises AgainError, RefusedError, StoppedError.
        """
        secrets = self._sender.secrets(ask)
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        try:
            result = self._attempt(url, {k: v for k, v in conditions.items() if v}, partial, ask)
        except AgainError as again:
            raise AgainError(secrets.hide_in(again.refused), wait_s=again.wait_s, partial=again.partial) from None
        except RefusedError as refused:
            raise secrets.hide_in(refused) from None
        return hidden(result, secrets) if secrets else result

    def _attempt(
        self, url: str, conditions: Mapping[str, str], partial: Partial | None, ask: Ask | None
    ) -> Answer | Redirect:
        target = parse(url)
        if ask is not None and ask.params and url == ask.url:
            target = parse(with_query(target.url, ask.params))
        host = self._host(target)
        if (refused := host.given_up) is not None:
            raise refused
        rules = self._robots.ask(host, target, ask)
        partial = partial if partial is not None and partial.url == target.url else None
        wanted = Wanted(
            target,
            self._sender.head(target, conditions if partial is None else partial.headers, ask=ask),
            self._addresses(host, target),
            self._config.max_bytes,
            self._config.deadline_s,
            partial=partial,
            is_conditional=bool(conditions),
            is_picture=ask is None,
            rules=rules,
        )
        return self._exchange(host, wanted)

    def _exchange(self, host: Host, wanted: Wanted) -> Answer | Redirect:
        failure = None
        with self._watch.ends_after(wanted.deadline_s) as transfer:
            exchange = Exchange(wanted, self._connections, transfer)
            try:
                return exchange.run()
            except (AgainError, RefusedError) as error:
                if self._watch.stopped.is_set():
                    raise StoppedError("stopped") from None
                told = late(error, transfer, wanted.deadline_s) if transfer.cut else error
                failure = (told.refused if isinstance(told, AgainError) else told).reason
                raise told from None
            finally:
                host.note(Outcome(exchange.latency_s, exchange.status, failure, exchange.retry_after_s))

    def _addresses(self, host: Host, target: Target) -> Addresses:
        """Where to connect. Raises AgainError and RefusedError."""
        if (instead := self._access.connect_to.get(target.host)) is not None:
            return (instead,)
        if self._proxy is not None:
            return None
        pins = self._pins.get(target.host)
        if pins is None:
            try:
                pins = resolve(target.host, allow_private=self._access.allow_private)
            except RefusedError as refused:
                host.note(Outcome(failure=refused.reason))
                if isinstance(refused, NoSuchNameError):
                    host.no_such_name()
                if refused.reason == Reason.NAME_NOT_FOUND:
                    raise AgainError(refused, wait_s=0.0) from None
                raise
            pins = self._pins.setdefault(target.host, pins)
        return tuple((address, target.port) for address in pins)

    def _robots_txt(self, url: str) -> Answer | Redirect:
        """One request for a robots.txt, in the turn of the URL that it is asked for."""
        target = parse(url)
        host = self._host(target)
        head, addresses = self._sender.head(target, {}, ask=Ask(url)), self._addresses(host, target)
        wanted = Wanted(target, head, addresses, robots.MAX_BYTES, self._config.deadline_s, is_cut_off=True)
        return self._exchange(host, wanted)
