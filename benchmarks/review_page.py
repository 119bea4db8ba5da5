"""The review page in headless Chromium: 2,000 pictures, 20 corrected by hand, a killed server, two browsers, an attack.

    python -m benchmarks.review_page [--pictures 2000] [--data FOLDER] [--chromium /usr/bin/chromium]

The pictures are rendered portraits (`review_page_pictures`); `--data` keeps them for a further run. Playwright drives
Debian's chromium, and is no dependency of the project: install it beside (`pip install playwright`, no browser
download). Times are those of this machine with the driver's own beside them. Every claim is checked against the file
that the server wrote, and a claim that does not hold stops the run.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.results import FOLDER, Figure, write
from benchmarks.review_page_pictures import made
from scgan_data.verdicts import read_verdicts

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
FIRST_SCREEN_S = 1.0


class Server:
    """`scgan-data review` as a person starts it."""

    def __init__(self, folder: Path, file: Path, reviewer: str) -> None:
        command = [sys.executable, "-u", "-m", "scgan_data.cli", "review", str(folder), "--no-browser"]
        command += ["--verdicts", str(file), "--reviewer", reviewer]
        started = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found, "the server says its address"
        self.url, self.home = found[0], found[0].partition("/?")[0]
        self.seconds = time.monotonic() - started

    def end(self, how: int = signal.SIGINT) -> str:
        """Stop it; what it says at its end."""
        assert self.process.stdout is not None
        self.process.send_signal(how)
        self.process.wait(10)
        with self.process.stdout as out:
            return out.read()


def main() -> None:
    """Drive, check, and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="scgan-bench-review-"))
    try:
        folder = made((asked.data or home / "data").absolute(), asked.pictures)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=asked.chromium, args=["--no-sandbox"])
            write("review_page", figures(browser, folder, home / "review" / "verdicts.jsonl", home))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def figures(browser: Browser, folder: Path, file: Path, shots: Path) -> list[Figure]:
    """The whole of it, step by step."""
    anna = Server(folder, file, "anna")
    with visitor(browser, DESKTOP) as context:
        page, first = opened(context, anna)
        say(f"first screen of {counted(page)} pictures in {first:.2f} s; {shown(page)} whole tiles, none covered")
        again = reopened(page)
        scroll = scrolled(page)
        correct(page, file)
        shoot(page, FOLDER / "review_page.png")
        lost, anna = killed(page, anna, folder, file)
        refused = attacked(page, anna, file)
        together(browser, page, anna, folder, file)
    with visitor(browser, PHONE) as context:
        phone, touch = opened(context, anna)
        touched(phone, file)
        phone.screenshot(path=shots / "phone.png")
    say(anna.end().strip())
    return [
        Figure("rendered pictures in the grid", counted_in(folder), "pictures", 2000),
        Figure("server ready to answer", anna.seconds, "s"),
        Figure("first screen whole, 1280 x 800, nothing cached", first, "s", FIRST_SCREEN_S, at_most=True),
        Figure("first screen whole, page loaded again", again, "s", FIRST_SCREEN_S, at_most=True),
        Figure("a screen on by PageDown, all its thumbnails new", scroll, "s", FIRST_SCREEN_S, at_most=True),
        Figure("first screen whole, phone 390 x 844", touch, "s", FIRST_SCREEN_S, at_most=True),
        Figure("pictures corrected by mouse and keyboard", 20, "pictures", 20),
        Figure("lines lost to kill -9", lost, "lines", 0, at_most=True),
        Figure("attacks of another page refused (posts, reading, framing, a rebound name)", refused, "of 4", 4),
    ]


def say(words: str) -> None:
    """On the terminal."""
    sys.stdout.write(f"{words}\n")


@contextmanager
def visitor(browser: Browser, kind: dict[str, Any]) -> Iterator[BrowserContext]:
    """A browser of its own: no cookie of another; an error on the page stops the run."""
    context = browser.new_context(**kind)
    try:
        yield context
    finally:
        context.close()


def opened(context: BrowserContext, server: Server) -> tuple[Page, float]:
    """A page at the server's address, and the seconds until its first screen is whole."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    started = time.monotonic()
    page.goto(server.url)
    seconds = whole(page, started)
    assert not errors, errors
    assert "token" not in page.url
    return page, seconds


def whole(page: Page, started: float) -> float:
    """Wait until every picture on the screen is there."""
    script = """() => { const tiles = [...document.querySelectorAll('.tile')], main = document.querySelector('main');
        const here = tiles.filter(t => t.getBoundingClientRect().top < main.getBoundingClientRect().bottom - 4);
        const there = i => i && i.complete && i.naturalWidth;
        return here.length > 0 && here.every(t => there(t.querySelector('img'))) }"""
    wait(lambda: page.evaluate(script), "the screen's pictures")
    return time.monotonic() - started


def wait(true: Callable[[], Any], what: str, seconds: float = 20) -> None:
    """Until something is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def counted(page: Page) -> int:
    """Pictures in the view, by the page's own count."""
    found = re.search(r"of ([\d,]+) judged", page.inner_text("#counts"))
    assert found
    return int(found[1].replace(",", ""))


def counted_in(folder: Path) -> float:
    """Pictures that the stages kept and rejected, as the page has them."""
    from scgan_data.review import catalog

    return float(len(catalog.read(folder).cards))


def shown(page: Page) -> int:
    """Tiles that lie wholly between header and footer; none may be covered by anything."""
    script = """() => { const area = document.querySelector('main').getBoundingClientRect();
        const tiles = [...document.querySelectorAll('.tile')].map(t => [t, t.getBoundingClientRect()]);
        const here = tiles.filter(([t, r]) => r.top >= area.top - 1 && r.bottom <= area.bottom + 1);
        const cut = tiles.filter(([t, r]) => r.top < area.bottom - 4 && r.bottom > area.bottom + 1).length;
        const seen = ([t, r]) => [[6, 6], [r.width - 6, r.height - 6], [r.width / 2, r.height / 2]]
            .every(([x, y]) => t.contains(document.elementFromPoint(r.left + x, r.top + y)));
        const out = [...document.querySelectorAll('header *, footer *')].filter(e => e.offsetParent
            && e.getBoundingClientRect().right > innerWidth + 1).length;
        return [here.length, here.every(seen), cut, out] }"""
    tiles, uncovered, cut, outside = page.evaluate(script)
    assert uncovered and not cut and not outside, f"{cut} tiles cut, {outside} controls outside the window"
    return int(tiles)


def reopened(page: Page) -> float:
    """Seconds for the page loaded again."""
    started = time.monotonic()
    page.reload()
    return whole(page, started)


def scrolled(page: Page) -> float:
    """The median time of five screens on; and back to the top."""
    times = []
    for _ in range(5):
        started = time.monotonic()
        page.keyboard.press("PageDown")
        times.append(whole(page, started))
    page.keyboard.press("Home")
    whole(page, time.monotonic())
    return sorted(times)[2]


def shoot(page: Page, file: Path) -> None:
    """A screenshot in 256 colours: small, and faces drawn flat lose nothing."""
    page.mouse.move(640, 400)
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


def stored(file: Path, count: int) -> list[dict[str, Any]]:
    """The lines of the file once there are so many."""
    wait(lambda: file.is_file() and len(file.read_bytes().splitlines()) >= count, f"{count} lines")
    return [json.loads(line) for line in file.read_text().splitlines()]


def correct(page: Page, file: Path) -> None:
    """Twenty pictures: eight by keys in the grid, a range of four, a reason, six boxes by mouse, one by keys."""
    started = time.monotonic()
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("x")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("a")
        page.keyboard.press("ArrowRight")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("r")
    page.fill("#note", "a hat over the eyes")
    page.click("#reason-list li:nth-child(3) button")
    assert len(stored(file, 13)) == 13
    page.keyboard.press("ArrowRight")
    page.keyboard.press("e")
    for number in range(6):
        drag(page, number)
        stored(file, 14 + number)
        page.keyboard.press("n")
    page.keyboard.press("3")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    lines = stored(file, 20)
    assert len({line["id"] for line in lines}) == 20, "twenty pictures"
    boxes = [line for line in lines if "regions" in line]
    assert len(boxes) == 7 and all("parent_regions" in line for line in boxes)
    say(f"20 pictures corrected in {time.monotonic() - started:.1f} s: 9 rejected, 4 accepted, 7 with boxes moved")


def drag(page: Page, number: int) -> None:
    """Move a box, or pull its corner, by 20 screen pixels."""
    region = ("eyes", "nose", "mouth")[number % 3]
    box = page.locator(f".frame .box[data-region={region}]")
    box.wait_for()
    page.keyboard.press(str(number % 3 + 1))
    target = box.locator(".handle[data-edge=se]") if number % 2 else box
    area = target.bounding_box()
    assert area
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] * (0.5 if number % 2 else 0.75)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10, y + 10)
    page.mouse.move(x + 20, y + 12)
    page.mouse.up()


def killed(page: Page, server: Server, folder: Path, file: Path) -> tuple[int, Server]:
    """kill -9 while somebody works; what they see then; the same file under a new server."""
    before = stored(file, 20)
    server.end(signal.SIGKILL)
    page.keyboard.press("x")
    page.wait_for_selector("#toast.bad")
    assert "does not answer" in page.inner_text("#toast")
    new = Server(folder, file, "anna")
    page.goto(new.url)
    whole(page, time.monotonic())
    after = stored(file, 20)
    states = {one["id"]: one for one in session(page)["items"]}
    for line in read_verdicts(file):
        state = states[line["id"]]
        assert state["word"] == line.get("verdict") or state["moved"] == line.get("regions")
    say(f"kill -9: {len(after)} of {len(before)} lines there, the page said so, a new server took them up")
    page.keyboard.press("u")
    wait(lambda: len(stored(file, 21)) == 21, "the undo")
    assert stored(file, 21)[-1]["undoes"] == before[-1]["at"], "undo goes on over the restart"
    return len(before) - len(after), new


def session(page: Page) -> dict[str, Any]:
    """What the server tells the page."""
    told: dict[str, Any] = page.evaluate("() => fetch('/api/session').then(r => r.json())")
    return told


ATTACK = b"""<h1>win a prize</h1><script>
const home = location.hash.slice(1), body = JSON.stringify({verdict: "reject", seen: {ID: ""}});
const sent = {method: "POST", credentials: "include", body};
fetch(home + "/api/verdict", {...sent, mode: "no-cors", headers: {"content-type": "text/plain"}}).catch(() => 0);
fetch(home + "/api/verdict", {...sent, headers: {"content-type": "application/json"}}).catch(() => 0);
fetch(home + "/api/session", {credentials: "include"}).then(() => document.title = "READ", () => document.title = "no");
document.body.append(Object.assign(document.createElement("iframe"), {src: home + "/", name: "frame"}));
const form = document.createElement("form");
Object.assign(form, {method: "POST", action: home + "/api/verdict", target: "frame"});
document.body.append(form); setTimeout(() => form.submit(), 300);
</script>"""


class Attacker(BaseHTTPRequestHandler):
    """A page on another port of the same machine: the same site for cookies, which is the hardest case."""

    def do_GET(self) -> None:
        """The page."""
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(ATTACK)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def attacked(page: Page, server: Server, file: Path) -> int:
    """Another page of the same browser posts, reads and frames; a rebound name asks. How many of the four fail."""
    before = len(file.read_bytes())
    answers: list[str] = []

    def note(answer: Any) -> None:
        if answer.url.startswith(server.home) and evil_url in answer.request.headers.get("origin", evil_url):
            answers.append(f"{answer.request.method} {answer.url.removeprefix(server.home)} {answer.status}")

    with ThreadingHTTPServer(("127.0.0.1", 0), Attacker) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        evil_url = f"http://127.0.0.1:{other.server_port}"
        evil = page.context.new_page()
        evil.on("response", note)
        evil.goto(f"{evil_url}/#{server.home}")
        evil.wait_for_timeout(1200)
        framed = [frame.name for frame in evil.frames if frame.url.startswith(server.home)]
        read = evil.title()
        evil.close()
        other.shutdown()
    cookies = {str(one["name"]): str(one["value"]) for one in page.context.cookies()}
    rebound = {"host": f"evil.test:{server.home.rpartition(':')[2]}"}
    asked = requests.get(f"{server.home}/api/session", headers=rebound, cookies=cookies, timeout=10).status_code
    assert len(file.read_bytes()) == before, "nothing was written"
    posts = [answer for answer in answers if answer.startswith("POST")]
    say(f"another page: {', '.join(answers)}; reading: {read}; framed: {framed or 'nothing'}; a rebound name: {asked}")
    assert posts, "the attack reached the server"
    return sum([all(post.endswith("403") for post in posts), read == "no", not framed, asked == 421])


def together(browser: Browser, page: Page, server: Server, folder: Path, file: Path) -> None:
    """Two people, two servers, one file: each sees the other's word; who comes too late is told."""
    before = len(file.read_bytes().splitlines())
    ben = Server(folder, file, "ben")
    with visitor(browser, DESKTOP) as context:
        other, _ = opened(context, ben)
        for one in (page, other):
            one.keyboard.press("Home")
            for _ in range(30):
                one.keyboard.press("ArrowRight")
        started = time.monotonic()
        page.keyboard.press("x")
        stored(file, before + 1)
        other.keyboard.press("a")  # before it has heard of the other's word
        other.wait_for_selector("#toast.bad")
        assert "anna: reject" in other.inner_text("#toast")
        assert len(stored(file, before + 1)) == before + 1, "the stale word was not stored"
        other.keyboard.press("a")
        wait(lambda: page.locator(".tile.focus .tag.warn", has_text="disputed").count() == 1, "the dispute at anna's")
        seconds = time.monotonic() - started
        say(f"two browsers: the stale word refused, anna's shown, said again, seen by anna {seconds:.1f} s after hers")
    ben.end()


def touched(phone: Page, file: Path) -> None:
    """A tap rejects, another takes it back; a box is dragged by a finger."""
    before = len(stored(file, 20))
    tile = phone.locator(".tile").nth(22)
    tile.tap()
    assert stored(file, before + 1)[-1]["verdict"] == "reject"
    wait(lambda: "reject" in (tile.get_attribute("class") or ""), "the rejected tile")
    tile.tap()
    assert "undoes" in stored(file, before + 2)[-1]
    phone.tap("[data-do=open]")
    box = phone.locator(".frame .box[data-region=mouth]")
    box.wait_for()
    area = box.bounding_box()
    assert area
    finger(phone, area["x"] + area["width"] / 2, area["y"] + area["height"] / 2, 15)
    assert "mouth" in stored(file, before + 3)[-1]["regions"]
    phone.tap("[data-edit=close]")
    say("phone: a tap rejected, a tap took it back, a finger moved a box")


def finger(page: Page, x: float, y: float, by: float) -> None:
    """A real touch that moves."""
    touch = page.context.new_cdp_session(page)
    for kind, at in (("touchStart", 0.0), ("touchMove", by / 2), ("touchMove", by)):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x + at, "y": y + at}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


if __name__ == "__main__":
    main()
