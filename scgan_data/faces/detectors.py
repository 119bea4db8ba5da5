"""Who finds the faces: detectors by name behind one interface, chosen a domain, and how often they look.

A detector is a function of pictures (`Detector`) in a module of its own, imported when it is asked: torch loads only
then. `find` asks the domain's detector at most a few times, and only as often as a picture needs it:

1. Reduced to `first_look_px`. Most portraits end here: their face is large, so that all faces that count beside it
   are well seen too.
2. Reduced to `max_side_px`, where the first look found nothing, or faces under `SURE_FACE_PX` only.
3. Small (`second_look_px`), where nothing was found at all.
4. At each face alone, upright, for better points, where the detector can: this also tells a face that was taken the
   wrong way up, which a detector made for photographs does with scores up to .99.
5. Where nothing was found, or the largest face was not confirmed: turned by quarters and by 45 degrees either way
   (`turned_min_score`), which finds the pictures of phones that did not say how they were held.

Found so of landmarks68, landmarks5, portraits256 and full_frames: 492 of 492 as they are; turned by 90, 45 or -45
degrees or 270, 210 of 210 each (every fourth of landmarks68); upside down 204. One look at 640 px, without turns, is
sure (.9) of 143 upside down, and wrong about which way is up in 87 of these (benchmarks/faces.py).
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol, cast

from PIL import Image
from pydantic import Field

from scgan_data import weights
from scgan_data.config import ByDomain, Config, PerDomain, limit_for
from scgan_data.errors import ConfigError, WeightsError
from scgan_data.faces import drawn, views
from scgan_data.faces.face import Face
from scgan_data.files import id_of_bytes
from scgan_data.records import SELFIE

DetectorName = Literal["retinaface-mobilenet", "retinaface-resnet50", "drawn"]
MODULES: dict[DetectorName, str] = {
    "retinaface-mobilenet": "scgan_data.faces.retinaface",
    "retinaface-resnet50": "scgan_data.faces.retinaface_resnet50",
    "drawn": "scgan_data.faces.drawn",
}
"""Where each detector's `detect` is, and, where it can look closer, its `refine`."""

SURE_FACE_PX = 80.0
"""Longer side, in the first look, of a face beside which no face that counts is too small to be seen."""
TURNS_DEG = (90.0, -90.0, 180.0, 45.0, -45.0)
MOST_REFINED = 8
"""Faces of a picture, the largest, whose points are refined."""


class Detector(Protocol):
    """Faces of pictures."""

    def __call__(self, images: Sequence[Image.Image], *, min_score: float, max_side_px: int) -> list[list[Face]]:
        """The faces of each picture (RGB, upright) with a score of at least `min_score`, best first, in its pixels.

        A picture is reduced to `max_side_px` on its longer side first. The same picture gives the same bits whatever
        its neighbours are. Raises WeightsError.
        """
        ...


Look = Callable[[list[Image.Image]], list[list[Face]]]
Refiner = Callable[[Sequence[Image.Image], Sequence[Face]], list[Face | None]]
"""Each face, of the picture at its place, with better points; None for one that a closer look does not confirm."""


class DetectionConfig(Config):
    """How faces are found: the settings that `crop` has of it."""

    detector: Annotated[DetectorName | dict[str, DetectorName], ByDomain()] = {
        "selfie": "retinaface-mobilenet",
        "drawn": "drawn",
    }
    """Which detector: one name, or one a domain (`selfie`, a style's name, `drawn` for every style, `default`)."""
    min_score: PerDomain = {"selfie": 0.9, "drawn": drawn.MIN_SCORE}
    """Least score of a face. Of 49 portraits the least sure had .992, a dog's face reached .81; of drawn ones
    `drawn.MIN_SCORE`."""
    max_side_px: Annotated[int, Field(ge=64)] = 640
    """Longer side to which pictures are reduced for detection."""
    first_look_px: Annotated[int, Field(ge=64)] | None = 320
    """Longer side for a first look, which is the only one where it finds a large face; null goes without."""
    second_look_px: PerDomain = {"drawn": 128.0}
    """Longer side for a second look where no face was found. A detector made for photographs finds flat drawings better
    when they are small: of 150 avataaars at 240 px it finds 86 %, at 128 px 99 %."""
    turned_min_score: PerDomain = {"selfie": 0.98}
    """Least score of a face that was found only after the picture had been turned, and of one that neither a closer
    look nor a turn confirms; null does not turn. A cat, turned, reaches .94 unconfirmed; of 210 upright portraits
    closer looks confirm 209."""
    refine: bool = True
    """Look closer at each face for its points, where the detector can."""
    resnet50_file: Path | None = None
    """Weights of your own for `retinaface-resnet50` (a state dict of retinaface-pytorch's network), taken as they are;
    without it the published ones."""


def find(images: Sequence[Image.Image], domain: str, config: DetectionConfig) -> list[list[Face]]:
    """The faces of pictures (RGB, upright) of one domain, best first, in the pixels of each.

    Raises ConfigError, WeightsError.
    """
    name = detector_for(domain, config)
    ask, closer = _detector(name, config), _refiner(name) if config.refine else None
    found, sure = _look_closer(images, _upright(images, domain, config, ask), closer)
    turned_score = limit_for(config.turned_min_score, domain)
    doubtful = [i for i, is_sure in enumerate(sure) if not is_sure]
    if turned_score is not None and doubtful:
        side = min(config.first_look_px or config.max_side_px, config.max_side_px)
        pictures = [images[i] for i in doubtful]
        turned = _turned(pictures, side, lambda views: ask(views, min_score=turned_score, max_side_px=2 * side), closer)
        for i, faces in zip(doubtful, turned, strict=True):
            found[i] = faces or [face for face in found[i] if face.score > turned_score]
    return found


def detector_for(domain: str, config: DetectionConfig) -> DetectorName:
    """The name of a domain's detector. Raises ConfigError where the config names none."""
    if not isinstance(config.detector, dict):
        return config.detector
    names = (domain, "default") if domain == SELFIE else (domain, "drawn", "default")
    for name in names:
        if name in config.detector:
            return config.detector[name]
    raise ConfigError(f"`crop.detector` names no detector for the domain {domain}: add one of {', '.join(names)}")


def fingerprints(config: DetectionConfig) -> list[str]:
    """Fetches the weights of every detector that the config names; their sha256, which decide results as code does.

    Raises WeightsError.
    """
    names = sorted(set(config.detector.values())) if isinstance(config.detector, dict) else [config.detector]
    own = {"retinaface-resnet50": config.resnet50_file}
    return [_sha256(own.get(name) or _found(name)) for name in names]


def _found(name: DetectorName) -> Path:
    if name not in weights.WEIGHTS:
        raise WeightsError(f"the detector {name} is not part of this installation")
    return weights.find(name)


def _sha256(file: Path) -> str:
    try:
        return id_of_bytes(file.read_bytes())
    except OSError as error:
        raise WeightsError(f"{file} cannot be read: {error.strerror}") from None


def _detector(name: DetectorName, config: DetectionConfig) -> Detector:
    try:
        module = importlib.import_module(MODULES[name])
    except ModuleNotFoundError as error:
        if error.name != MODULES[name]:
            raise
        raise WeightsError(f"the detector {name} is not part of this installation") from None
    detect = module.detect
    if name == "retinaface-resnet50" and config.resnet50_file is not None:
        detect = functools.partial(detect, file=config.resnet50_file)
    return cast(Detector, detect)


def _refiner(name: DetectorName) -> Refiner | None:
    return cast("Refiner | None", getattr(importlib.import_module(MODULES[name]), "refine", None))


def _upright(images: Sequence[Image.Image], domain: str, config: DetectionConfig, ask: Detector) -> list[list[Face]]:
    """Steps 1 and 2, and the small look of step 3."""
    score, small = limit_for(config.min_score, domain) or 0.0, limit_for(config.second_look_px, domain)
    found: list[list[Face]] = [[] for _ in images]

    def look(members: list[int], side_px: int) -> None:
        answers = ask([images[i] for i in members], min_score=score, max_side_px=side_px) if members else []
        for i, faces in zip(members, answers, strict=True):
            found[i] = faces or found[i]

    everyone, first = list(range(len(images))), config.first_look_px
    if first is None or first >= config.max_side_px:
        look(everyone, config.max_side_px)
    else:
        look(everyone, first)
        look([i for i in everyone if not _is_seen(found[i], images[i], first)], config.max_side_px)
    if small is not None:
        look([i for i in everyone if not found[i]], int(small))
    return found


def _is_seen(faces: list[Face], image: Image.Image, side_px: int) -> bool:
    """Whether a larger look would show nothing that counts."""
    scale = side_px / max(image.size)
    return scale >= 1 or any(_side(face) * scale >= SURE_FACE_PX for face in faces)


def _look_closer(
    images: Sequence[Image.Image], found: list[list[Face]], closer: Refiner | None
) -> tuple[list[list[Face]], list[bool]]:
    """The faces with refined points, and for each picture whether it has a face and the largest was confirmed."""
    if closer is None:
        return found, [bool(faces) for faces in found]
    places = [(i, k) for i, faces in enumerate(found) for k in _largest(faces)]
    refined = closer([images[i] for i, _ in places], [found[i][k] for i, k in places])
    faces, sure = [list(f) for f in found], [False] * len(found)
    for (i, k), face in zip(places, refined, strict=True):
        if face is not None:
            faces[i][k] = face
            sure[i] = sure[i] or k == _largest(found[i])[0]
    return faces, sure


def _turned(images: Sequence[Image.Image], side_px: int, ask: Look, closer: Refiner | None) -> list[list[Face]]:
    """The faces of each picture at that turn at which the detector is surest of one that a closer look confirms."""
    looks = [views.turned(image, turn, side_px) for image in images for turn in TURNS_DEG]
    seen = [
        [views.back(face, view) for face in faces]
        for view, faces in zip(looks, ask([view.image for view in looks]), strict=True)
    ]
    faces, sure = _look_closer([image for image in images for _ in TURNS_DEG], seen, closer)
    n = len(TURNS_DEG)
    best: list[list[Face]] = []
    for start in range(0, len(looks), n):
        confirmed = [faces[k] for k in range(start, start + n) if sure[k]]
        best.append(max(confirmed, key=lambda f: max(face.score for face in f), default=[]))
    return best


def _largest(faces: list[Face]) -> list[int]:
    """The places of the `MOST_REFINED` largest faces, largest first."""
    return sorted(range(len(faces)), key=lambda k: -_side(faces[k]))[:MOST_REFINED]


def _side(face: Face) -> float:
    x0, y0, x1, y1 = face.xyxy
    return max(x1 - x0, y1 - y0)
