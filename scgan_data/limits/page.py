"""The page on which a person judges for `tune`: one picture at a time, four keys, on this machine only.

Served as the review page is (`review.serving`, `review.guard`): the printed address is the key, no other page of the
browser can look or answer. The scores are not shown: they would be believed. Every answer is stored before the next
picture comes; a closed page costs nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from scgan_data.review.guard import Access
from scgan_data.review.pictures import LARGE_PX, Pictures
from scgan_data.review.serving import Stop, serve
from scgan_data.review.static import file_sender, page_routes

Record = Callable[[str, bool | None, bool], None]
"""Stores an answer: id, bad, withdrawn."""


@dataclass
class Session:
    """Pictures to judge, in order, and where the person is."""

    pictures: dict[str, Path]
    """By id, in the order in which they are shown."""
    question: str
    record: Record
    done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, key: str | None, content_id: str | None) -> dict[str, object]:
        """Take an answer (y, n, s) to the picture shown, or go back (u); returns the picture to show next."""
        with self._lock:
            ids = list(self.pictures)
            if key == "u" and self.done:
                self.done -= 1
                self.record(ids[self.done], None, True)
            elif key in ("y", "n", "s") and self.done < len(ids) and content_id == ids[self.done]:
                self.record(content_id, {"y": True, "n": False, "s": None}[key], False)
                self.done += 1
            return {"id": ids[self.done] if self.done < len(ids) else None, "done": self.done, "total": len(ids)}


class _Step(BaseModel, extra="forbid"):
    key: Literal["y", "n", "s", "u"] | None
    id: str | None


def ask(session: Session, announce: Callable[[str], None]) -> None:
    """Serve the page until every picture is judged; `announce` gets its URL. Ctrl-C is the caller's to handle."""

    def build(access: Access, stop: Stop) -> ASGIApp:
        return _application(session, access, stop)

    serve(build, announce)


def _application(session: Session, access: Access, stop: Stop) -> Starlette:
    pictures = Pictures()

    async def begin(request: Request) -> Response:
        return JSONResponse({"posting": access.posting, "question": session.question})

    async def step(request: Request) -> Response:
        try:
            said = _Step.model_validate_json(await request.body())
        except ValidationError:
            return JSONResponse({"error": "not understood"}, 400)
        answer = session.step(said.key, said.id)
        return JSONResponse(answer, background=BackgroundTask(stop) if answer["id"] is None else None)

    async def picture(request: Request) -> Response:
        path = session.pictures.get(request.path_params["id"])
        data = await pictures.jpeg(path, LARGE_PX) if path else None
        return Response(status_code=404) if data is None else Response(data, media_type="image/jpeg")

    return Starlette(
        routes=[
            Route("/", file_sender("judge.html")),
            *page_routes(),
            Route("/api/session", begin),
            Route("/api/step", step, methods=["POST"]),
            Route("/picture/{id}", picture),
        ]
    )
