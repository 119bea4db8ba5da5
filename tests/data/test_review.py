"""The review page's server, driven over HTTP: keys, other sites, stale changes, undo, audits, two servers, kill -9."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

import pytest
import requests
from PIL import Image

from scgan_data import images, manifest
from scgan_data.errors import ScganError
from scgan_data.limits.bounds import least_bad, most_bad
from scgan_data.records import Reason
from scgan_data.review import app, catalog, changes, command
from scgan_data.review.book import Book
from scgan_data.review.guard import Access
from scgan_data.review.serving import serve
from scgan_data.verdicts import read_verdicts


@pytest.fixture
def folder(tmp_path: Path, jpeg: Callable[..., bytes]) -> Path:
    """Eleven crops and a near-duplicate of one; the last in doubt, and its file carries EXIF."""
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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "review" / "verdicts.jsonl"


@pytest.fixture
def anna(folder: Path, file: Path) -> Iterator[Visitor]:
    with served(folder, file) as visitor:
        yield visitor


def lines(file: Path) -> list[dict]:
    return [json.loads(text) for text in file.read_text().splitlines()] if file.is_file() else []


def test_the_address_is_the_key(anna: Visitor) -> None:
    for path in ("/", "/?token=guess", "/api/session", "/thumb/crop00", "/page/main.js"):
        assert requests.get(anna.home + path, timeout=10).status_code == 403
    first = requests.get(anna.key, timeout=10, allow_redirects=False)
    assert first.status_code == 303 and first.headers["location"] == "/"
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    page = anna.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert page.headers["referrer-policy"] == "no-referrer" and page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=|https?://", page.text)
    for name in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        assert anna.get(name).status_code == 200
    assert anna.access.token not in repr(anna.access)


def test_another_site_s_page_changes_nothing(anna: Visitor, file: Path) -> None:
    body = {"verdict": "reject", "seen": anna.seen("crop00")}
    for wrong in (
        {"origin": "http://evil.example"},
        {"origin": None},
        {"origin": "null"},
        {"x-review-token": None},
        {"x-review-token": "guess"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        assert anna.post("/api/verdict", body, **wrong).status_code == 403, wrong
    port = anna.home.rpartition(":")[2]
    for host in (f"evil.example:{port}", "evil.example", "127.0.0.1:1", f"localhost.evil.example:{port}"):
        assert anna.post("/api/verdict", body, host=host, origin=f"http://{host}").status_code == 421
        assert anna.get("/api/session", headers={"host": host}).status_code == 421
    assert anna.get("/api/session", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    other = requests.post(f"{anna.home}/api/verdict", json=body, headers=anna.posting, timeout=10)  # without the cookie
    assert other.status_code == 403
    assert anna.post("/api/verdict", {"verdict": "reject", "note": "x" * 5_000_000, "seen": {}}).status_code == 413
    assert lines(file) == []
    assert anna.post("/api/verdict", body, **{"sec-fetch-site": "same-origin"}).status_code == 200


def test_an_open_address_takes_plain_addresses_but_no_names() -> None:
    access = Access("0.0.0.0", 8000)
    assert all(access.allows_host(f"{name}:8000") for name in ("192.168.1.5", "127.0.0.1", "localhost", "[::1]"))
    assert not any(access.allows_host(name) for name in ("evil.example:8000", "192.168.1.5:80", "192.168.1.5", ""))
    assert not Access("127.0.0.1", 8000).allows_host("192.168.1.5:8000")


def test_pictures_are_served_by_id_and_without_metadata(anna: Visitor, folder: Path) -> None:
    original = Image.open(folder.parent / "pictures" / "3.jpg")
    assert original.getexif()
    original.close()
    for path, most in (("/thumb/crop03", 256), ("/picture/crop03", 1600)):
        answer = anna.get(path)
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
        assert b"camera" not in answer.content and b"Exif" not in answer.content
        assert max(images.decode(answer.content).image.size) <= most
    for path in (
        "/thumb/none",
        "/thumb/..%2Fpictures%2F3.jpg",
        "/picture/%2Fetc%2Fpasswd",
        "/page/app.py",
        "/page/..%2Fapp.py",
    ):
        assert anna.get(path).status_code == 404
    (folder.parent / "pictures" / "4.jpg").write_bytes(b"no picture any more")
    assert anna.get("/thumb/crop04").status_code == 404
    assert "path" not in anna.session["items"][0] and str(folder.parent) not in anna.get("/api/session").text


def test_the_doubtful_come_first_and_what_has_no_picture_not_at_all(anna: Visitor) -> None:
    ids = [item["id"] for item in anna.session["items"]]
    assert ids == ["crop10", *(f"crop{n:02}" for n in range(10)), "copy"]
    copy = anna.session["items"][-1]
    assert (copy["stage"], copy["why"], copy["reason"]) == ("dedup", "near_duplicate", None)
    assert {reason["name"] for reason in anna.session["reasons"]} == set(changes.REASONS)


def test_a_verdict_is_a_whole_line_at_once(anna: Visitor, file: Path) -> None:
    state = anna.judge("reject", "crop05", "copy", reason="blurred", note="soft")["states"]["crop05"]
    assert (state["word"], state["reason"], state["note"], state["reviewer"]) == ("reject", "blurred", "soft", "anna")
    one, two = lines(file)
    at = one.pop("at")
    assert one == {
        "id": "crop05",
        "parent_id": "source05",
        "verdict": "reject",
        "reason": "blurred",
        "note": "soft",
    } | {"reviewer": "anna"}
    assert two["id"] == "copy" and "parent_id" not in two and at.endswith("+00:00")
    for wrong in (
        {"verdict": "maybe", "seen": {"crop05": ""}},
        {"verdict": "reject", "seen": {"none": ""}},
        {"verdict": "reject", "seen": {}},
        {"verdict": "reject", "seen": {"crop01": ""}, "reason": "timed_out"},
        {"verdict": "reject", "seen": {"crop01": ""}, "path": "/etc"},
        {"verdict": "accept", "seen": {"crop01": ""}, "audit": "none"},
    ):
        assert anna.post("/api/verdict", wrong).status_code == 400
    assert len(lines(file)) == 2


def test_a_stale_change_is_refused_with_the_other_s_shown(folder: Path, file: Path) -> None:
    with served(folder, file, "anna") as anna, served(folder, file, "ben") as ben:
        seen = ben.seen("crop01", "crop02")
        anna.judge("reject", "crop02", reason="watermarked")
        late = ben.post("/api/verdict", {"verdict": "accept", "seen": seen})
        assert late.status_code == 409
        assert set(late.json()["states"]) == {"crop02"}
        assert late.json()["states"]["crop02"]["reviewer"] == "anna"
        assert len(lines(file)) == 1, "nothing of the refused change is written"
        box = {"id": "crop02", "version": seen["crop02"], "regions": {"nose": [1, 2, 3, 4]}}
        assert ben.post("/api/boxes", box).status_code == 409
        seen["crop02"] = late.json()["states"]["crop02"]["version"]
        assert ben.post("/api/verdict", {"verdict": "accept", "seen": seen}).status_code == 200
        news = anna.get(f"/api/changes?since={anna.session['generation']}").json()
        assert set(news["states"]) == {"crop01", "crop02"}
        assert news["states"]["crop02"]["words"] == {"anna": "reject", "ben": "accept"}
        assert anna.get(f"/api/changes?since={news['generation']}").json()["states"] == {}
        anna.judge("reject", "crop02")
        assert lines(file)[-1]["settles"] is True and anna.state("crop02")["words"] == {}


def test_an_editor_s_line_is_seen_and_a_bad_one_is_said(anna: Visitor, file: Path) -> None:
    anna.judge("accept", "crop01")
    seen = anna.seen("crop01")
    with file.open("a") as by_hand:
        by_hand.write('{"id": "source01", "verdict": "reject"}\n')
    assert anna.post("/api/verdict", {"verdict": "accept", "seen": seen}).status_code == 409
    assert anna.state("crop01")["word"] == "reject"
    file.write_text('{"id": "crop01", "verdict": "accept"}\n')  # another branch was checked out
    assert anna.state("crop01")["word"] == "accept"
    with file.open("a") as by_hand:
        by_hand.write("<<<<<<< HEAD\n")
    answer = anna.post("/api/verdict", {"verdict": "accept", "seen": {"crop01": ""}})
    assert answer.status_code == 500 and "line 2: not a verdict" in answer.json()["error"]


def test_undo_goes_to_any_depth_and_back_and_deletes_nothing(anna: Visitor, file: Path) -> None:
    def plain(name: str) -> tuple:
        state = anna.state(name)
        return state["word"], state["reason"], state["moved"]

    def undo(at: str, *names: str) -> dict:
        return anna.post("/api/undo", {"at": at, "seen": anna.seen(*names)}).json()

    done = [anna.judge("accept", "crop01", "crop02"), anna.judge("reject", "crop01", reason="blurred")]
    box = {"id": "crop01", "version": anna.seen("crop01")["crop01"], "regions": {"eyes": [1, 2, 30, 40]}}
    done.append(anna.post("/api/boxes", box).json())
    states = [(None, None, {}), ("accept", None, {}), ("reject", "blurred", {})]
    full = plain("crop01")
    before = file.read_bytes()
    undone = []
    for one, state in zip(reversed(done), reversed(states), strict=True):
        undone.append(undo(one["at"], *one["states"]))
        assert plain("crop01") == state
    assert plain("crop02") == (None, None, {})
    assert anna.post("/api/undo", {"at": done[0]["at"], "seen": anna.seen("crop01")}).status_code == 400
    for one in reversed(undone):
        undo(one["at"], *one["states"])
    assert plain("crop01") == full and plain("crop02")[0] == "accept"
    assert file.read_bytes().startswith(before) and len(lines(file)) == 4 + 4 + 4
    part = anna.judge("reject", "crop07", "crop08")
    undo(part["at"], "crop07")
    assert (plain("crop07")[0], plain("crop08")[0]) == (None, "reject")


def test_boxes_are_kept_in_both_pixels(anna: Visitor, file: Path) -> None:
    def place(**regions) -> int:
        version = anna.seen("crop05")["crop05"]
        return anna.post("/api/boxes", {"id": "crop05", "version": version, "regions": regions}).status_code

    assert place(eyes=[10.123, 20, 30, 90], mouth=None) == 200
    (line,) = lines(file)
    assert line["regions"] == {"eyes": [10.12, 20, 30, 64], "mouth": None}, "clipped to the picture"
    assert line["parent_id"] == "source05"
    assert line["parent_regions"] == {"eyes": [15.06, 30, 25, 52], "mouth": None}  # half a parent pixel for each
    assert anna.state("crop05")["moved"] == line["regions"]
    assert [place(ears=None), place(eyes=[1, 2, 3]), place(eyes=[5, 5, 5, 9]), place(eyes=[70, 5, 90, 9]), place()] == [
        400
    ] * 5
    assert len(lines(file)) == 1


def test_another_keeper_is_chosen_by_the_sources_ids(anna: Visitor, file: Path) -> None:
    group = anna.seen("crop00", "copy")
    assert anna.post("/api/keeper", {"id": "copy", "seen": anna.seen("copy")}).status_code == 400
    assert anna.post("/api/keeper", {"id": "copy", "seen": group}).status_code == 200
    said = [(line["id"], line["verdict"], line.get("reason")) for line in lines(file)]
    assert said == [("copy", "accept", None), ("source00", "reject", "near_duplicate")]
    assert (anna.state("copy")["word"], anna.state("crop00")["word"]) == ("accept", "reject")
    assert anna.post("/api/keeper", {"id": "crop00", "seen": anna.seen("crop00", "copy")}).status_code == 200
    assert (anna.state("copy")["word"], anna.state("crop00")["word"]) == ("reject", "accept")


def test_an_audit_draws_blindly_and_states_an_exact_interval(folder: Path, file: Path) -> None:
    with served(folder, file) as anna:
        anna.judge("reject", "crop04")
        drawn = anna.post("/api/audit", {"domain": "selfie", "count": 4}).json()
        assert drawn["of"] == 6 and len(set(drawn["ids"])) == 4 and "crop04" not in drawn["ids"]
        orders = {tuple(anna.post("/api/audit", {"domain": "selfie", "count": 6}).json()["ids"]) for _ in range(4)}
        assert len(orders) > 1, "each audit draws anew"
        for number, name in enumerate(drawn["ids"]):
            anna.judge("reject" if number == 0 else "accept", name, audit=drawn["name"])
        assert anna.post("/api/audit", {"domain": "none"}).status_code == 400
    with served(folder, file, "ben") as ben:
        (found,) = ben.get("/api/audits").json()["audits"]
    assert (found["judged"], found["bad"], found["of"]) == (4, 1, 6)
    assert (found["least"], found["most"]) == (least_bad(6, 4, 1, 0.025), most_bad(6, 4, 1, 0.025)) == (1, 3)
    assert "with the 1 found rejected, 0 to 2 are left" in found["words"]


def start(folder: Path, file: Path) -> tuple[subprocess.Popen, Visitor]:
    options = ["--verdicts", str(file), "--reviewer", "carl", "--no-browser"]
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "scgan_data.cli", "review", str(folder), *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    said = server.stdout.readline()
    return server, Visitor(re.search(r"http://\S+", said)[0])


def test_nothing_is_lost_to_kill_9_and_ctrl_c_ends_with_a_line(folder: Path, file: Path) -> None:
    with ExitStack() as ends:
        server, carl = start(folder, file)
        ends.callback(server.stdout.close)
        carl.judge("reject", "crop01", "crop02")
        undone = carl.judge("accept", "crop03")["at"]
        os.kill(server.pid, signal.SIGKILL)
        assert server.wait(10) == -signal.SIGKILL
        with pytest.raises(requests.ConnectionError):
            carl.get("/api/session")
        carl.web.close()
        server, carl = start(folder, file)
        ends.callback(server.stdout.close)
        assert [carl.state(f"crop0{n}")["word"] for n in (1, 2, 3)] == ["reject", "reject", "accept"]
        assert [action["ids"] for action in carl.session["actions"]] == [["crop01", "crop02"], ["crop03"]]
        assert carl.post("/api/undo", {"at": undone, "seen": carl.seen("crop03")}).status_code == 200
        carl.judge("accept", "crop05")
        carl.web.close()
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0
        assert "review: 1 accepted, 1 undone" in server.stdout.read()
    assert [line["id"] for line in read_verdicts(file)] == ["crop01", "crop02", "crop05"]


def test_errors_are_one_line(folder: Path, file: Path, tmp_path: Path) -> None:
    with pytest.raises(ScganError, match="no manifest"):
        command.review(tmp_path / "none", file, "anna", print)
    manifest.write(tmp_path / "empty", manifest.table([{"id": "a", "domain": "selfie", "status": "kept"}]))
    with pytest.raises(ScganError, match="no picture to review"):
        command.review(tmp_path / "empty", file, "anna", print)
    with served(folder, file) as anna, pytest.raises(ScganError, match=r"cannot listen on .* take another --port"):
        command.review(folder, file, "anna", print, port=anna.access.port)
    assert command.default_reviewer()
    assert Reason.HUMAN_REJECTED in changes.REASONS
