"""The command line: one line and exit code 1 for what a user can mend, help that stays quick, machine output."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from scgan_data import manifest

RUN = [sys.executable, "-m", "scgan_data.cli"]


def scgan_data(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUN, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=120)


def one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [text for text in done.stderr.splitlines() if text.startswith("error:")]
    for word in words:
        assert word in line


def test_what_a_user_can_mend_is_one_line(tmp_path: Path) -> None:
    one_line(scgan_data("crop", "03", "04", cwd=tmp_path), "03 is not there", "run the stage that writes it")
    (tmp_path / "params.yaml").write_text("crop: {siez_px: 64}")
    one_line(scgan_data("crop", "03", "04", cwd=tmp_path), "`crop.siez_px`", "did you mean `size_px`", "params.yaml")
    (tmp_path / "params.yaml").unlink()
    one_line(scgan_data("collect", "01", "--from", "nowhere", cwd=tmp_path), "nowhere")
    assert not (tmp_path / "04").exists() and not (tmp_path / "01").exists()


def test_a_folder_of_pictures_goes_all_the_way_outside_any_repository(tmp_path: Path) -> None:
    from skimage import data

    (tmp_path / "mine").mkdir()
    Image.fromarray(data.astronaut()).save(tmp_path / "mine" / "a.png")
    Image.fromarray(data.coffee()).save(tmp_path / "mine" / "b.jpg")
    (tmp_path / "mine" / "c.png").write_bytes(b"no picture")
    steps = [
        ("collect", "01", "--domain", "selfie", "--from", "mine"),
        ("dedup", "01", "02"),
        ("filter", "02", "03"),
        ("crop", "03", "04", "--set", "size_px=64", "--workers", 1),
        ("annotate", "04", "05"),
        ("dataset", "05", "06", "--set", "test_fraction=0"),
    ]
    for step in steps:
        done = scgan_data(*step, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    shown = json.loads(scgan_data("show", "06", "--json", cwd=tmp_path).stdout)
    assert shown == {"selfie": {"kept": 1, "rejected": 2, "reasons": {"no_face": 1, "not_an_image": 1}}}
    assert "no_face" in scgan_data("show", "06", cwd=tmp_path).stdout
    (kept,) = manifest.kept(manifest.read(tmp_path / "06")).to_dict("records")
    assert kept["source_url"].endswith("a.png") and (kept["width"], kept["split"]) == (64, "train")
    again = scgan_data("crop", "03", "04", "--set", "size_px=64", cwd=tmp_path)
    assert "2 pictures, 0 to do" in again.stderr


@pytest.mark.parametrize("application", ["scgan_data.cli", "scgan_model.cli"])
def test_help_imports_nothing_heavy(application: str) -> None:
    code = (
        f"import sys; sys.argv = ['x', '--help']\nfrom {application} import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'pandas', 'skimage', 'scipy', 'onnx', 'dvc', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_data_package_imports_without_torch() -> None:
    code = (
        "import importlib, pkgutil, sys, scgan_data\n"
        "lazy = {'scgan_data.faces.drawn_net', 'scgan_data.faces.retinaface_mobilenet', 'scgan_data.watermark_net'}\n"
        "for m in pkgutil.walk_packages(scgan_data.__path__, 'scgan_data.'):\n"
        "    if m.name not in lazy: importlib.import_module(m.name)\n"
        "sys.exit('torch came in' if 'torch' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_stopped_or_killed_the_same_command_goes_on_to_the_same_result(tmp_path: Path, blow: signal.Signals) -> None:
    from skimage import data

    (tmp_path / "mine").mkdir()
    whole = Image.fromarray(data.astronaut())
    for n in range(60):
        whole.rotate(n / 4).save(tmp_path / "mine" / f"{n}.png")
    assert scgan_data("collect", "01", "--from", "mine", cwd=tmp_path).returncode == 0
    crop = ["crop", "01", "04", "--set", "size_px=32"]
    heed = [
        sys.executable,
        "-c",
        "import os, signal, sys; signal.signal(2, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
    ]
    process = subprocess.Popen(  # a suite that runs in a shell's background inherits that Ctrl-C is ignored
        [*heed, *RUN, *crop], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    finished = tmp_path / ".04.work" / "results"
    deadline = time.monotonic() + 100
    while not list(finished.rglob("*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    if blow is signal.SIGINT:
        os.killpg(process.pid, blow)  # a terminal's Ctrl-C reaches the workers too
    else:
        process.kill()
    _, errors = process.communicate(timeout=60)
    if blow is signal.SIGINT:
        assert process.returncode == 130 and "finished work is kept" in errors and "Traceback" not in errors
    assert not (tmp_path / "04").exists()
    again = scgan_data(*crop, cwd=tmp_path)
    assert again.returncode == 0 and "60 to do" not in again.stderr
    undisturbed = scgan_data("crop", "01", "whole", "--set", "size_px=32", cwd=tmp_path)
    assert undisturbed.returncode == 0
    one, two = manifest.read(tmp_path / "04"), manifest.read(tmp_path / "whole")
    pd.testing.assert_frame_equal(one.drop(columns="path"), two.drop(columns="path"))
    assert [Path(p).read_bytes() for p in one["path"]] == [Path(p).read_bytes() for p in two["path"]]
