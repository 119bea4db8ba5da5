"""What a collection asks for and keeps: budgets, goals, licences, AI marks, retries, a look before."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from scgan_data import collect, manifest, stage, yields
from scgan_data.collect import CollectConfig
from scgan_data.collection.budget import BudgetConfig
from scgan_data.credit.licenses import LicensesConfig
from scgan_data.hashes import DecodeConfig
from scgan_data.records import Reason, Status
from scgan_data.sources.folder import FolderSource
from scgan_data.sources.urls import UrlsSource
from scgan_data.web.fetch import FetchConfig

Jpeg = Callable[..., bytes]
FETCH = FetchConfig(contact="tests@example.org", retries=0, deadline_s=5, interval_s=0)


@pytest.fixture
def listed(tmp_path: Path, web_server: Any, jpeg: Jpeg) -> UrlsSource:
    """Twelve pictures on two hosts, with a licence each."""
    lines = ["url,license"]
    for number in range(12):
        url = web_server.serve(f"/{number}.jpg", jpeg(number))
        host = "127.0.0.1" if number % 2 else "localhost"
        license = ("CC BY 4.0", "CC BY-NC 4.0", "")[number % 3]
        lines.append(f"{url.replace('127.0.0.1', host)},{license}")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    return UrlsSource(path=tmp_path / "list.csv", allow_private=True)


def run(home: Path, *sources: Any, retry: tuple[Reason, ...] = (), **settings: Any) -> pd.DataFrame:
    config = CollectConfig(**({"sources": sources, "fetch": FETCH} | settings))
    with stage.open_stage("collect", home) as folder:
        folder.commit(collect.run(config, folder, workers=1, retry=retry))
    return manifest.read(home)


def reasons(rows: pd.DataFrame) -> dict[str, int]:
    return {str(k): int(n) for k, n in rows.loc[rows["status"] == Status.REJECTED, "reason"].value_counts().items()}


def pictures(server: Any) -> list[str]:
    return [path for path in server.paths() if path.endswith(".jpg")]


def test_a_querys_budget_ends_the_listing(tmp_path: Path, web_server: Any, listed: UrlsSource) -> None:
    rows = run(tmp_path / "out", listed, budget=BudgetConfig(max_per_query=5))
    assert len(rows) == 5 and len(pictures(web_server)) == 5


def test_a_hosts_budget_is_said_of_each_row_and_can_be_raised(
    tmp_path: Path, web_server: Any, listed: UrlsSource
) -> None:
    rows = run(tmp_path / "out", listed, budget=BudgetConfig(max_per_host=4))
    assert reasons(rows) == {Reason.OVER_BUDGET: 4} and len(rows) == 12
    over = rows[rows["reason"] == Reason.OVER_BUDGET]
    assert set(over["limit"]) == {4.0} and sorted(over["value"]) == [5, 5, 6, 6]
    web_server.requests.clear()
    assert reasons(run(tmp_path / "out", listed, budget=BudgetConfig(max_per_host=5))) == {Reason.OVER_BUDGET: 2}


def test_the_whole_budget_ends_every_listing(tmp_path: Path, web_server: Any, listed: UrlsSource) -> None:
    assert len(run(tmp_path / "out", listed, budget=BudgetConfig(max_total=7))) == 7


def test_until_counts_pictures_not_urls_and_goes_on_from_there(
    tmp_path: Path, web_server: Any, listed: UrlsSource
) -> None:
    for number in range(0, 12, 2):
        web_server.serve(f"/{number}.jpg", b"<html>")
    narrow = FETCH.model_copy(update={"threads": 1})
    first = run(tmp_path / "out", listed, fetch=narrow, budget=BudgetConfig(until=3))
    assert 3 <= (first["status"] == Status.KEPT).sum() <= 6 and len(first) == 12
    asked = pictures(web_server)
    everything = run(tmp_path / "out", listed, fetch=narrow, budget=BudgetConfig(until=6))
    assert (everything["status"] == Status.KEPT).sum() == 6
    assert len(pictures(web_server)) == len(set(pictures(web_server))) >= len(asked), "nothing is asked for twice"


def test_until_counts_what_a_later_stage_accepted(tmp_path: Path, web_server: Any, listed: UrlsSource) -> None:
    rows = run(tmp_path / "out", listed, budget=BudgetConfig(max_total=4))
    later = manifest.reject(rows, rows["id"] != rows["id"].iloc[0], Reason.BLURRED, stage="filter")
    (tmp_path / "later").mkdir()
    manifest.write(tmp_path / "later", later)
    budget = BudgetConfig(until=2, judged=tmp_path / "later")  # one of four was accepted: four more give another
    assert (run(tmp_path / "out", listed, budget=budget)["status"] == Status.KEPT).sum() >= 8


def test_licences_that_are_not_allowed_are_not_asked_for(tmp_path: Path, web_server: Any, listed: UrlsSource) -> None:
    rows = run(tmp_path / "out", listed, licenses=LicensesConfig(allow=("CC-BY",)))
    kept = manifest.kept(rows)
    assert set(kept["license"]) == {"CC-BY-4.0"} and len(kept) == 4
    assert reasons(rows) == {Reason.LICENSE_NOT_ALLOWED: 8}
    assert len(pictures(web_server)) == 8, "the four that state none may state one in the file; the NC ones are left"
    again = run(tmp_path / "out", listed, licenses=LicensesConfig(allow=("CC-BY", "CC-BY-NC")))
    assert len(manifest.kept(again)) == 8


def ai_picture() -> bytes:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:d="http://purl.org/dc/elements/1.1/"'
        ' i:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia">'
        "<d:creator><rdf:Seq><rdf:li>Ann</rdf:li></rdf:Seq></d:creator></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    buffer = BytesIO()
    Image.new("RGB", (64, 64), "green").save(buffer, "JPEG", xmp=packet.encode())
    return buffer.getvalue()


@pytest.mark.parametrize("policy", ["reject", "keep"])
def test_generated_pictures(tmp_path: Path, policy: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(ai_picture())
    (row,) = run(tmp_path / "out", FolderSource(path=tmp_path / "in"), ai_generated=policy).to_dict(orient="records")
    assert (row["ai_generated"], row["author"]) == ("iptc:trainedAlgorithmicMedia", "Ann")
    assert row["status"] == (Status.KEPT if policy == "keep" else Status.REJECTED)
    assert policy == "keep" or row["reason"] == Reason.AI_GENERATED


def test_retry_asks_once_more_for_what_ended_so_and_for_nothing_else(
    tmp_path: Path, web_server: Any, listed: UrlsSource, jpeg: Jpeg
) -> None:
    web_server.serve("/3.jpg", status=500)
    web_server.serve("/4.jpg", jpeg(4)[:900])
    assert reasons(run(tmp_path / "out", listed)) == {Reason.HTTP_ERROR: 1, Reason.TRUNCATED: 1}
    web_server.serve("/3.jpg", jpeg(3))
    web_server.serve("/4.jpg", jpeg(4))
    web_server.requests.clear()
    rows = run(tmp_path / "out", listed, retry=(Reason.HTTP_ERROR, Reason.TRUNCATED))
    assert reasons(rows) == {} and len(rows) == 12
    assert sorted(pictures(web_server)) == ["/3.jpg", "/4.jpg"]


def test_a_dry_run_lists_and_asks_for_no_picture(tmp_path: Path, web_server: Any, listed: UrlsSource) -> None:
    with stage.open_stage("collect", tmp_path / "out") as folder:
        rows = collect.dry_run(CollectConfig(sources=(listed,), fetch=FETCH), folder)
    assert len(rows) == 12 and web_server.requests == []
    assert not (tmp_path / "out").exists()


def test_a_dry_run_lists_files_of_this_machine_too(tmp_path: Path, jpeg: Jpeg) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(jpeg(1))
    with stage.open_stage("collect", tmp_path / "out") as folder:
        rows = collect.dry_run(CollectConfig(sources=(FolderSource(path=tmp_path / "in"),)), folder)
    assert [(row.source_url[-5:], row.reason) for row in rows.itertuples()] == [("a.jpg", Reason.OVER_BUDGET)]


def test_a_strict_host_holds_up_no_other(tmp_path: Path, web_server: Any, listed: UrlsSource) -> None:
    def rules(handler: Any) -> None:
        strict = handler.headers["Host"].startswith("localhost")
        web_server.answer(handler, 200, b"User-agent: *\nCrawl-delay: 0.5" if strict else b"")

    web_server.routes["/robots.txt"] = rules
    run(tmp_path / "out", listed)
    times = {host: [t for p, t, h in web_server.requests if p.endswith(".jpg") and h["Host"].startswith(host)]
             for host in ("localhost", "127.0.0.1")}  # fmt: skip
    assert len(times["localhost"]) == len(times["127.0.0.1"]) == 6
    assert max(times["127.0.0.1"]) < sorted(times["localhost"])[-1]
    spacing = [later - earlier for earlier, later in zip(times["localhost"], times["localhost"][1:], strict=False)]
    assert min(spacing) >= 0.45


def test_a_host_that_is_down_is_given_up_and_its_urls_say_so(
    tmp_path: Path, web_server: Any, listed: UrlsSource
) -> None:
    for number in range(0, 12, 2):
        web_server.serve(f"/{number}.jpg", status=500)
    fetch = FETCH.model_copy(update={"failures_before_break": 2, "break_s": 0.2, "threads": 1})
    found = reasons(run(tmp_path / "out", listed, fetch=fetch))
    assert found == {Reason.HTTP_ERROR: 3, Reason.HOST_GIVEN_UP: 3}


def test_new_measurements_need_no_network(
    tmp_path: Path, web_server: Any, listed: UrlsSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run(tmp_path / "out", listed)
    web_server.requests.clear()
    for path in web_server.routes:
        web_server.serve(path, status=404)
    after = run(tmp_path / "out", listed, decode=DecodeConfig(max_pixels=1_000_000))
    pd.testing.assert_frame_equal(before, after)
    assert all("range" not in {name.lower() for name in headers} for _, _, headers in web_server.requests)


def test_the_yield_of_queries_and_hosts(tmp_path: Path, web_server: Any, listed: UrlsSource) -> None:
    web_server.serve("/0.jpg", status=404)
    web_server.serve("/2.jpg", b"<html>")
    rows = run(tmp_path / "out", listed, licenses=LicensesConfig(allow=("CC-BY", "CC-BY-NC")))
    judged = manifest.reject(rows, rows["source_url"].str.endswith("/1.jpg"), Reason.BLURRED, stage="filter")
    by_host = yields.counts(rows, yields.hosts(rows), judged)
    expected = {"found": 6, "fetched": 5, "decoded": 4, "kept": 3, "accepted": 3}
    assert dict(by_host.loc[f"localhost:{web_server.port}"]) == expected
    assert dict(by_host.sum()) == {"found": 12, "fetched": 11, "decoded": 10, "kept": 7, "accepted": 6}
    worst = yields.totals(rows).worst_hosts()
    assert worst is not None and worst.row_count == 1


def test_a_picture_that_is_gone_from_the_folder_is_fetched_again(
    tmp_path: Path, web_server: Any, listed: UrlsSource
) -> None:
    rows = run(tmp_path / "out", listed, budget=BudgetConfig(until=100))  # never reached: the run goes on
    gone = manifest.kept(rows).iloc[0]
    Path(str(gone["path"])).unlink()
    web_server.requests.clear()
    again = run(tmp_path / "out", listed, budget=BudgetConfig(until=100), retry=(Reason.TIMED_OUT,))
    pd.testing.assert_frame_equal(again.drop(columns="retrieved_at"), rows.drop(columns="retrieved_at"))
    assert pictures(web_server) == [str(gone["source_url"])[str(gone["source_url"]).rindex("/") :]]
    assert Path(str(gone["path"])).is_file()
