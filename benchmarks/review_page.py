"""The review page in headless Chromium: 2,000 pictures, 20 corrected by hand, a killed server, two browsers, an attack.

    python -m benchmarks.review_page [--pictures 2000] [--data FOLDER] [--chromium /usr/bin/chromium]

The pictures are rendered portraits (`review_page_pictures`); `--data` keeps them for a further run. Playwright drives
Debian's chromium, and is no dependency of the project: install it beside (`pip install playwright`, no browser
download). Times are those of this machine with the driver's own beside them. Every claim is checked against the file
that the server wrote, and a claim that does not hold stops the run.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.results import FOLDER, Figure, write
from benchmarks.review_page_browser import (
    Server,
    attacked,
    counted,
    finger,
    opened,
    reopened,
    say,
    scrolled,
    session,
    shoot,
    shown,
    stored,
    visitor,
    wait,
    whole,
)
from benchmarks.review_page_pictures import made
from scgan_data.review import catalog
from scgan_data.verdicts import read_verdicts

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
FIRST_SCREEN_S = 1.0


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
        page.keyboard.press("b")
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


def counted_in(folder: Path) -> float:
    """Pictures that the stages kept and rejected, as the page has them."""
    return float(len(catalog.read(folder).cards))


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


if __name__ == "__main__":
    main()
