"""The whole project on a tiny sample: a real `dvc repro`, what reruns when, and two teams that share a version."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from scgan_data import manifest
from scgan_model import checkpoint

ROOT = Path(__file__).parents[2]
TINY = {
    "styles": ["avataaars"],
    "collect": {
        "sources": [
            {"kind": "sample", "selfies": 30, "portraits": 24, "plants": {
                "exact_copies": 2, "near_copies": 4, "watermarked": 3, "faceless": 2, "several_faces": 2, "small": 2,
                "blurred": 2, "truncated": 1, "not_images": 1, "disallowed": 1, "behind_disallowed_page": 1, "noai": 1,
                "not_found": 1, "always_429": 0, "first_429": 1}},
            {"kind": "folder", "path": "sources/mine", "domain": "selfie", "license": "CC0-1.0"},
        ]
    },
    "dedup": {"min_correlation": 0.85},
    "filter": {"min_side_px": 100},
    "crop": {"size_px": 32, "framed": ["avataaars"]},
    "annotate": {"padding": 0.1},
    "dataset": {"test_fraction": 0.25},
    "train": {"preset": "demo", "resolution_px": 32, "load_px": 32, "generator_channels": 8,
              "discriminator_channels": 8, "batch_pairs": 2, "steps": 4, "log_every_steps": 1, "sample_every_steps": 2,
              "checkpoint_every_steps": 2, "discriminator_layers": 2},
    "evaluate": {"bootstrap_replicates": 100},
    "report": {"title": "tiny"},
}  # fmt: skip


def run(*command: object, cwd: Path, check: bool = True, errors: bool = True) -> str:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(cwd) if (cwd / "scgan_data").is_dir() else str(ROOT),
        "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.org",
    }  # fmt: skip
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout + (done.stderr if errors else "")


def commit(project: Path, message: str, tag: str) -> None:
    run("git", "add", "-A", cwd=project)
    run("git", "commit", "-qm", message, cwd=project)
    run("git", "tag", tag, cwd=project)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this project with tiny params, reproduced once, committed and tagged v1."""
    from skimage import data

    project = tmp_path_factory.mktemp("team") / "project"
    for name in ("scgan_data", "scgan_model", "pipelines", "sources", "review"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, project / name)
    (project / "params.yaml").write_text(yaml.safe_dump(TINY, sort_keys=False))
    (project / "sources" / "mine").mkdir()
    Image.fromarray(data.astronaut()).save(project / "sources" / "mine" / "a.png")
    run("git", "init", "-q", "-b", "main", cwd=project)
    run("dvc", "init", "-q", cwd=project)
    run("dvc", "config", "core.analytics", "false", cwd=project)
    run("dvc", "remote", "add", "-d", "store", project.parent / "store", cwd=project)
    run("dvc", "repro", cwd=project)
    commit(project, "first version", "v1")
    return project


def test_everything_is_there(project: Path) -> None:
    counts = json.loads((project / "data/06_dataset/summary.json").read_text())
    assert counts["selfie"]["kept"] >= 20 and counts["avataaars"]["kept"] >= 18
    metrics = json.loads((project / "reports/evaluation/avataaars/metrics.json").read_text())
    assert metrics["trained"]["cycle_error"] > 0
    page = (project / "reports/index.html").read_text()
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    assert len(list((project / "data/06_dataset/train/avataaars").glob("*.png"))) == counts["avataaars"]["kept"]


def test_the_model_records_what_its_dataset_was_cropped_with(project: Path) -> None:
    """The settings go from folder to folder; limits that moved no picture leave them, and the training, as they are."""
    said = json.loads((project / "data/04_crop/crop.json").read_text())
    assert said["size_px"] == TINY["crop"]["size_px"] and said["preset"] == "shoulder" and "max_padding" not in said
    assert json.loads((project / "data/06_dataset/crop.json").read_text()) == said
    assert checkpoint.load(project / "models/avataaars/checkpoint.pt")["crop"] == said


def test_no_id_is_lost_from_first_to_last(project: Path) -> None:
    first, last = manifest.read(project / "data/01_collect"), manifest.read(project / "data/06_dataset")
    manifest.check_complete(first, last, "the chain")
    assert not set(first["id"]) - set(last["id"]) - set(last["parent_id"].dropna())
    rejected = first[first["status"] == "rejected"].set_index("id")["reason"]
    assert last.drop_duplicates("id").set_index("id").loc[rejected.index.unique(), "status"].eq("rejected").all()


def test_a_second_repro_runs_nothing(project: Path) -> None:
    assert "Running stage" not in run("dvc", "repro", cwd=project)


def test_an_edit_flags_its_own_stage_only(project: Path) -> None:
    module = project / "scgan_data" / "annotate.py"
    text = module.read_text()
    module.write_text(text + "\n# a comment\n")
    try:
        flagged = json.loads(run("dvc", "status", "--json", cwd=project))
        assert set(flagged) == {"annotate"}
    finally:
        module.write_text(text)
    assert json.loads(run("dvc", "status", "--json", cwd=project)) == {}


def test_new_pictures_cost_only_themselves(project: Path, tmp_path: Path) -> None:
    clone = tmp_path / "grown"
    shutil.copytree(project, clone, symlinks=True)
    from skimage import data

    for n in range(3):
        Image.fromarray(data.astronaut()).rotate(7 * n + 5).save(clone / "sources" / "mine" / f"new{n}.png")
    log = run("dvc", "repro", "annotate", cwd=clone)
    assert "collect: " in log and "3 new pictures" in log.split("collect: ", 1)[1].splitlines()[0]
    for stage in ("filter", "crop", "annotate"):
        line = next(x for x in log.splitlines() if x.startswith(f"{stage}: ") and "to do" in x)
        assert int(line.split(" to do")[0].split()[-1]) <= 3, line


def test_experiments_alone_and_in_a_queue(project: Path, tmp_path: Path) -> None:
    """The README's commands. `++`: params.yaml has no key of the loss, and DVC adds none without it."""
    clone = tmp_path / "experiments"
    shutil.copytree(project, clone, symlinks=True)
    run("dvc", "exp", "run", "-n", "no-tv", "-S", "++train.loss.beta=0", "train@avataaars", cwd=clone)
    run("git", "checkout", "-q", "params.yaml", "dvc.lock", cwd=clone)
    queued = run("dvc", "exp", "run", "--queue", "-S", "++train.loss.beta=1,2", "train@avataaars", cwd=clone)
    assert queued.count("Queued experiment") == 2
    run("dvc", "exp", "run", "--run-all", cwd=clone)
    shown = json.loads(run("dvc", "exp", "show", "--json", cwd=clone, errors=False))
    rows = [e["revs"][0]["data"] for e in shown[1]["experiments"]]
    losses = {
        row["params"]["params.yaml"]["data"]["train"]["loss"]["beta"]: row["metrics"]["models/avataaars/metrics.json"]
        for row in rows
    }
    totals = {beta: found["data"]["losses"]["total"] for beta, found in losses.items()}
    assert sorted(totals) == [0, 1, 2] and len(set(totals.values())) == 3
    run("dvc", "plots", "diff", "main", "no-tv", cwd=clone)
    page = (clone / "dvc_plots" / "index.html").read_text()
    assert "dvc_plots" not in run("git", "status", "--short", cwd=clone)
    assert all(f'"title": "{name}"' in page for name in ("total", "test_cycle", "lr"))


def test_two_teams_share_a_version(project: Path, tmp_path: Path) -> None:
    run("dvc", "push", "-q", cwd=project)
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["dataset"]["test_fraction"] = 0.5
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    run("dvc", "repro", "dataset", cwd=project)
    commit(project, "half of the selfies held out", "v2")
    run("dvc", "push", "-q", cwd=project)

    other = tmp_path / "other"
    run("git", "clone", "-q", "--branch", "v1", project, other, cwd=tmp_path)
    run("dvc", "pull", "-q", cwd=other)
    assert manifest.read(other / "data/06_dataset")["split"].value_counts()["test"] > 0
    assert "Running stage" not in run("dvc", "repro", cwd=other)

    run("dvc", "get", "-q", project, "data/06_dataset", "--rev", "v1", "-o", "dataset", cwd=tmp_path)
    one = manifest.read(tmp_path / "dataset")
    assert all(Path(p).is_file() for p in one["path"].dropna())

    consumer = tmp_path / "consumer"
    consumer.mkdir()
    run("git", "init", "-q", cwd=consumer)
    run("dvc", "init", "-q", cwd=consumer)
    run("dvc", "import", "-q", project, "data/06_dataset", "--rev", "v2", "-o", "dataset", cwd=consumer)
    two = manifest.read(consumer / "dataset")
    assert (two["split"] == "test").sum() > (one["split"] == "test").sum()
    assert set(one["id"]) == set(two["id"])

    diff = run("dvc", "metrics", "diff", "v1", "v2", "--all", cwd=project)
    assert "summary.json" in diff
