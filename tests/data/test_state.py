"""The state of a collection: runs, versions, what stays in hand, what is asked for again."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from scgan_data.collection.outcome import Outcome, Picture
from scgan_data.collection.settle import refusal, settle, try_again
from scgan_data.collection.state import State
from scgan_data.errors import one_line
from scgan_data.records import Reason
from scgan_data.sources import Local, Offer
from scgan_data.web.address import RefusedError
from scgan_data.web.request import Visited

A = Offer("http://a.test/1.jpg", "selfie", "list")
B = Offer("http://b.test/2.jpg", "selfie", "list")
PICTURE = Picture("c1", ".jpg", {"width": 3})


def opened(folder: Path, key: str = "k", **options: object) -> State:
    return State(folder, key, **({"listing": "l", "decode_key": "d"} | options))  # type: ignore[arg-type]


def offered(state: State, *offers: Offer) -> list[int]:
    return state.offer(0, "0 list", "", [(offer, "/".join(offer.url.split("/")[:3])) for offer in offers])


def content_of(state: State, url: str) -> tuple[str | None, str | None]:
    return tuple(state.one("SELECT content_id, reason FROM urls WHERE url = ?", (url,)))  # type: ignore[return-value]


def test_urls_wait_by_host_until_they_are_settled(tmp_path: Path) -> None:
    state = opened(tmp_path)
    first, second = offered(state, A, B)
    assert state.hosts_waiting((-1, ""), 9) == [(0, "http://a.test"), (0, "http://b.test")]
    assert [job.url_id for job in state.waiting(0, "http://b.test", 0, 9)] == [second]
    settle(state, [Outcome(first, "c1", etag='"e"', status=200)], [PICTURE])
    assert state.hosts_waiting((-1, ""), 9) == [(0, "http://b.test")]
    assert state.collected() == [("selfie", "c1")]
    assert state.count_waiting() == 1


def test_a_killed_run_goes_on_and_a_finished_one_asks_again_conditionally(tmp_path: Path) -> None:
    state = opened(tmp_path)
    url_ids = offered(state, A, B)
    settle(state, [Outcome(url_ids[0], "c1", etag='"e"')], [PICTURE])
    state.close()

    state = opened(tmp_path)
    offered(state, A, B)
    assert state.run == 1 and state.count_waiting() == 1
    settle(state, [Outcome(url_ids[1], "c1")])
    state.finish()
    state.close()

    state = opened(tmp_path)
    offered(state, A)
    (job,) = state.waiting(0, "http://a.test", 0, 9)
    assert state.run == 2 and (job.etag, job.content_id) == ('"e"', "c1")
    state.finish()
    assert state.all("SELECT url FROM urls") == [(A.url,)], "what no source names any more is forgotten"


def test_other_sources_or_code_begin_another_run(tmp_path: Path) -> None:
    state = opened(tmp_path)
    settle(state, [Outcome(offered(state, A)[0], "c1")], [PICTURE])
    state.listed("list", "")
    state.close()
    state = opened(tmp_path, listing="other budget")
    assert state.run == 1 and not state.is_listed("list", ""), "listed anew, and nothing asked for again"
    assert state.count_waiting() == 0
    state.close()
    assert opened(tmp_path, "other key").run == 2


@pytest.mark.parametrize(
    ("reason", "stays"),
    [
        (Reason.HTTP_ERROR, True),
        (Reason.TIMED_OUT, True),
        (Reason.RATE_LIMITED, True),
        (Reason.NOAI, False),
        (Reason.ROBOTS_DISALLOWED, False),
    ],
)
def test_a_picture_stays_unless_its_owner_forbids_it(tmp_path: Path, reason: Reason, stays: bool) -> None:
    state = opened(tmp_path)
    (url_id,) = offered(state, A)
    settle(state, [Outcome(url_id, "c0")], [Picture("c0", ".jpg", {})])
    settle(state, [Outcome(url_id, "c1", rules="robots.txt: allowed")], [PICTURE])
    assert state.all("SELECT content_id FROM versions") == [("c0",)], "the older version stays"
    settle(state, [refusal(url_id, RefusedError(reason, "no"))])
    assert content_of(state, A.url) == ("c1" if stays else None, reason)
    assert len(state.all("SELECT * FROM versions")) == (1 if stays else 0)


def test_the_first_time_of_an_unchanged_content_stays(tmp_path: Path) -> None:
    state = opened(tmp_path)
    (url_id,) = offered(state, A)
    settle(state, [Outcome(url_id, "c1")], [PICTURE])
    with state.transaction() as db:
        db.execute("UPDATE urls SET retrieved_at = '2020'")
    settle(state, [Outcome(url_id, "c1")])
    assert state.one("SELECT retrieved_at FROM urls") == ("2020",)
    settle(state, [Outcome(url_id, "c2")])
    assert state.one("SELECT retrieved_at FROM urls") != ("2020",)
    assert state.all("SELECT content_id, retrieved_at FROM versions") == [("c1", "2020")]


def test_reasons_are_tried_again(tmp_path: Path) -> None:
    state = opened(tmp_path)
    ids = offered(state, A, B, Offer("http://a.test/3.jpg", "selfie", "list"))
    settle(state, [refusal(ids[0], RefusedError(Reason.TIMED_OUT, ""))])
    settle(state, [refusal(ids[1], RefusedError(Reason.NOAI, ""))])
    settle(state, [Outcome(ids[2], "c9", etag="e")], [Picture("c9", None, {"reason": "truncated"})])
    state.finish()
    state.close()
    state = opened(tmp_path, reopen=True)
    assert try_again(state, [Reason.TIMED_OUT]) == 1
    assert try_again(state, [Reason.TRUNCATED]) == 1
    jobs = state.waiting(0, "http://a.test", 0, 9)
    assert [(job.url_id, job.etag) for job in jobs] == [(ids[0], None), (ids[2], None)]


def test_the_first_offer_of_a_url_counts_and_one_that_is_allowed_before_one_that_is_not(tmp_path: Path) -> None:
    state = opened(tmp_path)
    refused = RefusedError(Reason.OVER_BUDGET, "no")
    offered(state, Offer(A.url, "selfie", "one", refused=refused))
    assert state.count_waiting() == 0
    offered(state, Offer(A.url, "selfie", "two", author="Ann"), Offer(A.url, "selfie", "three"))
    assert state.count_waiting() == 1
    assert state.all("SELECT source, author, reason FROM offers") == [("two", "Ann", None)]
    offered(state, Offer(A.url, "anime", "four"))
    assert len(state.all("SELECT * FROM offers")) == 2 and state.count_waiting() == 1


def test_bytes_of_this_machine_never_wait(tmp_path: Path) -> None:
    state = opened(tmp_path)
    local = Local("1-2", lambda: b"x")
    state.offer(0, "0 list", "", [(Offer("in/a.jpg", "selfie", "folder", local=local), "")])
    assert state.count_waiting() == 0


def test_pages_of_this_run_are_remembered(tmp_path: Path) -> None:
    state = opened(tmp_path)
    page = Visited("http://a.test/x", b"<p>", frozenset({"noai", "nofollow"}))
    state.keep_page("http://a.test/", page)
    assert state.page("http://a.test/") == page and state.page("http://a.test/y") is None
    state.finish()
    assert state.page("http://a.test/") is None


def test_what_is_put_off_waits_for_the_next_start(tmp_path: Path) -> None:
    state = opened(tmp_path)
    offered(state, A, B, Offer(B.url, "anime", "list"))
    state.put_off(["selfie"])
    assert [host for _, host in state.hosts_waiting((-1, ""), 9)] == ["http://b.test"]
    state.take_up()
    assert state.count_waiting() == 2


def test_facts_of_another_decoding_are_stale(tmp_path: Path) -> None:
    state = opened(tmp_path)
    (url_id,) = offered(state, A)
    settle(state, [Outcome(url_id, "c1", etag="e")], [PICTURE])
    assert state.stale() == [] and state.suffix_of("c1") == (True, ".jpg")
    state.close()
    state = opened(tmp_path, decode_key="other")
    assert [row[0] for row in state.stale()] == ["c1"] and state.suffix_of("c1") == (False, None)
    state.forget_contents(["c1"])
    assert [(job.etag, job.content_id) for job in state.waiting(0, "http://a.test", 0, 9)] == [(None, None)]


def test_a_full_disk_is_said_as_such_and_undoes_the_transaction(tmp_path: Path) -> None:
    state = opened(tmp_path)
    offered(state, A)
    (pages,) = state.one("PRAGMA page_count")
    state.one(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OSError, match="the disk is full") as caught:
        offered(state, *(Offer(f"http://b.test/{number}.jpg", "selfie", "list") for number in range(1000)))
    assert caught.value.errno == errno.ENOSPC and one_line(caught.value)
    assert state.count_waiting() == 1
