"""Photographs to cartoons with an untrained model: real decoding, detection and crop, and names."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data as skimage_data

from scgan_data import images
from scgan_data.crop import DECIDES, CropConfig, cut, find_faces
from scgan_data.cropped import Crop
from scgan_data.errors import CheckpointError, SourceError
from scgan_data.records import SELFIE, Reason
from scgan_model import checkpoint, step
from scgan_model.checkpoint import load_generators
from scgan_model.config import TrainConfig
from scgan_model.data import to_range
from scgan_model.evaluate import to_image
from scgan_model.export import export
from scgan_model.translate import translate

CROP = CropConfig()


@pytest.fixture
def model(tmp_path: Path, tiny_config: Callable[..., TrainConfig], request: pytest.FixtureRequest) -> Path:
    config = tiny_config(**getattr(request, "param", {}))
    state = step.start(config, torch.device("cpu"), torch.zeros(1, 3, 16, 16, dtype=torch.uint8))
    origin = {"style": "dots", "config": config.model_dump(mode="json"), "dataset": "d", "code": "c", "step": 0}
    checkpoint.save(tmp_path / "model" / "checkpoint.pt", origin | checkpoint.state_dict(state))
    return tmp_path / "model"


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    Image.fromarray(skimage_data.astronaut()).save(folder / "woman.png")
    Image.fromarray(skimage_data.coffee()).save(folder / "coffee.jpg")
    (folder / "note.txt").write_text("no picture")
    return folder


def test_each_picture_has_a_cartoon_or_a_reason(model: Path, photographs: Path, tmp_path: Path) -> None:
    turned = Image.open(photographs / "woman.png").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[274] = 6  # to be turned back when shown
    turned.save(photographs / "turned.png", exif=exif)
    clear = Image.open(photographs / "woman.png").convert("RGBA")
    clear.save(photographs / "clear.png")
    done = translate(model, [photographs], tmp_path / "out")
    assert {t.picture.name: t.reason for t in done} == {
        "clear.png": None,
        "coffee.jpg": Reason.NO_FACE,
        "note.txt": Reason.NOT_AN_IMAGE,
        "turned.png": None,
        "woman.png": None,
    }
    cartoons = {file.name: Image.open(file) for file in (tmp_path / "out").iterdir()}
    assert {name: cartoon.size for name, cartoon in cartoons.items()} == dict.fromkeys(
        ("clear.png", "turned.png", "woman.png"), (16, 16)
    )
    assert cartoons["turned.png"].tobytes() == cartoons["woman.png"].tobytes() == cartoons["clear.png"].tobytes()


def test_no_two_pictures_share_a_name(model: Path, photographs: Path, tmp_path: Path) -> None:
    """`a`, `a-2` and another `a`, which must not be called `a-2`."""
    named = [tmp_path / "1" / "a.png", tmp_path / "1" / "a-2.png", tmp_path / "2" / "a.png"]
    for file in named:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes((photographs / "woman.png").read_bytes())
    done = translate(model, named, tmp_path / "out")
    assert [t.cartoon.name for t in done if t.cartoon] == ["a.png", "a-2.png", "a-3.png"]
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_photograph_is_never_overwritten(model: Path, photographs: Path) -> None:
    before = (photographs / "woman.png").read_bytes()
    with pytest.raises(SourceError, match=r"the cartoon of .*woman.png would take its place"):
        translate(model, [photographs / "woman.png"], photographs)
    assert (photographs / "woman.png").read_bytes() == before


def test_a_second_run_does_not_take_the_first_ones_cartoons_for_photographs(model: Path, photographs: Path) -> None:
    (photographs / "coffee.jpg").unlink()
    runs = [translate(model, [photographs], photographs / "cartoons") for _ in range(2)]
    assert runs[0] == runs[1]


def test_where_nothing_worked_it_says_why(model: Path, photographs: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none of 1 pictures gave a cartoon: the detector found no face \(1\)$"):
        translate(model, [photographs / "coffee.jpg"], tmp_path / "out")
    with pytest.raises(SourceError, match="no file and no folder"):
        translate(model, [tmp_path / "nothing"], tmp_path / "out")


@pytest.mark.parametrize("model", [{"load_px": 20}], indirect=True)
def test_a_face_is_as_large_as_in_training(model: Path, photographs: Path, tmp_path: Path) -> None:
    translate(model, [photographs / "woman.png"], tmp_path / "out")
    woman = images.load(photographs / "woman.png")
    settings = CROP.model_copy(update={"size_px": 20})
    crop = cut(woman, find_faces([woman], SELFIE, settings)[0], SELFIE, settings)
    assert isinstance(crop, Crop)
    middle = torch.from_numpy(np.array(crop.image)[2:18, 2:18]).permute(2, 0, 1)
    expected = to_image(load_generators(model).g_ab(to_range(middle[None]))[0].detach())
    assert (tmp_path / "out" / "woman.png").is_file()
    assert Image.open(tmp_path / "out" / "woman.png").tobytes() == expected.tobytes()


def test_a_face_is_framed_as_the_models_own_pictures_were(
    model: Path, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the model is used: by its checkpoint, by its export; what is said on the command line holds before."""
    monkeypatch.chdir(tmp_path)
    woman = photographs / "woman.png"
    usual, asked = (cartoon(model, woman, tmp_path, *how) for how in ((), ("preset=ffhq",)))
    assert usual != asked
    content = checkpoint.load(model / "checkpoint.pt")
    recorded = CropConfig(preset="ffhq").model_dump(mode="json", exclude=set(DECIDES))
    checkpoint.save(model / "checkpoint.pt", content | {"crop": recorded})
    export(model, tmp_path / "given-away")
    for one in (model, tmp_path / "given-away"):
        assert cartoon(one, woman, tmp_path) == asked
        assert cartoon(one, woman, tmp_path, "preset=shoulder") == usual
    with pytest.raises(SourceError, match=r"1 pictures gave a cartoon"):  # a limit is no part of a model
        cartoon(model, woman, tmp_path, "min_eye_distance_px=400")


def cartoon(model: Path, picture: Path, home: Path, *overrides: str) -> bytes:
    translate(model, [picture], home / "cartoons", overrides=overrides)
    return Image.open(home / "cartoons" / picture.name).tobytes()


def test_a_crop_setting_of_another_version_is_named(model: Path, photographs: Path, tmp_path: Path) -> None:
    content = checkpoint.load(model / "checkpoint.pt")
    checkpoint.save(model / "checkpoint.pt", content | {"crop": {"tilt": "golden"}})
    with pytest.raises(CheckpointError, match=r"a setting that this version does not know \(`crop.tilt`\)"):
        translate(model, [photographs], tmp_path / "out")


def test_names_that_a_terminal_would_obey_are_shown_as_they_are(
    model: Path, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coffee = (photographs / "coffee.jpg").read_bytes()
    (photographs / "a[").mkdir()
    for name in ("a[/b].jpg", "[red]c.jpg", "d\x1b[31m\n.jpg", ":smile:.jpg"):
        (photographs / name).write_bytes(coffee)
    translate(model, [photographs], tmp_path / "out")
    said = "".join(capsys.readouterr().err.split()).replace("│", "")
    for shown in ("a[/b].jpg", "[red]c.jpg", r"d\x1b[31m\n.jpg", ":smile:.jpg"):
        assert shown[-9:] in said
    assert "\x1b[31m" not in said and "1of7picturestranslated" in said


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="no file here that not even root can read")
def test_one_bad_file_stops_no_other(model: Path, photographs: Path, tmp_path: Path) -> None:
    """A film too large to be read, a file that cannot be read, and a name as long as one may be."""
    with (photographs / "film.mp4").open("wb") as film:
        film.truncate(images.MAX_BYTES + 1)
    named = [photographs / "film.mp4", Path("/proc/self/mem"), photographs / f"{'y' * 251}.png"]
    named[2].write_bytes((photographs / "woman.png").read_bytes())
    done = translate(model, named, tmp_path / "out")
    assert [t.reason for t in done] == [Reason.TOO_MANY_BYTES, Reason.FILE_UNREADABLE, None]
    assert [file.name for file in (tmp_path / "out").iterdir()] == [f"{'y' * 200}.png"]


def test_no_other_photograph_is_replaced(model: Path, photographs: Path, tmp_path: Path) -> None:
    """One of the same name where the cartoons go, which is not among those to translate; cartoons themselves are."""
    other = tmp_path / "holiday" / "woman.png"
    other.parent.mkdir()
    Image.open(photographs / "woman.png").resize((300, 300)).save(other)
    before = other.read_bytes()
    with pytest.raises(SourceError, match=r"would replace .*holiday/woman.png, which is none: name another --out"):
        translate(model, [photographs / "woman.png"], other.parent)
    assert other.read_bytes() == before
    other.unlink()
    for _ in range(2):
        translate(model, [photographs / "woman.png"], other.parent)


def test_a_folder_without_pictures_is_named(model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"there is no file in .*empty: name pictures, or a folder of some"):
        translate(model, [tmp_path / "empty"], tmp_path / "out")
