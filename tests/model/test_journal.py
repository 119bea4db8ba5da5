import json
from pathlib import Path

import torch

from scgan_model.journal import Journal, Means, diverged, read_lines, speed, write_tables


def test_means_are_over_the_steps_since_the_last_reading() -> None:
    means = Means()
    for value in (1.0, 2.0, 6.0):
        means.add({"tv": torch.tensor(value)})
    assert means.read() == {"tv": 3.0}
    means.add({"tv": torch.tensor(5.0)})
    assert means.read() == {"tv": 5.0}


def lines_of(folder: Path) -> list[int]:
    return [line["step"] for line in read_lines(folder / "metrics.jsonl")]


def test_lines_are_appended_and_later_steps_dropped_at_a_resume(tmp_path: Path) -> None:
    with Journal(tmp_path, title="t", step=0, total_steps=9) as journal:
        for step in (0, 2, 4, 6):
            journal.write({"step": step, "seconds": 0.1, "tv": 0.5})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "sec')  # a kill in the middle of a line
    assert lines_of(tmp_path) == [0, 2, 4, 6]
    with Journal(tmp_path, title="t", step=4, total_steps=9) as journal:
        journal.write({"step": 6, "seconds": 0.2})
    assert lines_of(tmp_path) == [0, 2, 4, 6]
    assert json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])["seconds"] == 0.2


def test_a_run_from_the_start_has_no_lines_of_another(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 0}\n')
    with Journal(tmp_path, title="t", step=0, total_steps=9):
        assert lines_of(tmp_path) == []


def test_a_figure_out_of_bounds_is_named() -> None:
    assert diverged({"step": 3, "seconds": 0.0, "tv": 1.0, "total": 99.0}) is None
    assert diverged({"step": 3, "tv": 1.0, "per": float("nan")}) == "per is not a number any more"
    assert diverged({"total": float("inf")}) == "total is not a number any more"
    assert diverged({"total": 2e6}) == "total has grown to 2e+06"


def test_means_go_on_from_a_checkpoint() -> None:
    straight, broken, resumed = Means(), Means(), Means()
    straight.add({"tv": torch.tensor(1.0)})
    broken.add({"tv": torch.tensor(1.0)})
    resumed.load_state_dict(broken.state_dict(), torch.device("cpu"))
    for means in (straight, resumed):
        means.add({"tv": torch.tensor(4.0)})
    assert resumed.read() == straight.read() == {"tv": 2.5}


def test_every_quantity_has_a_table_without_holes(tmp_path: Path) -> None:
    with Journal(tmp_path, title="t", step=0, total_steps=9) as journal:
        journal.write({"step": 0, "seconds": 0.0, "test_cycle": 0.5})
        journal.write({"step": 2, "seconds": 0.1, "tv": 0.25})
        journal.write({"step": 4, "seconds": 0.2, "tv": 1e-7, "test_cycle": 0.125})
    write_tables(tmp_path)
    tables = {file.name: file.read_text() for file in (tmp_path / "plots").iterdir()}
    assert tables == {
        "test_cycle.tsv": "step\ttest_cycle\n0\t0.5\n4\t0.125\n",
        "tv.tsv": "step\ttv\n2\t0.25\n4\t1e-07\n",
    }


def test_the_speed_is_of_the_steps_between_two_lines() -> None:
    assert speed({"step": 10, "seconds": 1.0}, {"step": 30, "seconds": 3.0}, 4) == "40 pairs/s"
    assert speed({"step": 0, "seconds": 0.0}, {"step": 50, "seconds": 0.5}, 16) == "1,600 pairs/s"
    assert speed({"step": 3, "seconds": 1.0}, {"step": 3, "seconds": 1.0}, 4) == ""
