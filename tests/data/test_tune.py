"""tune: what is asked and recorded, its page in a browser, one line for a mistake, and what is written where."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest
import requests
import yaml
from PIL import Image

from scgan_data import manifest
from scgan_data.errors import ConfigError, ScganError
from scgan_data.limits import judgements, page, params_file, rules
from scgan_data.limits.tune import Goal, Tuning, tuning


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A filtered folder of 300 selfies (the marked ones are red) and 40 drawings, in a project of its own."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = []
    for n in range(340):
        marked = n % 15 == 0
        score = round(float(rng.beta(8, 2) if marked else rng.beta(1, 9)), 6)
        path = tmp_path / "pictures" / f"{n}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), "red" if marked else "green").save(path)
        kept = (
            {"status": "kept"}
            if score <= 0.9
            else {"status": "rejected", "rejected_by": "filter", "reason": "watermarked"}
        )
        domain = "selfie" if n < 300 else "ink"
        good = {"width": 200, "height": 240, "contrast": 50.0, "sharpness": 0.4}
        rows.append(
            {
                "id": f"{n:04x}{rng.bytes(30).hex()}",
                "domain": domain,
                "path": str(path),
                "watermark_score": score,
                **good,
                **kept,
            }
        )
    manifest.write(tmp_path / "data" / "03_filter", manifest.table(rows))
    (tmp_path / "params.yaml").write_text("filter:\n  min_side_px: 100 # as small as that\n  max_watermark_score: .9\n")
    return tmp_path


def red(path: Path) -> bool:
    return Image.open(path).getpixel((0, 0))[0] > 128


def test_tune_asks_records_and_writes(folder: Path):
    work = tuning("watermark_score", Goal(0.05, 0.9, 300), None, None)
    asked = work.to_ask({})
    assert len(asked) == 150 + 40 and set(asked) <= {i for d in work.domains for i in d.pictures.ids}
    file, given = folder / "review" / "judgements.jsonl", folder / "answers.jsonl"
    given.write_text("".join(json.dumps({"id": i, "bad": red(path)}) + "\n" for i, path in asked.items()))
    answers = work.ask(file, given, print)
    assert len(answers) == 190 and work.to_ask(answers) == {}
    fits = work.fits(answers)
    assert fits["selfie"].proven and fits["selfie"].best.most_rate <= 0.05
    lines = "\n".join(work.report(fits))
    assert "proven: at most 5.00% left, 90% sure" in lines and "150 judgements of" in lines
    changed = work.write(fits, folder / "params.yaml", unproven=False)
    text = (folder / "params.yaml").read_text()
    assert "selfie" in changed and "min_side_px: 100 # as small as that\n" in text
    limits = yaml.safe_load(text)["filter"]["max_watermark_score"]
    scores = work.domains[[d.name for d in work.domains].index("selfie")].pictures.suspicion
    assert (scores <= limits["selfie"]).sum() == fits["selfie"].best.kept and limits["default"] == 0.9
    again = tuning("watermark_score", Goal(0.05, 0.9, 300), None, None)
    assert len(again.to_ask(answers)) < 60  # another limit, another zone near it: what was judged is not asked again


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.key)
def test_what_a_person_is_asked_can_be_seen_in_the_picture(rule: rules.Rule):
    question = Tuning(rule, Goal(), [], 1.0).question
    assert question.startswith("Is this so? ") and "limit" not in question


def test_answers_of_another_dataset_are_refused(folder: Path):
    work = tuning("watermark_score", Goal(0.05, 0.9, 300), None, None)
    given = folder / "answers.jsonl"
    given.write_text(json.dumps({"id": "of another", "bad": True}) + "\n")
    with pytest.raises(ConfigError, match="none of its 1 answers is about a picture of this folder"):
        work.ask(folder / "review" / "judgements.jsonl", given, print)
    assert not (folder / "review").exists()


def test_the_page_shows_asks_goes_back_and_ends(folder: Path):
    work = tuning("max_watermark_score", Goal(judgements=4), None, None)
    file = folder / "review" / "judgements.jsonl"
    url: list[str] = []
    ready = threading.Event()

    def announce(text: str) -> None:
        url.append(text)
        ready.set()

    person = threading.Thread(target=lambda: url.append(str(len(work.ask(file, None, announce)))), daemon=True)
    person.start()
    assert ready.wait(10)

    home, web = url[0].partition("/?")[0], requests.Session()
    web.trust_env = False
    assert requests.get(home, timeout=10).status_code == 403
    page = web.get(url[0], timeout=10)
    told = web.get(f"{home}/api/session", timeout=10).json()
    assert "/page/judge.js" in page.text and "A visible watermark" in told["question"]
    posting = {"origin": home, "x-review-token": told["posting"]}

    def step(key: str | None, content_id: str | None) -> dict:
        said = {"key": key, "id": content_id}
        return web.post(f"{home}/api/step", json=said, headers=posting, timeout=10).json()

    assert web.post(f"{home}/api/step", json={"key": None, "id": None}, timeout=10).status_code == 403
    assert web.post(f"{home}/api/step", json={"key": "z", "id": None}, headers=posting, timeout=10).status_code == 400
    assert web.get(f"{home}/picture/..%2F..%2Fparams.yaml", timeout=10).status_code == 404
    now = step(None, None)
    assert (now["done"], now["total"]) == (0, 4)
    shown = web.get(f"{home}/picture/{now['id']}", timeout=10)
    assert shown.headers["content-type"] == "image/jpeg" and shown.content.startswith(b"\xff\xd8")
    second = step("y", now["id"])
    assert step("n", now["id"]) == second  # an answer to a picture that is no longer shown
    assert step("u", second["id"])["id"] == now["id"]
    for key in "nysn":
        now = step(key, now["id"])
    web.close()
    person.join(10)
    assert now["id"] is None and url[1] == "4"
    assert list(judgements.read(file, "watermarked").values()) == [False, True, None, False]
    assert len(file.read_text().splitlines()) == 6


def test_errors_are_one_line(folder: Path):
    with pytest.raises(ConfigError, match="did you mean `sharpness`"):
        tuning("sharpnes", Goal(), None, None)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        Goal(rate=1.0)
    with pytest.raises(ConfigError, match="no such file"):
        tuning("watermark_score", Goal(), None, None).ask(folder / "j.jsonl", folder / "none.jsonl", print)
    (folder / "bad.jsonl").write_text('{"id": "x", "bad": false}\n{"id": 3}\n')
    with pytest.raises(ScganError, match="line 2: not a judgement"):
        judgements.read(folder / "bad.jsonl", "watermarked")


def test_judgements_are_of_one_reason_and_the_last_word_counts(tmp_path: Path):
    file = tmp_path / "j.jsonl"
    judgements.append(file, "watermarked", "a", True)
    judgements.append(file, "blurred", "a", False)
    judgements.append(file, "watermarked", "b", False)
    judgements.append(file, "watermarked", "a", None)
    judgements.append(file, "watermarked", "b", None, withdrawn=True)
    assert judgements.read(file, "watermarked") == {"a": None}
    assert judgements.read(file, "blurred") == {"a": False}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("filter: # f\n  max_aspect: 2 # a\n", "filter: # f\n  max_aspect: {ink: 1.5, default: 2} # a\n"),
        (
            "filter:\n  max_aspect: {ink: 2, selfie: 3}  # a\n\n# end",
            "filter:\n  max_aspect: {ink: 1.5, selfie: 3}  # a\n\n# end",
        ),
        ("filter:\n  max_aspect:\n    selfie: 3 # s\n", "filter:\n  max_aspect:\n    ink: 1.5\n    selfie: 3 # s\n"),
        ("filter:\n  max_aspect: null\n", "filter:\n  max_aspect: {ink: 1.5, default: null}\n"),
        (
            "filter:\n  # why\n  min_side_px: 9\n",
            "filter:\n  # why\n  max_aspect: {ink: 1.5, selfie: 2.0}\n  min_side_px: 9\n",
        ),
        ("crop: {size_px: 4}\n", "crop: {size_px: 4}\n\nfilter:\n  max_aspect: {ink: 1.5, selfie: 2.0}\n"),
        ("filter: {min_side_px: 9}\n", "filter: {max_aspect: {ink: 1.5, selfie: 2.0}, min_side_px: 9}\n"),
        ("", "filter:\n  max_aspect: {ink: 1.5, selfie: 2.0}\n"),
    ],
)
def test_one_limit_changes_and_no_other_byte(tmp_path: Path, before: str, after: str):
    (tmp_path / "p.yaml").write_text(before)
    params_file.set_limit(tmp_path / "p.yaml", "filter", "max_aspect", {"ink": 1.5}, {"selfie": 2.0})
    assert (tmp_path / "p.yaml").read_text() == after


def test_a_session_takes_only_answers():
    session = page.Session({"a": Path("a.png")}, "?", lambda *_: None)
    assert session.step("x", "a")["done"] == 0
    assert session.step("y", "a") == {"id": None, "done": 1, "total": 1}


def test_nothing_judged_says_nothing_and_moves_nothing(folder: Path):
    work = tuning("watermark_score", Goal(0.01, 0.95, 20), None, None)
    before = (folder / "params.yaml").read_text()
    fits = work.fits({})
    assert list(work.report(fits)) == [
        f"{d.name}: none of {len(d.pictures)} pictures was judged, so nothing can be said" for d in work.domains
    ]
    assert work.write(fits, folder / "params.yaml", unproven=True) == []
    assert (folder / "params.yaml").read_text() == before
