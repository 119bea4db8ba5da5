"""The review page's application: one page, its few files, the pictures, and the changes; `guard` stands before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scgan_data.errors import ScganError
from scgan_data.records import ATTENTIVE, Region
from scgan_data.review import changes
from scgan_data.review.book import StaleError
from scgan_data.review.changes import REASONS, Changes, UnknownError
from scgan_data.review.guard import Access
from scgan_data.review.pictures import LARGE_PX, THUMB_PX, Pictures
from scgan_data.review.static import Endpoint, file_sender, page_routes

M = TypeVar("M", bound=BaseModel)


def application(work: Changes, access: Access, title: str) -> Starlette:
    """The application for one reviewer; `title` names the folder."""
    page = [Route("/", file_sender("index.html")), *page_routes()]
    return Starlette(routes=[*page, *_pictures(work), *_looks(work, access, title), *_changes(work)])


def _pictures(work: Changes) -> list[Route]:
    """The pictures of the catalogue, by id, small and large."""
    pictures = Pictures()

    def picture(longest_px: int) -> Endpoint:
        async def send(request: Request) -> Response:
            card = work.catalog.cards.get(request.path_params["id"])
            data = await pictures.jpeg(card.path, longest_px) if card else None
            if data is None:
                return Response(status_code=404)
            return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

        return send

    return [Route("/thumb/{id}", picture(THUMB_PX)), Route("/picture/{id}", picture(LARGE_PX))]


def _looks(work: Changes, access: Access, title: str) -> list[Route]:
    """What the page asks for and nothing changes."""

    async def session(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(_session, work, access, title))

    async def changed(request: Request) -> Response:
        since = request.query_params.get("since", "")
        return await _answered(lambda: _changed(work, int(since) if since.isdecimal() else 0))

    async def audits(request: Request) -> Response:
        return await _answered(lambda: {"audits": [one.as_json() for one in work.audits()]})

    return [Route("/api/session", session), Route("/api/changes", changed), Route("/api/audits", audits)]


def _changes(work: Changes) -> list[Route]:
    """What the page posts: a model each, and what makes it so."""

    def change(path: str, model: type[M], make: Callable[[M], dict[str, Any]]) -> Route:
        async def answer(request: Request) -> Response:
            try:
                asked = model.model_validate_json(await request.body())
            except ValidationError as error:
                return JSONResponse({"error": f"not understood: {error.errors()[0]['msg']}"}, 400)
            return await _answered(lambda: make(asked))

        return Route(f"/api/{path}", answer, methods=["POST"])

    return [
        change("verdict", changes.Verdict, work.verdict),
        change("boxes", changes.Boxes, work.boxes),
        change("keeper", changes.Keeper, work.keeper),
        change("undo", changes.Undo, work.undo),
        change("audit", changes.Draw, work.draw),
    ]


async def _answered(make: Callable[[], dict[str, Any]]) -> Response:
    """What a change, or a look, gives; its refusals as a status and one line."""
    try:
        return JSONResponse(await run_in_threadpool(make))
    except StaleError as stale:
        return JSONResponse({"error": "somebody changed it meanwhile", "states": stale.states}, 409)
    except UnknownError as unknown:
        return JSONResponse({"error": str(unknown)}, 400)
    except (ScganError, OSError) as error:
        return JSONResponse({"error": " ".join(str(error).split())}, 500)


def _session(work: Changes, access: Access, title: str) -> dict[str, Any]:
    """All that the page needs to begin."""
    work.book.refresh()
    cards = work.catalog.cards.values()
    return {
        "title": title,
        "reviewer": work.reviewer,
        "posting": access.posting,
        "generation": work.book.generation,
        "actions": work.book.actions(work.reviewer),
        "regions": list(ATTENTIVE),
        "allRegions": list(Region),
        "reasons": [{"name": reason, "meaning": words} for reason, words in REASONS.items()],
        "items": [card.as_json() | work.book.state(card.id) for card in cards],
    }


def _changed(work: Changes, since: int) -> dict[str, Any]:
    work.book.refresh()
    return {"generation": work.book.generation, "states": work.book.changed_since(since)}
