"""Serving a local page until Ctrl-C, or until the page is done: a socket, a token, uvicorn, a browser.

One process, so that one lock orders all changes of its visitors; other processes wait at the file's.
"""

from __future__ import annotations

import os
import socket
import sys
import webbrowser
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from scgan_data.errors import ScganError
from scgan_data.review.guard import LOOPBACK, Access, Guard

Stop = Callable[[], None]
Build = Callable[[Access, Stop], ASGIApp]
"""Makes the application, given what its visitors must know and what ends the serving."""


def serve(build: Build, announce: Callable[[str], None], *, host: str = "127.0.0.1", port: int = 0) -> None:
    """Serve until stopped; `announce` gets the address once it answers. Raises ScganError, KeyboardInterrupt."""
    with _listening(host, port) as listener:
        access = Access(host, int(listener.getsockname()[1]))

        def stop() -> None:
            server.should_exit = True

        server = uvicorn.Server(
            uvicorn.Config(
                Guard(build(access, stop), access),
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        announce(access.url(_reachable(host)))
        server.run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise ScganError(f"cannot listen on {host} port {port}: {error}; take another --port or --host") from None


def _reachable(host: str) -> str:
    """The address of this machine that others see, where it listens on all."""
    if host not in ("0.0.0.0", "::"):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of a datagram socket: nothing is sent
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def is_open(host: str) -> bool:
    """Whether other machines can reach it."""
    return host not in LOOPBACK


def browse(url: str) -> None:
    """Show an address in the person's browser, where there is a screen."""
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)
