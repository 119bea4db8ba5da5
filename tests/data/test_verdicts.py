"""Verdicts: which line stands whatever the order, undo, torn lines, writers at once, agreement, boxes that move."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scgan_data import dataset, manifest, verdicts, verdicts_file
from scgan_data.errors import ScganError
from scgan_data.records import Reason, Region
from scgan_data.review import agreement

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(minute: int) -> str:
    return (START + timedelta(minutes=minute)).isoformat()


def line(minute: int, name: str = "a", who: str = "anna", **said) -> dict:
    kind = {} if {"verdict", "regions", "undoes"} & said.keys() else {"verdict": "accept"}
    return {"id": name, "reviewer": who, "at": at(minute), **kind, **said}


def standing(lines: list[dict]) -> verdicts.Standing:
    return verdicts.fold(verdicts.without_undone(verdicts.in_order(lines)))


NAMES, PEOPLE = st.sampled_from("abc"), st.sampled_from(["anna", "ben", "carl"])
SAID = st.one_of(
    st.sampled_from(["accept", "reject"]).map(lambda word: {"verdict": word}),
    st.tuples(st.sampled_from(list(Region)), st.none() | st.just([1.0, 2.0, 3.0, 4.0])).map(
        lambda placed: {"regions": {placed[0].value: placed[1]}}
    ),
    st.integers(0, 30).map(lambda minute: {"undoes": at(minute)}),
)
LINES = st.lists(st.builds(lambda m, n, w, s: line(m, n, w, **s), st.integers(0, 30), NAMES, PEOPLE, SAID), max_size=25)


@settings(max_examples=200, deadline=None)
@given(LINES, st.randoms())
def test_dated_lines_say_the_same_in_any_order(lines: list[dict], random) -> None:
    shuffled = random.sample(lines, len(lines))
    for name in "abc":
        one, two = (standing([said for said in some if said["id"] == name]) for some in (lines, shuffled))
        assert one == two
    assert verdicts.words(verdicts.in_order(lines)) == verdicts.words(verdicts.in_order(shuffled))


@settings(max_examples=200, deadline=None)
@given(LINES, SAID, PEOPLE)
def test_an_undo_restores_the_former_state_and_its_undo_the_later(lines: list[dict], said: dict, who: str) -> None:
    said = {"verdict": "reject"} if "undoes" in said else said
    of_one = [{**old, "id": "a"} for old in lines]
    done = [*of_one, line(40, "a", who, **said)]
    undone = [*done, line(41, "a", who, undoes=at(40))]
    again = [*undone, line(42, "a", who, undoes=at(41))]
    assert standing(undone) == standing(of_one)
    assert standing(again) == standing(done)


def test_only_one_s_own_word_is_undone() -> None:
    said = [line(1, verdict="reject"), line(2, who="ben", undoes=at(1))]
    assert standing(said).word == "reject"


def test_the_later_line_stands_and_a_difference_is_a_dispute_until_it_is_settled() -> None:
    said = [line(1, verdict="accept"), line(2, who="ben", verdict="reject")]
    assert (standing(said).word, standing(said).disputed) == ("reject", True)
    assert standing([*said, line(3, verdict="reject")]).disputed is False
    settled = standing([*said, line(3, verdict="accept", settles=True)])
    assert (settled.word, settled.disputed) == ("accept", False)
    boxes = [line(1, regions={"eyes": [1, 1, 2, 2], "nose": None}), line(2, who="ben", regions={"eyes": [3, 3, 4, 4]})]
    found = standing(boxes).boxes
    assert found[Region.EYES][0] == [3, 3, 4, 4] and found[Region.NOSE] == (None, boxes[0])


def test_a_line_written_by_hand_is_as_late_as_the_lines_above_it() -> None:
    by_hand = {"id": "a", "verdict": "reject"}
    assert standing([line(5), by_hand]).word == "reject"
    assert standing([by_hand, line(5)]).word == "accept"
    assert standing([line(5), by_hand, line(4)]).word == "reject"
    assert standing([line(5), by_hand, line(6)]).word == "accept"
    zulu = {"id": "a", "verdict": "reject", "at": "2026-01-01T00:05:00.5Z"}  # another way to write a time
    assert standing([zulu, line(5)]).word == "reject"


@pytest.mark.parametrize("torn", [b'{"id": "b", "verd', b"\0\0\0\0", '{"id": "ü'.encode()[:-1], b"{"])
def test_a_torn_last_line_costs_nothing(tmp_path: Path, torn: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "verdicts.jsonl"
    verdicts_file.append(file, [line(1)])
    whole = file.read_bytes()
    file.write_bytes(whole + torn)
    assert verdicts.read_verdicts(file) == [line(1)]
    assert "line 2: torn" in capsys.readouterr().err.replace("\n", "")
    verdicts_file.append(file, [line(2)])
    assert verdicts.read_verdicts(file) == [line(1), line(2)]
    assert file.read_bytes().startswith(whole) and torn not in file.read_bytes().splitlines()
    assert (tmp_path / "verdicts.jsonl.torn").read_bytes() == torn + b"\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<<<<<<< HEAD\n", "a conflict of git's: keep the lines of both sides"),
        ("id: a\n", "each line is one JSON object"),
        ('{"id": "a", "verdict": "Reject"}\n', "`verdict` is accept or reject"),
        ('{"id": "a", "regions": {"ear": null}}', "null for each of eyes, nose"),  # whole, though without its end
    ],
)
def test_a_line_that_is_no_verdict_says_how_to_mend_it(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "verdicts.jsonl"
    file.write_text(json.dumps(line(1)) + "\n" + text)
    with pytest.raises(ScganError, match=f"line 2: not a verdict; .*{words}"):
        verdicts.read_verdicts(file)


def test_a_whole_line_without_its_end_counts_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "verdicts.jsonl"
    file.write_text(json.dumps(line(1)))
    assert verdicts.read_verdicts(file) == [line(1)]
    verdicts_file.append(file, [line(2, note="one\u2028two\u0085three")])
    assert verdicts.read_verdicts(file) == [line(1), line(2, note="one\u2028two\u0085three")]
    assert not (tmp_path / "verdicts.jsonl.torn").exists()


def test_a_whole_last_line_that_is_no_verdict_stays_and_is_named(tmp_path: Path) -> None:
    file = tmp_path / "verdicts.jsonl"
    file.write_text('{"id": "a", "verdict": "Reject"}')
    verdicts_file.append(file, [line(2)])
    assert not (tmp_path / "verdicts.jsonl.torn").exists()
    with pytest.raises(ScganError, match="line 1: not a verdict"):
        verdicts.read_verdicts(file)


@pytest.mark.parametrize(
    "said",
    [
        {"verdict": None},
        {"note": "no word"},
        {"verdict": "accept", "at": "yesterday"},
        {"verdict": "accept", "at": 5},
        {"verdict": "accept", "reviewer": 5},
        {"regions": {"eyes": [1, 2, 3]}},
        {"regions": {"eyes": [3, 2, 1, 4]}},
        {"regions": {"eyes": [1, 2, float("inf"), 4]}},
        {"regions": {"eyes": [True, 2, 3, 4]}},
        {"regions": {"eyes": [1, 2, 10**400, 4]}},
        {"undoes": 3},
    ],
)
def test_what_is_no_verdict_is_named(tmp_path: Path, said: dict) -> None:
    file = tmp_path / "verdicts.jsonl"
    verdicts_file.append(file, [line(1), {"id": "a", **said}, line(2)])
    with pytest.raises(ScganError, match="line 2: not a verdict"):
        verdicts.read_verdicts(file)


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "review" / "verdicts.jsonl"

    def write(who: str) -> None:
        for minute in range(15):
            verdicts_file.append(file, [line(minute, who=who), line(minute, "b", who)])

    people = [threading.Thread(target=write, args=(who,)) for who in ("anna", "ben", "carl")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert len(verdicts.read_verdicts(file)) == 90


def test_a_row_s_lines_are_its_own_its_parent_s_and_those_of_a_crop_that_was_made_anew() -> None:
    said = [line(1, "crop1"), line(2, "source1"), line(3, "old2", parent_id="source2"), line(4, "old3", parent_id="s3")]
    rows = verdicts.by_row(said, ["crop1", "crop2", "left", "right", "s4"], ["source1", "source2", "s3", "s3", None])
    assert [[one["id"] for one in lines] for lines in rows] == [["crop1", "source1"], ["old2"], [], [], []]


def test_an_accepted_crop_accepts_its_picture() -> None:
    said = [line(1, "s", verdict="reject"), line(2, "c", parent_id="s")]
    assert verdicts.words(said) == {"s": "accept", "c": "accept"} and verdicts.accepted(said) == {"s", "c"}
    assert verdicts.words([*said, line(3, "s", verdict="reject")])["s"] == "reject"
    assert verdicts.words([line(2, "c", parent_id="s"), line(3, "c", parent_id="s", verdict="reject")]) == {
        "c": "reject"
    }


def test_kappa_is_the_textbook_s() -> None:
    first = ["accept"] * 25 + ["reject"] * 25  # 20 and 5, 10 and 15: Cohen's own kind of table, kappa .4
    second = ["accept"] * 20 + ["reject"] * 5 + ["accept"] * 10 + ["reject"] * 15
    assert agreement.cohens_kappa(first, second) == pytest.approx(0.4)
    assert agreement.cohens_kappa(["accept"] * 3, ["accept"] * 3) is None and agreement.cohens_kappa([], []) is None
    assert agreement.cohens_kappa(["accept", "reject"], ["reject", "accept"]) == -1


def test_agreement_counts_pairs_disputes_and_boxes() -> None:
    said = [
        line(1, "a"), line(2, "a", "ben"),
        line(3, "b"), line(4, "b", "ben", verdict="reject"),
        line(5, "c"), line(6, "c", "ben", verdict="reject"), line(7, "c", verdict="reject", settles=True),
        line(8, "d", regions={"eyes": [0, 0, 10, 10]}), line(9, "d", "ben", regions={"eyes": [0, 0, 10, 5]}),
    ]  # fmt: skip
    found = agreement.summary(said)
    assert found.reviewers == {
        "anna": {"accept": 3, "reject": 1, "boxes": 1},
        "ben": {"accept": 1, "reject": 2, "boxes": 1},
    }
    (pair,) = found.pairs
    assert (pair.both, pair.equal, pair.boxes, pair.iou) == (3, 1, 1, 0.5)
    assert found.disputed == {"b": {"anna": "accept", "ben": "reject"}}
    assert len(list(agreement.views(found))) == 3
    assert json.loads(json.dumps(found.as_json()))["disputed"] == found.disputed


def test_a_person_s_boxes_and_word_outlive_another_framing() -> None:
    crop = {"domain": "selfie", "width": 100, "height": 100, "status": "kept", "eyes_xyxy": [1.0, 1.0, 9.0, 9.0]}
    framed = {"crop_quad": [10.0, 10.0, 10.0, 60.0, 60.0, 60.0, 60.0, 10.0]}  # two crop pixels for one of the parent
    rows = manifest.table(
        [
            {"id": "new", "parent_id": "source", **crop, **framed},
            {"id": "other", "parent_id": "source2", **crop, **framed},
            {"id": "gone", "parent_id": "source3", **crop},
        ]
    )
    said = [
        line(1, "old", parent_id="source", regions={"eyes": [0, 0, 4, 4]}, parent_regions={"eyes": [20, 20, 30, 25]}),
        line(2, "old", parent_id="source", verdict="reject", reason="blurred", note="soft"),
        line(3, "source2", regions={"nose": [5, 15, 35, 70], "mouth": None}),
        line(4, "source3", regions={"nose": [5, 15, 35, 70]}),
    ]
    done = dataset.apply_verdicts(rows, said).set_index("id")
    assert list(done.loc["new", "eyes_xyxy"]) == [20, 20, 40, 30]
    assert (done.loc["new", "reason"], done.loc["new", "detail"]) == (Reason.HUMAN_REJECTED, "blurred: soft")
    assert list(done.loc["other", "nose_xyxy"]) == [0, 10, 50, 100], "clipped to the crop"
    assert done.loc["other", "mouth_xyxy"] is None and done.loc["other", "regions_origin"] == "human"
    assert done.loc["gone", "nose_xyxy"] is None and pd.isna(done.loc["gone", "regions_origin"])


def test_a_folder_is_no_file_of_verdicts(tmp_path: Path):
    with pytest.raises(
        ScganError, match=r"is a folder: name the file of the verdicts in it, for example verdicts.jsonl"
    ):
        verdicts.read_verdicts(tmp_path)
