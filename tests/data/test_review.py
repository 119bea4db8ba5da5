"""The review page's server, driven over HTTP: verdicts, stale changes, undo, boxes, keepers, audits, two servers."""

from pathlib import Path

from scgan_data.limits.bounds import least_bad, most_bad
from scgan_data.review import changes
from tests.data.reviewing import Visitor, lines, served


def test_the_doubtful_come_first_and_what_has_no_picture_not_at_all(anna: Visitor) -> None:
    ids = [item["id"] for item in anna.session["items"]]
    assert ids == ["crop10", *(f"crop{n:02}" for n in range(10)), "copy"]
    copy = anna.session["items"][-1]
    assert (copy["stage"], copy["why"], copy["reason"]) == ("dedup", "near_duplicate", None)
    assert {reason["name"] for reason in anna.session["reasons"]} == set(changes.REASONS)


def test_a_verdict_is_a_whole_line_at_once(anna: Visitor, verdicts_file: Path) -> None:
    state = anna.judge("reject", "crop05", "copy", reason="blurred", note="soft")["states"]["crop05"]
    assert (state["word"], state["reason"], state["note"], state["reviewer"]) == ("reject", "blurred", "soft", "anna")
    one, two = lines(verdicts_file)
    at = one.pop("at")
    said = {"verdict": "reject", "reason": "blurred", "note": "soft", "reviewer": "anna"}
    assert one == {"id": "crop05", "parent_id": "source05", **said}
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
    assert len(lines(verdicts_file)) == 2


def test_a_stale_change_is_refused_with_the_other_s_shown(review_folder: Path, verdicts_file: Path) -> None:
    with served(review_folder, verdicts_file, "anna") as anna, served(review_folder, verdicts_file, "ben") as ben:
        seen = ben.seen("crop01", "crop02")
        anna.judge("reject", "crop02", reason="watermarked")
        late = ben.post("/api/verdict", {"verdict": "accept", "seen": seen})
        assert late.status_code == 409
        assert set(late.json()["states"]) == {"crop02"}
        assert late.json()["states"]["crop02"]["reviewer"] == "anna"
        assert len(lines(verdicts_file)) == 1, "nothing of the refused change is written"
        box = {"id": "crop02", "version": seen["crop02"], "regions": {"nose": [1, 2, 3, 4]}}
        assert ben.post("/api/boxes", box).status_code == 409
        seen["crop02"] = late.json()["states"]["crop02"]["version"]
        assert ben.post("/api/verdict", {"verdict": "accept", "seen": seen}).status_code == 200
        news = anna.get(f"/api/changes?since={anna.session['generation']}").json()
        assert set(news["states"]) == {"crop01", "crop02"}
        assert news["states"]["crop02"]["words"] == {"anna": "reject", "ben": "accept"}
        assert anna.get(f"/api/changes?since={news['generation']}").json()["states"] == {}
        assert anna.get("/api/changes?since=²").status_code == 200  # a digit, and no number
        anna.judge("reject", "crop02")
        assert lines(verdicts_file)[-1]["settles"] is True and anna.state("crop02")["words"] == {}


def test_an_editor_s_line_is_seen_and_a_bad_one_is_said(anna: Visitor, verdicts_file: Path) -> None:
    anna.judge("accept", "crop01")
    seen = anna.seen("crop01")
    with verdicts_file.open("a") as by_hand:
        by_hand.write('{"id": "source01", "verdict": "reject"}\n')
    assert anna.post("/api/verdict", {"verdict": "accept", "seen": seen}).status_code == 409
    assert anna.state("crop01")["word"] == "reject"
    verdicts_file.write_text('{"id": "crop01", "verdict": "accept"}\n')  # another branch was checked out
    assert anna.state("crop01")["word"] == "accept"
    with verdicts_file.open("a") as by_hand:
        by_hand.write("<<<<<<< HEAD\n")
    answer = anna.post("/api/verdict", {"verdict": "accept", "seen": {"crop01": ""}})
    assert answer.status_code == 500 and "line 2: not a verdict" in answer.json()["error"]


def test_undo_goes_to_any_depth_and_back_and_deletes_nothing(anna: Visitor, verdicts_file: Path) -> None:
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
    before = verdicts_file.read_bytes()
    undone = []
    for one, state in zip(reversed(done), reversed(states), strict=True):
        undone.append(undo(one["at"], *one["states"]))
        assert plain("crop01") == state
    assert plain("crop02") == (None, None, {})
    assert anna.post("/api/undo", {"at": done[0]["at"], "seen": anna.seen("crop01")}).status_code == 400
    for one in reversed(undone):
        undo(one["at"], *one["states"])
    assert plain("crop01") == full and plain("crop02")[0] == "accept"
    assert verdicts_file.read_bytes().startswith(before) and len(lines(verdicts_file)) == 4 + 4 + 4
    part = anna.judge("reject", "crop07", "crop08")
    undo(part["at"], "crop07")
    assert (plain("crop07")[0], plain("crop08")[0]) == (None, "reject")


def test_boxes_are_kept_in_both_pixels(anna: Visitor, verdicts_file: Path) -> None:
    def place(**regions) -> int:
        version = anna.seen("crop05")["crop05"]
        return anna.post("/api/boxes", {"id": "crop05", "version": version, "regions": regions}).status_code

    assert place(eyes=[10.123, 20, 30, 90], mouth=None) == 200
    (line,) = lines(verdicts_file)
    assert line["regions"] == {"eyes": [10.12, 20, 30, 64], "mouth": None}, "clipped to the picture"
    assert line["parent_id"] == "source05"
    assert line["parent_regions"] == {"eyes": [15.06, 30, 25, 52], "mouth": None}  # half a parent pixel for each
    assert anna.state("crop05")["moved"] == line["regions"]
    assert [place(ears=None), place(eyes=[1, 2, 3]), place(eyes=[5, 5, 5, 9]), place(eyes=[70, 5, 90, 9]), place()] == [
        400
    ] * 5
    assert len(lines(verdicts_file)) == 1


def test_another_keeper_is_chosen_by_the_sources_ids(anna: Visitor, verdicts_file: Path) -> None:
    group = anna.seen("crop00", "copy")
    assert anna.post("/api/keeper", {"id": "copy", "seen": anna.seen("copy")}).status_code == 400
    assert anna.post("/api/keeper", {"id": "copy", "seen": group}).status_code == 200
    said = [(line["id"], line["verdict"], line.get("reason")) for line in lines(verdicts_file)]
    assert said == [("copy", "accept", None), ("source00", "reject", "near_duplicate")]
    assert (anna.state("copy")["word"], anna.state("crop00")["word"]) == ("accept", "reject")
    assert anna.post("/api/keeper", {"id": "crop00", "seen": anna.seen("crop00", "copy")}).status_code == 200
    assert (anna.state("copy")["word"], anna.state("crop00")["word"]) == ("reject", "accept")


def test_an_audit_draws_blindly_and_states_an_exact_interval(review_folder: Path, verdicts_file: Path) -> None:
    with served(review_folder, verdicts_file) as anna:
        anna.judge("reject", "crop04")
        drawn = anna.post("/api/audit", {"domain": "selfie", "count": 4}).json()
        assert drawn["of"] == 6 and len(set(drawn["ids"])) == 4 and "crop04" not in drawn["ids"]
        orders = {tuple(anna.post("/api/audit", {"domain": "selfie", "count": 6}).json()["ids"]) for _ in range(4)}
        assert len(orders) > 1, "each audit draws anew"
        for number, name in enumerate(drawn["ids"]):
            anna.judge("reject" if number == 0 else "accept", name, audit=drawn["name"])
        assert anna.post("/api/audit", {"domain": "none"}).status_code == 400
    with served(review_folder, verdicts_file, "ben") as ben:
        (found,) = ben.get("/api/audits").json()["audits"]
    assert (found["judged"], found["bad"], found["of"]) == (4, 1, 6)
    assert (found["least"], found["most"]) == (least_bad(6, 4, 1, 0.025), most_bad(6, 4, 1, 0.025)) == (1, 3)
    assert "with the 1 found rejected, 0 to 2 are left" in found["words"]
