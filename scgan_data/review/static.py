"""The pages' own files, shipped with the package: hand-written HTML, CSS and JavaScript modules, no build step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
PAGE = files("scgan_data.review") / "page"
Endpoint = Callable[[Request], Awaitable[Response]]


def page_routes() -> list[Route]:
    """Style sheets and modules, each by its name, and no icon."""
    names = sorted(file.name for file in PAGE.iterdir() if file.name.endswith((".css", ".js")))
    return [Route("/favicon.ico", _no_icon), *(Route(f"/page/{name}", file_sender(name)) for name in names)]


def file_sender(name: str) -> Endpoint:
    """Answers with one of the files."""
    data = (PAGE / name).read_bytes()
    kind = TYPES[name[name.rindex(".") :]]

    async def send(request: Request) -> Response:
        return Response(data, headers={"content-type": f"{kind}; charset=utf-8"})

    return send


async def _no_icon(request: Request) -> Response:
    return Response(status_code=204)
