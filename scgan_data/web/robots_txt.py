"""When robots.txt is asked for: once a host, before the first other request, again while it may only be late.

A 4xx and a 5xx are answers (`robots.missing`), the second after as many attempts as any URL gets. No answer at all is
none: the next URL's attempt asks again, and the host's breaker ends it.
"""

from __future__ import annotations

from collections.abc import Callable

from scgan_data.records import Reason
from scgan_data.web import robots
from scgan_data.web.address import RefusedError, Target
from scgan_data.web.host import Host
from scgan_data.web.request import AgainError, Answer, Ask, Redirect

_ANSWERS = (Reason.HTTP_ERROR, Reason.RATE_LIMITED)


class RobotsTxt:
    """The robots.txt files of a gateway's hosts; threads share it."""

    def __init__(self, fetch: Callable[[str], Answer | Redirect], retries: int) -> None:
        """`fetch` makes one request, cut off at `robots.MAX_BYTES`, and raises as `Web.attempt` does."""
        self._fetch, self._retries = fetch, retries

    def ask(self, host: Host, target: Target, ask: Ask | None) -> str:
        """What it says, for the row. Raises RefusedError where it disallows the URL or cannot be had, AgainError."""
        if ask is not None and ask.is_api:
            host.open()
            return robots.NOT_ASKED
        if host.rules is None:
            with host.rules_lock:
                if host.rules is None:
                    self._learn(host, target)
        rules = host.rules
        if isinstance(rules, robots.Rules) and rules.allows(target.url):
            return rules.said
        host.spare()
        if isinstance(rules, RefusedError):
            raise RefusedError(rules.reason, rules.detail, value=rules.value, limit=rules.limit)
        raise RefusedError(Reason.ROBOTS_DISALLOWED, f"{target.origin}/robots.txt")

    def _learn(self, host: Host, target: Target) -> None:
        host.rules_tries += 1
        rules: robots.Rules | RefusedError
        try:
            rules = robots.read(self._get(f"{target.origin}/robots.txt"))
        except AgainError as again:
            rules = robots.missing(again.refused)
            is_final = again.refused.reason in _ANSWERS and host.rules_tries > self._retries
            if isinstance(rules, RefusedError) and not is_final:
                raise AgainError(rules, wait_s=again.wait_s) from None
        except RefusedError as refused:
            rules = robots.missing(refused)
        host.rules = rules
        host.open(rules.interval_s if isinstance(rules, robots.Rules) else 0.0)

    def _get(self, url: str) -> bytes:
        """Redirects are followed at once, to other hosts too (RFC 9309, section 2.3.1.2)."""
        for _ in range(robots.MAX_REDIRECTS + 1):
            result = self._fetch(url)
            if isinstance(result, Answer):
                return result.body
            url = result.url
        raise too_many_redirects(robots.MAX_REDIRECTS + 1, robots.MAX_REDIRECTS)


def too_many_redirects(count: int, limit: int) -> RefusedError:
    """The refusal of a URL that leads on and on."""
    return RefusedError(Reason.TOO_MANY_REDIRECTS, "too many redirects", value=float(count), limit=float(limit))
