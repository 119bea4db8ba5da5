"""The `video` source, on clips that the test renders: sharp distinct frames, upright, and damage as a row."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageFilter

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.sources.video import MIN_DIFFERENCE, VideoSource
from tests.data.local_sources import no_page

av = pytest.importorskip("av", reason="PyAV is not installed: pip install av")

RATE = 20
SIZE = (160, 120)


def offers_of(path: Path, **given: Any) -> list[tuple[Offer, Image.Image | None]]:
    """Each offer with its picture, read while the source stands at it, as collect does."""
    with VideoSource.model_validate({"path": path, **given}).open(path.parent) as opened:
        assert opened.is_local
        return [
            (offer, Image.open(BytesIO(offer.local.read())) if offer.local else None)
            for offer in opened.streams[""](no_page)
        ]


def times(found: list[tuple[Offer, Image.Image | None]]) -> list[float]:
    return [float(offer.url.partition("!/t=")[2]) for offer, picture in found if picture is not None]


def scene(number: int) -> Image.Image:
    """A picture with edges, unlike that of any other number."""
    rng = np.random.default_rng(number)
    return Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)).resize(SIZE, Image.Resampling.NEAREST)


def blurred(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(4))


def render(path: Path, pictures: Iterable[Image.Image], rotation: int | None = None) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        (stream.width, stream.height), stream.pix_fmt, stream.bit_rate = SIZE, "yuv420p", 4_000_000
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi"])
def test_each_scene_gives_its_sharpest_frame(tmp_path: Path, suffix: str) -> None:
    shots = [scene(s) if i == 10 + 3 * s else blurred(scene(s)) for s in range(3) for i in range(RATE)]
    clip = render(tmp_path / f"clip.{suffix}", shots)
    found = offers_of(clip, domain="anime", license="CC0")
    assert times(found) == pytest.approx([0.5, 1.65, 2.8], abs=0.051)  # looked at ten times a second
    shots_sharp = [shots[round(t * RATE)] for t in times(found)]
    for (offer, picture), shot in zip(found, shots_sharp, strict=True):
        assert picture is not None and picture.format == "PNG" and picture.size == SIZE
        assert np.abs(np.asarray(picture, float) - np.asarray(shot, float)).mean() < 12
        assert (offer.domain, offer.license, offer.source) == ("anime", "CC0", f"video:{clip}")
    assert len({offer.local.signature for offer, _ in found if offer.local}) == 1


def test_frames_are_distinct_and_apart(tmp_path: Path) -> None:
    clip = render(tmp_path / "clip.mp4", [scene(i // 15 % 5) for i in range(9 * RATE)])
    found = offers_of(clip, min_seconds_apart=1.5)
    hashes = [imagehash.phash(picture.convert("L")) for _, picture in found if picture]
    assert 3 <= len(hashes) <= 5
    assert all(a - b > MIN_DIFFERENCE for i, a in enumerate(hashes) for b in hashes[:i])
    assert all(later - sooner >= 1.5 for sooner, later in zip(times(found), times(found)[1:], strict=False))


def test_a_still_clip_gives_one_frame(tmp_path: Path) -> None:
    assert len(offers_of(render(tmp_path / "clip.mp4", [scene(1)] * 60))) == 1


def test_of_many_scenes_the_sharpest_are_taken(tmp_path: Path) -> None:
    shots = [scene(s) if s in (2, 5) else blurred(scene(s)) for s in range(7) for _ in range(RATE)]
    assert [int(t) for t in times(offers_of(render(tmp_path / "clip.mp4", shots), max_frames=2))] == [2, 5]


def test_a_clip_that_grows_ever_sharper_still_gives_its_scenes(tmp_path: Path) -> None:
    shots = [scene(s).filter(ImageFilter.GaussianBlur(4 - s)) for s in range(5) for _ in range(RATE)]
    assert len(offers_of(render(tmp_path / "clip.mp4", shots))) == 5


def test_only_the_start_of_a_long_clip_is_looked_at(tmp_path: Path) -> None:
    clip = render(tmp_path / "clip.mp4", [scene(i // RATE) for i in range(5 * RATE)])
    assert len(offers_of(clip, max_seconds=1.9)) == 2


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_a_phones_rotation_is_applied(tmp_path: Path, rotation: int) -> None:
    sideways = scene(3).rotate(-rotation, expand=True).resize(SIZE)
    ((_, picture),) = offers_of(render(tmp_path / "clip.mp4", [sideways] * 5, rotation=rotation))
    assert picture is not None
    assert picture.size == (SIZE if rotation % 180 == 0 else SIZE[::-1])
    shown = np.asarray(picture.resize(SIZE), float)
    assert np.abs(shown - np.asarray(scene(3), float)).mean() < 25


def test_several_clips(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.mp4"):
        render(tmp_path / name, [scene(1)] * 5)
    found = offers_of(tmp_path / "*.mp4")
    assert [offer.url.partition("!/t=")[0] for offer, _ in found] == [f"{tmp_path}/{name}.mp4" for name in "ab"]


def refusal_of(path: Path, **given: Any) -> tuple[Reason, str]:
    ((offer, picture),) = offers_of(path, **given)
    assert offer.url == str(path) and picture is None and offer.refused is not None
    return offer.refused.reason, offer.refused.detail


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    clip = render(tmp_path / "clip.mp4", [scene(1)] * 5)
    (tmp_path / "text.mp4").write_bytes(b"no video at all" * 99)
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])  # its index is at its end
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n")
    (tmp_path / "concat.mp4").write_text(f"ffconcat version 1.0\nfile {clip.name}\n")
    for name in ("text", "cut", "empty", "list", "concat"):
        reason, detail = refusal_of(tmp_path / f"{name}.mp4")
        assert reason == Reason.FILE_UNREADABLE
        assert detail.startswith("no video that can be read")


def test_a_clip_without_pictures_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert refusal_of(tmp_path / "sound.mkv") == (Reason.FILE_UNREADABLE, "no video stream")


def test_a_frame_that_is_too_large_is_refused(tmp_path: Path) -> None:
    clip = render(tmp_path / "clip.mp4", [scene(1)] * 5)
    assert refusal_of(clip, max_pixels=160 * 120 - 1) == (Reason.TOO_MANY_PIXELS, "160 x 120")
    assert len(offers_of(clip, max_pixels=160 * 120)) == 1


def test_a_frame_larger_than_announced_is_refused(tmp_path: Path) -> None:
    clip = render(tmp_path / "clip.avi", [scene(1)] * 5)
    data = bytearray(clip.read_bytes())
    at = data.index(b"strf") + 12
    data[at : at + 8] = (16).to_bytes(4, "little") + (16).to_bytes(4, "little")
    clip.write_bytes(data)
    reason, _ = refusal_of(clip, max_pixels=1000)
    assert reason in (Reason.FILE_UNREADABLE, Reason.TOO_MANY_PIXELS)


@pytest.mark.parametrize("suffix", ["mkv", "avi"])
def test_what_came_before_the_damage_is_offered(tmp_path: Path, suffix: str) -> None:
    clip = render(tmp_path / f"clip.{suffix}", [scene(i // RATE) for i in range(4 * RATE)])
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) // 2] + b"\0" * 50_000)
    found = offers_of(clip)
    assert 1 <= len(times(found)) <= 3
    assert all(t < 2.2 for t in times(found))


def test_a_missing_clip_and_a_missing_library_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=re.escape("*.mp4 names no file that is there")):
        offers_of(tmp_path / "*.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(SourceError, match="needs PyAV to decode video: pip install"):
        offers_of(tmp_path / "*.mp4")
