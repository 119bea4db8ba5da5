"""The runner: the same rows whatever the workers and batches, nothing done twice, a worker's death is one line."""

import os
import signal
from pathlib import Path

import pandas as pd
import pytest
from pydantic import BaseModel

from scgan_data import manifest
from scgan_data.errors import ScganError
from scgan_data.runner import Work, per_image
from scgan_data.stage import StageFolder, open_stage


class Settings(BaseModel):
    factor: float = 1.0
    log: str | None = None
    dies_at: str | None = None


def measure(batch: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """A per-image function as the stages have them: pure, but for the log that the tests read."""
    if settings.dies_at in set(batch["id"]):
        os.kill(os.getpid(), signal.SIGKILL)
    if settings.log:
        with Path(settings.log).open("a") as log:
            log.write("".join(f"{i}\n" for i in batch["id"]))
    value = [int(i, 16) * settings.factor for i in batch["id"]]
    return pd.DataFrame(
        {"id": batch["id"] + "00", "sharpness": value, "png": [b"png " + i.encode() for i in batch["id"]]}
    )


def rows(count: int) -> pd.DataFrame:
    return manifest.table(
        [{"id": f"{n:04x}", "domain": "selfie", "status": "kept", "author": "me"} for n in range(count)]
    )


def run(
    folder: StageFolder, table: pd.DataFrame, settings: Settings, *, workers: int = 1, size: int = 7
) -> pd.DataFrame:
    return per_image(table, Work(measure, settings, "v1", size), folder, workers=workers)


def test_workers_and_batches_change_nothing(tmp_path: Path) -> None:
    answers = []
    for number, (workers, size) in enumerate([(1, 50), (2, 3), (2, 16)]):
        with open_stage("s", tmp_path / str(number)) as folder:
            answers.append(run(folder, rows(30), Settings(), workers=workers, size=size))
            stored = sorted(p.read_bytes() for p in folder.files.rglob("*.png"))
            assert len(stored) == 30 and stored[0] == b"png 0000"
    pd.testing.assert_frame_equal(answers[0], answers[1])
    pd.testing.assert_frame_equal(answers[0], answers[2])
    assert answers[0]["author"].eq("me").all(), "columns that were not answered are carried"


def test_only_what_is_new_is_worked_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = Settings(log=str(log))
    with open_stage("s", tmp_path / "s") as folder:
        for count, worked in ((20, 20), (20, 0), (26, 6)):
            log.write_text("")
            run(folder, rows(count), settings)
            assert len(log.read_text().split()) == worked
        log.write_text("")
        run(folder, rows(26), Settings(log=str(log), factor=2.0))
        assert len(log.read_text().split()) == 26


def test_a_result_whose_picture_is_gone_is_made_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with open_stage("s", tmp_path / "s") as folder:
        run(folder, rows(5), Settings(log=str(log)))
        next(folder.files.rglob("*.png")).unlink()
        log.write_text("")
        run(folder, rows(5), Settings(log=str(log)))
        assert len(log.read_text().split()) == 1
        assert len(list(folder.files.rglob("*.png"))) == 5


def test_the_same_picture_twice_is_worked_on_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with open_stage("s", tmp_path / "s") as folder:
        done = run(folder, pd.concat([rows(3), rows(3)], ignore_index=True), Settings(log=str(log)))
    assert len(done) == 6 and len(log.read_text().split()) == 3


def test_a_worker_that_dies_is_one_line_and_finished_batches_stay(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with open_stage("s", tmp_path / "s") as folder:
        with pytest.raises(ScganError, match="a worker process died"):
            run(folder, rows(40), Settings(log=str(log), dies_at="0027"), workers=2, size=2)
        kept = len(list((folder.work / "results").rglob("*.parquet")))
        assert kept > 0


def several(batch: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """As many results for a picture as its number says, at least one; with `factor` 0 the last picture has none."""
    counts = [max(1, int(i, 16) % 4) for i in batch["id"]]
    if not settings.factor:
        counts[-1] = 0
    of = [place for place, count in enumerate(counts) for _ in range(count)]
    names = [f"{batch['id'].iloc[place]}-{n}" for n, place in enumerate(of)]
    return pd.DataFrame({"_of": of, "id": names, "faces": range(len(of)), "png": [name.encode() for name in names]})


def test_a_picture_may_have_several_results(tmp_path: Path) -> None:
    table = pd.concat([rows(9), rows(3)], ignore_index=True).iloc[::-1]
    with open_stage("s", tmp_path / "s") as folder:
        work = Work(several, Settings(), "v1", 4)
        done = per_image(table, work, folder, workers=1)
        again = per_image(table, work, folder, workers=2)
        pd.testing.assert_frame_equal(done, again)
        assert len(list(folder.files.rglob("*.png"))) == 15
        next(folder.files.rglob("00/0003-*.png")).unlink()
        pd.testing.assert_frame_equal(per_image(table, work, folder, workers=1), done)
    counts = done["id"].str[:4].value_counts().to_dict()
    assert counts == {"0000": 2, "0001": 2, "0002": 4, "0003": 3, "0004": 1, "0005": 1, "0006": 2, "0007": 3, "0008": 1}
    source = dict(zip(table.index, table["id"], strict=True))
    assert all(name.startswith(source[index]) for index, name in done["id"].items()), "the index says whose it is"
    assert done["author"].eq("me").all()


def test_a_picture_without_any_result_is_a_bug_that_is_named(tmp_path: Path) -> None:
    with (
        open_stage("s", tmp_path / "s") as folder,
        pytest.raises(ScganError, match=r"several returned \d results for 4 rows: a bug"),
    ):
        per_image(rows(4), Work(several, Settings(factor=0.0), "v1", 4), folder, workers=1)
