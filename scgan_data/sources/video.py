"""The `video` source: a clip gives its sharpest distinct frames, upright, as lossless PNG.

A clip is decoded twice, in order: once to measure, `SAMPLES_PER_SECOND` times a second, and once to hand out the frames
that were chosen, each while the stream stands at it. So a clip of any length costs the memory of a few frames. The
sharpest are taken first, of those that are apart from the taken in time and in look (phash of luma, more than
`MIN_DIFFERENCE` of 64 bits). Sharpness is as in `hashes`: the deviation of the Laplacian over contrast.

FFmpeg is let near the bytes of the file only, in the containers of `FORMATS`: no playlist, no other file, no network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import imagehash
from PIL import Image
from pydantic import Field

from scgan_data import hashes, images
from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Local, Offer, Opened, Provenance, Visit
from scgan_data.sources.columns import offer_of
from scgan_data.sources.folder import local_of, url_of
from scgan_data.sources.paths import files_of
from scgan_data.web.address import RefusedError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

SUFFIXES = (".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".avi")
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
SAMPLES_PER_SECOND = 10
MAX_FRAMES_PER_SECOND = 240
MIN_DIFFERENCE = 8
_MEASURED_PX = (256, 256)
_UPRIGHT = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}


class VideoSource(Provenance):
    """Frames of video clips."""

    kind: Literal["video"] = "video"
    path: Path
    """A clip (.mp4, .m4v, .mov, .3gp, .mkv, .webm or .avi), or several: `clips/*.mp4`."""
    max_frames: int = Field(8, ge=1, le=64)
    """Frames taken of a clip at most; there are fewer where it shows less that is distinct."""
    min_seconds_apart: float = Field(1.0, ge=0)
    """Between two frames of a clip."""
    max_seconds: float = Field(600.0, gt=0)
    """The part of a clip, from its start, that is looked at."""
    max_pixels: int = Field(images.MAX_PIXELS, ge=1)
    """Largest frame that is decoded, width times height."""

    @property
    def name(self) -> str:
        """What the manifest's `source` says."""
        return f"video:{self.path.as_posix()}"

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Check that clips can be decoded here and are there. Raises SourceError."""
        try:
            import av  # noqa: F401
        except ImportError:
            raise SourceError(f"{self.name} needs PyAV to decode video: pip install av") from None
        files = files_of(self.path)

        def offers(visit: Visit) -> Iterator[Offer]:
            for file in files:
                yield from self._offers(file)

        yield Opened({"": offers}, is_local=True)

    def _offers(self, file: Path) -> Iterator[Offer]:
        """A clip's frames in the order of time, then what was wrong with it."""
        try:
            signature = local_of(file).signature
            clip = look_at(file, self)
        except RefusedError as refused:
            yield offer_of(self, url_of(file), refused=refused)
            return
        for sample, decoded in _frames_of(file, self, {sample.number: sample for sample in clip.chosen}):
            local = Local(signature, partial(png_of, decoded))
            yield offer_of(self, f"{url_of(file)}!/t={sample.seconds:.3f}", local=local)
        if clip.refused is not None:
            yield offer_of(self, url_of(file), refused=clip.refused)


@dataclass(frozen=True)
class Sample:
    """A frame that was measured; its pixels are not held."""

    number: int
    """Of the frames as they come out of the decoder."""
    seconds: float
    """From the clip's first frame."""
    sharpness: float
    phash: imagehash.ImageHash

    def resembles(self, other: Sample, min_seconds_apart: float) -> bool:
        """Whether the two are too close, in time or in look, to be both taken."""
        is_near = abs(self.seconds - other.seconds) < min_seconds_apart
        return is_near or bool(self.phash - other.phash <= MIN_DIFFERENCE)


@dataclass(frozen=True)
class Clip:
    """What a clip gives."""

    chosen: list[Sample]
    """In the order of time."""
    refused: RefusedError | None = None
    """Why its rest, or all of it, is not had."""


def look_at(file: Path, config: VideoSource) -> Clip:
    """Choose a clip's frames. Raises RefusedError where it is none that we decode."""
    import av

    samples: list[Sample] = []
    refused = None
    try:
        samples.extend(_samples(file, config))
    except (av.FFmpegError, OSError) as error:
        reason = Reason.BROKEN if samples else Reason.FILE_UNREADABLE
        refused = RefusedError(reason, f"no video that can be read to its end: {error}"[:200])
    if not samples and refused is None:
        refused = RefusedError(Reason.FILE_UNREADABLE, "no frame in the video")
    return Clip(chosen(samples, config), refused)


def chosen(samples: Iterable[Sample], config: VideoSource) -> list[Sample]:
    """The sharpest samples that are mutually distinct, `max_frames` at most, in the order of time."""
    taken: list[Sample] = []
    for sample in sorted(samples, key=lambda sample: -sample.sharpness):
        if len(taken) < config.max_frames and not any(sample.resembles(t, config.min_seconds_apart) for t in taken):
            taken.append(sample)
    return sorted(taken, key=lambda sample: sample.number)


def png_of(decoded: av.VideoFrame) -> bytes:
    """A frame as it is to be seen: the rotation that the phone wrote beside it applied."""
    image = Image.fromarray(decoded.to_ndarray(format="rgb24"))
    turn = _UPRIGHT.get(round(decoded.rotation / 90) * 90 % 360)
    return images.encode_png(image.transpose(turn) if turn is not None else image)


def _frames_of(file: Path, config: VideoSource, wanted: Mapping[int, Sample]) -> Iterator[tuple[Sample, av.VideoFrame]]:
    import av

    left = len(wanted)
    if not left:
        return
    with suppress(av.FFmpegError), _opened(file, config) as (container, stream):
        for number, decoded in enumerate(container.decode(stream)):
            if number in wanted:
                yield wanted[number], decoded
                left -= 1
            if not left:
                return


def _samples(file: Path, config: VideoSource) -> Iterator[Sample]:
    """Undamaged frames, measured, `SAMPLES_PER_SECOND` at most. Raises FFmpegError, also half-way."""
    with _opened(file, config) as (container, stream):
        rate = float(stream.average_rate or 30)
        start, due = None, 0.0
        for number, decoded in enumerate(container.decode(stream)):
            time = decoded.time if decoded.time is not None else number / rate
            start = time if start is None else start
            seconds = time - start
            if seconds > config.max_seconds or number > config.max_seconds * MAX_FRAMES_PER_SECOND:
                return
            if seconds >= due and not decoded.is_corrupt:
                due = seconds + 1 / SAMPLES_PER_SECOND - 0.5 / rate
                yield _measured(number, seconds, decoded)


def _measured(number: int, seconds: float, decoded: av.VideoFrame) -> Sample:
    luma = Image.fromarray(decoded.to_ndarray(format="gray"))
    luma.thumbnail(_MEASURED_PX, Image.Resampling.BOX)
    sharpness, _ = hashes.sharpness_contrast(luma)
    return Sample(number, seconds, sharpness, imagehash.phash(luma))


@contextmanager
def _opened(file: Path, config: VideoSource) -> Iterator[tuple[InputContainer, VideoStream]]:
    import av

    options = {"format_whitelist": FORMATS, "protocol_whitelist": ""}
    with file.open("rb") as raw, av.open(raw, "r", metadata_errors="ignore", options=options) as container:
        yield container, _stream(container, config)


def _stream(container: InputContainer, config: VideoSource) -> VideoStream:
    if not container.streams.video:
        raise RefusedError(Reason.FILE_UNREADABLE, "no video stream")
    stream = container.streams.video[0]
    pixels = stream.width * stream.height
    if pixels > config.max_pixels:
        detail = f"{stream.width} x {stream.height}"
        raise RefusedError(Reason.TOO_MANY_PIXELS, detail, value=float(pixels), limit=float(config.max_pixels))
    stream.codec_context.options = {"max_pixels": str(config.max_pixels)}  # for a frame larger than announced
    stream.thread_type = "AUTO"
    return stream
