"""match --fix rebalance: who is proposed to be left out, and who has the last word on it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from scgan_data import cli, dataset, manifest
from scgan_data.dataset import DatasetConfig
from scgan_data.errors import ScganError
from scgan_data.matching import left_out
from scgan_data.matching.rebalance import rebalance
from scgan_data.matching.statistics import Light
from scgan_data.matching.table import TABLE, framed
from scgan_data.records import Reason
from scgan_data.stage import open_stage
from tests.data.two_domains import SIDE, domain_rows, points


def mixed(folder: Path) -> list[dict]:
    """Selfies of which a third looks aside, against frontal portraits."""
    aside = domain_rows(folder, "selfie", 25, seed=8, yaw=35.0)
    return domain_rows(folder, "selfie", 50, seed=7) + aside + domain_rows(folder, "ink", 40, seed=9)


def framed_only(rows: list[dict]) -> pd.DataFrame:
    """The table of quantities without opening a picture."""
    return framed(manifest.table(rows)).reindex(columns=list(TABLE))


@pytest.mark.parametrize("keep", [0.9, 0.6])
def test_rebalancing_improves_and_keeps_what_it_promises(keep: float) -> None:
    rng = np.random.default_rng(3)
    yaws = {"selfie": [0.0] * 200 + [35.0] * 100, "ink": [0.0] * 150}
    rows = [
        {"id": rng.bytes(16).hex(), "domain": domain, "status": "kept", "width": SIDE, "height": SIDE}
        | {"landmarks": points(rng, yaw=yaw), "padding": 0.0, "path": str(yaw)}
        for domain, turned in yaws.items()
        for yaw in turned
    ]
    table = framed_only(rows)
    aside = {row["id"] for row in rows if row["path"] == "35.0"}
    found = rebalance(table, "ink", keep=keep)
    assert found.domain == "selfie" and found.of == 300 and 0 < len(found.ids) <= round((1 - keep) * 300)
    before, after = (m.differences["yaw_deg"] for m in (found.before, found.after))
    assert after.distance < 0.85 * before.distance and after.tell.auc < before.tell.auc
    assert len(aside & set(found.ids)) / len(found.ids) > 0.6
    if keep == 0.6:
        assert before.light is Light.AMBER and after.light is Light.GREEN
        assert found.after.joint.tell.auc < found.before.joint.tell.auc - 0.03
    assert rebalance(table.sample(frac=1, random_state=1), "ink", keep=keep).ids == found.ids
    assert rebalance(table, "ink", keep=1.0).ids == []


def test_a_proposal_is_read_by_dataset_spared_by_people_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    manifest.write(tmp_path / "05", manifest.table(mixed(tmp_path)))
    run = CliRunner()
    shown = run.invoke(cli.app, ["match", "05", "--fix", "rebalance", "--keep", ".7", "--workers", "1"])
    assert "would be left out" in shown.output and not left_out.FILE.exists(), shown.output
    wrote = run.invoke(cli.app, ["match", "05", "--fix", "rebalance", "--keep", ".7", "--write", "--workers", "1"])
    gone = left_out.read()
    assert wrote.exit_code == 0 and 10 < len(gone) <= 22 and set(gone.values()) == {"ink"}
    spared = min(gone)
    (tmp_path / "review" / "verdicts.jsonl").write_text(json.dumps({"id": spared, "verdict": "accept"}) + "\n")

    def rejected() -> set[str]:
        with open_stage("dataset", tmp_path / "06") as folder:
            folder.commit(dataset.run(manifest.read(tmp_path / "05"), DatasetConfig(sheet_pictures=0), folder))
        rows = manifest.read(tmp_path / "06")
        return set(rows.loc[rows["reason"] == Reason.REBALANCED, "id"])

    assert rejected() == set(gone) - {spared}
    arguments = ["match", "06", "--fix", "rebalance", "--write", "--workers", "1", "--keep"]
    assert run.invoke(cli.app, [*arguments, ".7"]).exit_code == 0
    assert set(left_out.read()) == set(gone), "what an earlier list left out takes part again"
    assert run.invoke(cli.app, [*arguments, "1"]).exit_code == 0
    assert left_out.read() == {} and rejected() == set()


def test_the_list_of_what_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    left_out.write(["b", "a"], "ink", file)
    left_out.write(["c"], "oil", file)
    left_out.write(["d"], "ink", file)
    assert left_out.stale(manifest.table([{"id": "c", "domain": "selfie", "status": "kept"}]), left_out.read(file)) == 1
    assert left_out.read(file) == {"c": "oil", "d": "ink"} and left_out.read(tmp_path / "none") == {}
    file.write_text('{"id": "a"}\n\n{"what": 1}\n')
    with pytest.raises(ScganError, match="line 3"):
        left_out.read(file)
