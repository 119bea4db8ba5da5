"""The review page's server and who visits it, for the tests: a real one on 127.0.0.1, over HTTP."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import requests
from PIL import Image

from scgan_data import manifest
from scgan_data.review import app, catalog, changes
from scgan_data.review.book import Book
from scgan_data.review.guard import Access
from scgan_data.review.serving import serve


class Visitor:
    """A browser at the page."""

    def __init__(self, url: str, access: Access | None = None) -> None:
        self.access, self.key = access, url
        self.home = url.partition("/?")[0]
        self.web = requests.Session()
        self.web.trust_env = False
        assert self.web.get(url, timeout=10).status_code == 200
        self.session = self.get("/api/session").json()
        self.posting = {"origin": self.home, "x-review-token": self.session["posting"]}

    def get(self, path: str, **options) -> requests.Response:
        return self.web.get(self.home + path, timeout=10, **options)

    def post(self, path: str, body: dict, **headers: str | None) -> requests.Response:
        sent = {name: value for name, value in {**self.posting, **headers}.items() if value is not None}
        return self.web.post(self.home + path, json=body, headers=sent, timeout=10)

    def state(self, name: str) -> dict:
        return next(item for item in self.get("/api/session").json()["items"] if item["id"] == name)

    def seen(self, *names: str) -> dict[str, str]:
        items = {item["id"]: item["version"] for item in self.get("/api/session").json()["items"]}
        return {name: items[name] for name in names}

    def judge(self, verdict: str, *names: str, **more) -> dict:
        done = self.post("/api/verdict", {"verdict": verdict, "seen": self.seen(*names), **more})
        assert done.status_code == 200, done.text
        return done.json()


@contextmanager
def served(folder: Path, file: Path, reviewer: str = "anna") -> Iterator[Visitor]:
    found = catalog.read(folder)
    work = changes.Changes(found, Book(file, found), reviewer)
    told: queue.Queue = queue.Queue()

    def build(access, stop):
        told.put((access, stop))
        return app.application(work, access, "the folder")

    thread = threading.Thread(target=serve, args=(build, told.put), daemon=True)
    thread.start()
    access, stop = told.get(timeout=10)
    url = told.get(timeout=10)
    visitor = Visitor(url, access)
    try:
        yield visitor
    finally:
        visitor.web.close()
        stop()
        thread.join(10)
        assert not thread.is_alive()


def lines(file: Path) -> list[dict]:
    return [json.loads(text) for text in file.read_text().splitlines()] if file.is_file() else []


def annotated(tmp_path: Path, jpeg: Callable[..., bytes]) -> Path:
    """A stage's folder: eleven crops and a near-duplicate of one; the last in doubt, and its file carries EXIF."""
    rows = []
    for number in range(12):
        path = tmp_path / "pictures" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        exif = Image.Exif()
        exif[0x010F] = "a camera's maker"
        with Image.open(BytesIO(jpeg(number, (64, 64)))) as picture:
            picture.save(path, exif=exif)
        crop = {
            "parent_id": f"source{number:02}",
            "crop_quad": [10.0, 20.0, 10.0, 52.0, 42.0, 52.0, 42.0, 20.0],
            "eyes_xyxy": [10.0, 20.0, 50.0, 30.0],
        }
        copy = {"status": "rejected", "rejected_by": "dedup", "reason": "near_duplicate"}
        row = {"id": f"crop{number:02}", "path": str(path), "width": 64, "height": 64, "status": "kept", **crop}
        row |= {"domain": "ink" if number < 4 else "selfie", "regions_score": 0.5 + number / 100}
        row |= {"group_id": "pair" if number in (0, 11) else f"alone{number}"}
        row |= {"id": "copy", "parent_id": None, "crop_quad": None, **copy} if number == 11 else {}
        row |= {"doubt": "watermarked"} if number == 10 else {}
        rows.append(row)
    rows.append(
        {"id": "nothing", "domain": "selfie", "status": "rejected", "rejected_by": "collect", "reason": "timed_out"}
    )
    manifest.write(tmp_path / "05_annotate", manifest.table(rows))
    return tmp_path / "05_annotate"
