"""Detectors: chosen by domain, upright or turned, large or small; weights that are not what they say."""

from functools import cache
from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
from PIL import Image
from skimage import data

from scgan_data import config as configuration
from scgan_data.errors import ConfigError, WeightsError
from scgan_data.faces import detectors, retinaface, retinaface_resnet50, views
from scgan_data.faces.detectors import DetectionConfig
from scgan_data.faces.face import Face

WOMAN_XY = np.array([[204, 101], [247, 103], [224, 126], [205, 141], [244, 141]])
"""Read off the astronaut; her eyes are 43 px apart."""


@pytest.fixture(scope="module")
def woman() -> Image.Image:
    return Image.fromarray(data.astronaut()).crop((60, 0, 380, 320))  # public domain (NASA)


@pytest.fixture(scope="module")
def man() -> Image.Image:
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:  # public domain (US Navy): Grace Hopper
        return Image.open(file).convert("RGB").resize((256, 300))


def find(*images: Image.Image, domain: str = "selfie", **settings: object) -> list[list[Face]]:
    return detectors.find(images, domain, DetectionConfig(**settings))


@pytest.fixture(scope="module")
def upright(woman: Image.Image) -> Face:
    ((face,),) = find(woman)
    return face


def test_points_are_where_they_are_and_a_closer_look_brings_them_nearer(woman: Image.Image, upright: Face) -> None:
    truth = WOMAN_XY - [60, 0]
    assert np.hypot(*(upright.landmarks - truth).T).mean() < 0.07 * 43
    ((quick,),) = find(woman, refine=False)
    assert quick.xyxy == upright.xyxy and quick.score == upright.score > 0.99
    assert (quick.landmarks != upright.landmarks).any()


@pytest.mark.parametrize("turn", [90, 180, -90, 45, -45])
def test_a_turned_picture_gives_the_same_face(woman: Image.Image, upright: Face, turn: int) -> None:
    view = views.turned(woman, turn, 320)
    (faces,) = find(view.image)
    assert len(faces) == 1
    face = views.back(faces[0], view)
    assert abs((faces[0].roll_deg - upright.roll_deg - turn + 180) % 360 - 180) < 12
    assert np.hypot(*(face.landmarks - upright.landmarks).T).mean() < 0.12 * upright.eye_distance_px


def test_a_picture_upside_down_is_not_taken_for_upright_but_where_turning_is_off(man: Image.Image) -> None:
    upside_down = man.transpose(Image.Transpose.ROTATE_180)
    (turned,), (unturned,) = find(upside_down), find(upside_down, turned_min_score=None, min_score=0.3)
    assert len(turned) == 1 and abs(turned[0].roll_deg) > 150
    assert all(abs(face.roll_deg) < 150 for face in unturned)


def test_sizes_from_a_thumbnail_to_a_large_photograph(woman: Image.Image, upright: Face) -> None:
    small, large = woman.resize((90, 90)), woman.resize((1600, 1600), Image.Resampling.BICUBIC)
    for faces, scale in zip(find(small, large), (90 / 320, 5), strict=True):
        assert len(faces) == 1
        off = np.hypot(*(faces[0].landmarks / scale - upright.landmarks).T).mean()
        assert off < 0.1 * upright.eye_distance_px


def test_a_small_face_in_a_large_picture_needs_the_second_look(woman: Image.Image) -> None:
    wide = Image.new("RGB", (640, 480), "#7a8a99")
    wide.paste(woman.resize((110, 110)), (400, 200))
    assert retinaface.detect([wide], min_score=0.9, max_side_px=160) == [[]]
    (faces,) = find(wide, first_look_px=160)
    assert len(faces) == 1 and 430 < faces[0].landmarks[2, 0] < 480


def test_two_faces_in_one_picture(woman: Image.Image, man: Image.Image) -> None:
    pair = Image.new("RGB", (640, 320), "white")
    pair.paste(woman, (0, 0))
    pair.paste(man, (352, 10))
    (faces,) = find(pair)
    assert len(faces) == 2 and sorted(f.landmarks[2, 0] > 320 for f in faces) == [False, True]
    assert faces[0].score >= faces[1].score


def test_the_same_bits_alone_and_among_others(woman: Image.Image, man: Image.Image, upright: Face) -> None:
    others = [man, views.turned(woman, 180, 320).image, woman.resize((300, 310)), Image.fromarray(data.coffee())]
    (again,) = find(*others, woman, man)[4]
    assert again.xyxy == upright.xyxy and (again.landmarks == upright.landmarks).all()


def test_no_face_where_there_is_none_however_turned() -> None:
    assert (
        find(*(Image.fromarray(getattr(data, n)()).convert("RGB") for n in ("chelsea", "gravel", "text"))) == [[]] * 3
    )


@pytest.mark.parametrize("degrees", [0, 90, 180, 37])
def test_a_view_maps_back_exactly(degrees: int) -> None:
    dots = np.zeros((120, 200, 3), np.uint8)
    dots[30, 150] = 255
    view = views.turned(Image.fromarray(dots), degrees, 500)
    seen = np.asarray(view.image, float).sum(2) * (np.asarray(view.image) != views.FILL_RGB).any(2)
    y, x = np.unravel_index(seen.argmax(), seen.shape)
    assert np.abs(view.to_source @ [x + 0.5, y + 0.5, 1] - [150.5, 30.5]).max() < (0.01 if degrees % 90 == 0 else 0.75)


def test_a_window_is_level_and_its_mirror_image_names_the_points_anew(woman: Image.Image, upright: Face) -> None:
    large = woman.resize((2240, 2240))
    view = views.window(large, upright.landmarks * 7, head_px=72, side_px=256)
    flipped = views.mirrored(view)
    ((face,),) = retinaface.detect([view.image])
    ((mirror,),) = retinaface.detect([flipped.image])
    assert abs(face.roll_deg) < 4 and flipped.is_mirrored and not view.is_mirrored
    apart = views.back(face, view).landmarks - views.back(mirror, flipped).landmarks
    assert np.abs(apart).max() < 0.12 * 7 * upright.eye_distance_px


def test_a_turned_box_is_upright_again_and_keeps_its_area() -> None:
    face = Face((10.0, 20.0, 50.0, 40.0), 0.9, np.zeros((5, 2)))
    quarter = views.back(face, views.turned(Image.new("RGB", (200, 100)), 90, 200)).xyxy
    assert np.allclose([quarter[2] - quarter[0], quarter[3] - quarter[1]], [20, 40])
    eighth = views.back(face, views.turned(Image.new("RGB", (200, 100)), 45, 200)).xyxy
    assert np.allclose((eighth[2] - eighth[0]) * (eighth[3] - eighth[1]), 800)


def test_a_detector_is_chosen_by_domain() -> None:
    config = DetectionConfig(
        detector={"selfie": "retinaface-mobilenet", "drawn": "drawn", "ink": "retinaface-resnet50"}
    )
    chosen = [detectors.detector_for(domain, config) for domain in ("selfie", "anime", "ink")]
    assert chosen == ["retinaface-mobilenet", "drawn", "retinaface-resnet50"]
    with pytest.raises(ConfigError, match="no detector for the domain selfie: add one of selfie, default"):
        detectors.detector_for("selfie", DetectionConfig(detector={"drawn": "drawn"}))


@pytest.mark.parametrize("wrong", ["detector=retinaface", "detector={selfie: haar}", "first_look_px=3", "refine=often"])
def test_wrong_settings_are_one_line(wrong: str) -> None:
    with pytest.raises(ConfigError, match=f"crop.{wrong.partition('=')[0]}") as caught:
        configuration.load(DetectionConfig, "crop", overrides=[wrong])
    assert "\n" not in str(caught.value)


@cache
def random_resnet50() -> dict[str, object]:
    import torch

    torch.manual_seed(0)
    net = retinaface_resnet50.empty()
    with torch.no_grad():
        for head in net.ClassHead:  # untrained heads answer .5 everywhere
            head.conv1x1.weight *= 30
    return net.state_dict()


@pytest.fixture(scope="module")
def resnet50_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    file = tmp_path_factory.mktemp("weights") / "mine.pth"
    torch.save(random_resnet50(), file)
    return file


def test_resnet50_from_a_file_of_ones_own_in_batches(woman: Image.Image, resnet50_file: Path) -> None:
    small = [woman.resize((96, 64)), woman.resize((64, 64))]
    settings = {"detector": "retinaface-resnet50", "resnet50_file": resnet50_file, "turned_min_score": None}
    both = find(*small, min_score=0.5, **settings)
    assert all(both) and all(face.score > 0.5 and face.landmarks.shape == (5, 2) for faces in both for face in faces)
    (alone,) = find(small[1], min_score=0.5, **settings)
    assert [f.xyxy for f in alone] == [f.xyxy for f in both[1]]
    fingerprint = detectors.fingerprints(DetectionConfig(detector="retinaface-resnet50", resnet50_file=resnet50_file))
    assert len(fingerprint) == 1 and len(fingerprint[0]) == 64


def test_files_that_are_no_weights_are_refused_in_one_line(resnet50_file: Path, tmp_path: Path) -> None:
    import torch

    whole = resnet50_file.read_bytes()
    state = dict(random_resnet50())
    contents: dict[str, tuple[object, str]] = {
        "truncated": (whole[: len(whole) // 2], "holds no weights"),
        "text": (b"<html>not found</html>", "holds no weights"),
        "empty": (b"", "holds no weights"),
        "list": ([1, 2], "not a state dict"),
        "other": ({"features.0.weight": torch.zeros(1)}, "parameters are missing, unknown or of another shape"),
        "reshaped": (state | {"fpn.output1.0.weight": torch.zeros(2)}, "1 of 456 parameters .*fpn.output1.0.weight"),
    }
    for name, (content, message) in contents.items():
        file = tmp_path / name
        file.write_bytes(content) if isinstance(content, bytes) else torch.save(content, file)
        with pytest.raises(WeightsError, match=message) as caught:
            find(Image.new("RGB", (64, 64)), detector="retinaface-resnet50", resnet50_file=file)
        assert "\n" not in str(caught.value) and name in str(caught.value)
    with pytest.raises(WeightsError, match="nowhere cannot be read: No such file"):
        detectors.fingerprints(DetectionConfig(detector="retinaface-resnet50", resnet50_file=tmp_path / "nowhere"))


def test_published_weights_are_checked_by_their_names_digits(
    resnet50_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCGAN_WEIGHTS_RETINAFACE_RESNET50", str(resnet50_file))
    with pytest.raises(WeightsError, match=r"mine\.pth has sha256 .*, expected f168fae3c"):
        retinaface_resnet50.detect([Image.new("RGB", (64, 64))])
