"""The page on which a person judges: one picture at a time, four keys, on this machine only.

Served by the standard library on 127.0.0.1 under a random token, so that neither other machines nor other pages of the
browser can look or answer. The scores are not shown: they would be believed. Every answer is stored before the next
picture comes; a closed page costs nothing.
"""

from __future__ import annotations

import html
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TYPES = {".png": "image/png", ".jpg": "image/jpeg"}
Record = Callable[[str, bool | None, bool], None]
"""Stores an answer: id, bad, withdrawn."""

PAGE = """<!doctype html><meta charset="utf-8"><title>{question}</title>
<style>
body {{ margin: 0; font: 16px system-ui, sans-serif; background: #fbfaf7; color: #26241f; display: grid;
       grid-template-rows: auto 1fr auto; height: 100vh; text-align: center }}
h1 {{ font-size: 18px; margin: 12px }} main {{ min-height: 0; padding: 0 12px }}
img {{ width: 100%; height: 100%; object-fit: contain; image-rendering: auto }}
footer {{ padding: 12px }} button {{ font: inherit; padding: 8px 18px; margin: 0 4px }}
</style>
<h1>{question}</h1><main><img id="picture" alt=""></main>
<footer><button data-key="y">yes (y)</button><button data-key="n">no (n)</button>
<button data-key="s">cannot tell (s)</button><button data-key="u">back (u)</button> <span id="count"></span></footer>
<script>
const picture = document.getElementById("picture"), count = document.getElementById("count");
let busy = false;
async function step(key) {{
  if (busy) return;
  busy = true;
  const answer = await fetch("step", {{method: "POST", body: JSON.stringify({{key, id: picture.dataset.id || null}})}});
  const next = await answer.json();
  count.textContent = next.done + " of " + next.total;
  if (next.id) {{ picture.src = "picture/" + next.id; picture.dataset.id = next.id; }}
  else {{ document.body.textContent = "Thank you: that is all. The terminal has the result."; }}
  busy = false;
}}
document.addEventListener("keydown", e => {{ if ("ynsu".includes(e.key) && !e.repeat) step(e.key); }});
document.querySelectorAll("button").forEach(b => b.addEventListener("click", () => step(b.dataset.key)));
step(null);
</script>
"""


@dataclass
class Session:
    """Pictures to judge, in order, and where the person is."""

    pictures: dict[str, Path]
    """By id, in the order in which they are shown."""
    question: str
    record: Record
    done: int = 0
    finished: threading.Event = field(default_factory=threading.Event)
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


def ask(session: Session, announce: Callable[[str], None]) -> None:
    """Serve the page until every picture is judged; `announce` gets its URL. Ctrl-C is the caller's to handle."""
    token = secrets.token_urlsafe(16)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(session, f"/{token}/"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        announce(f"http://127.0.0.1:{server.server_port}/{token}/")
        session.finished.wait()
    finally:
        server.shutdown()
        server.server_close()


def _handler(session: Session, root: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix(root) if self.path.startswith(root) else None
            file = session.pictures.get(path.removeprefix("picture/")) if path else None
            if path == "":
                self._send("text/html; charset=utf-8", PAGE.format(question=html.escape(session.question)).encode())
            elif file is not None and file.is_file():
                self._send(TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes())
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.path != f"{root}step" or length > 1000:
                self.send_error(404)
                return
            try:
                said = json.loads(self.rfile.read(length))
                answer = session.step(said["key"], said["id"])
            except (ValueError, KeyError, TypeError):
                self.send_error(400)
                return
            self._send("application/json", json.dumps(answer).encode())
            if answer["id"] is None:  # after the answer: the process may end at once
                session.finished.set()

        def _send(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            for name, value in (
                ("Content-Type", kind),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the terminal is the person's."""

    return Handler
