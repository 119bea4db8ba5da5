"""A person and an attacker in headless Chromium, for the review page's benchmark: waiting, dragging, trying."""

from __future__ import annotations

import atexit
import json
import re
import signal
import subprocess
import sys
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
from playwright.sync_api import Browser, BrowserContext, Page


class Server:
    """`scgan-data review` as a person starts it."""

    def __init__(self, folder: Path, file: Path, reviewer: str) -> None:
        command = [sys.executable, "-u", "-m", "scgan_data.cli", "review", str(folder), "--no-browser"]
        command += ["--verdicts", str(file), "--reviewer", reviewer]
        started = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)  # of a process that has ended it does nothing
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


def session(page: Page) -> dict[str, Any]:
    """What the server tells the page."""
    told: dict[str, Any] = page.evaluate("() => fetch('/api/session').then(r => r.json())")
    return told


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


def finger(page: Page, x: float, y: float, by: float) -> None:
    """A real touch that moves."""
    touch = page.context.new_cdp_session(page)
    for kind, at in (("touchStart", 0.0), ("touchMove", by / 2), ("touchMove", by)):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x + at, "y": y + at}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


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
