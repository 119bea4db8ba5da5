"""The head's own frame: five points moved, scaled and turned onto a face seen from the front, and what is left of them.

The similarity transform that takes the mean face (`MEAN_FACE`) nearest to the points, in least squares, says where the
head is, how large and how tilted. All five points decide, so the noise of one moves little. In that frame six numbers
remain of the ten, which say how the head is turned and built. They are kept as those that a mirror leaves as they are
(`even`: distances and heights, and the yaw's square) and those that it turns round (`odd`: the yaw, by the nose's and
the eyes' offset, and the slants), so that whatever is linear in them is symmetric by construction: `boxes`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgan_data.landmarks import LEFT_EYE, MOUTH_LEFT, MOUTH_RIGHT, NOSE, RIGHT_EYE

Real = NDArray[np.float64]

MEAN_FACE: Real = np.array([[-0.49, -0.544], [0.49, -0.544], [0.0, 0.028], [-0.396, 0.53], [0.396, 0.53]])
"""(5, 2) the mean of 376 faces, made symmetric; its centre is the origin, its unit about the head's scale s, and y
points down the face."""
EVEN, ODD = 6, 4
"""How many numbers a head has of each kind, the constant 1 among the even."""


@dataclass(frozen=True)
class Heads:
    """N heads: the frame of each, and the numbers in which `boxes` is linear."""

    origin: Real
    """(N, 2) pixels."""
    turn: NDArray[np.complex128]
    """(N,) pixels for a unit of the frame, times the rotation; x is the real axis, y the imaginary one."""
    even: Real
    """(N, EVEN): 1, half the eyes' distance, the eyes' height, half the mouth's width, its height, the yaw's square."""
    odd: Real
    """(N, ODD): offset of the nose, of the eyes' middle, slant of the eyes, of the mouth."""
    misfit: Real
    """(N,) root of the mean squared distance of the five points from the mean face, in units of the frame."""

    def to_picture(self, xy: Real) -> Real:
        """(N, K, 2) in the frames to pixels."""
        moved = (xy[..., 0] + 1j * xy[..., 1]) * self.turn[:, None]
        placed: Real = np.stack([moved.real, moved.imag], -1) + self.origin[:, None]
        return placed

    def to_head(self, xy: Real) -> Real:
        """(N, K, 2) pixels to the frames."""
        away = xy - self.origin[:, None]
        moved = (away[..., 0] + 1j * away[..., 1]) / self.turn[:, None]
        return np.stack([moved.real, moved.imag], -1)


def heads(points: Real) -> Heads:
    """The heads of (N, 5, 2) points, in the order of `landmarks`, in pixels of pictures whose y points down."""
    origin = points.mean(1)
    away = points - origin[:, None]
    face = MEAN_FACE[:, 0] + 1j * MEAN_FACE[:, 1]
    face = face - face.mean()
    turn = (away[..., 0] + 1j * away[..., 1]) @ face.conj() / (abs(face) ** 2).sum()
    turn = np.where(abs(turn) > 0, turn, 1.0)  # five points in one place, or turned inside out: the misfit says so
    seen = (away[..., 0] + 1j * away[..., 1]) / turn[:, None]
    even, odd = _numbers(seen.real, seen.imag)
    misfit = np.sqrt((abs(seen - face) ** 2).mean(1))
    return Heads(origin, turn, even, odd, misfit)


def _numbers(x: Real, y: Real) -> tuple[Real, Real]:
    """(N, 5) coordinates in the frame as `even` and `odd`, the even ones about the mean face's."""
    yaw = x[:, NOSE]
    even = [
        np.ones(len(x)),
        (x[:, RIGHT_EYE] - x[:, LEFT_EYE]) / 2 - 0.5,
        (y[:, LEFT_EYE] + y[:, RIGHT_EYE]) / 2 + 0.5,
        (x[:, MOUTH_RIGHT] - x[:, MOUTH_LEFT]) / 2 - 0.4,
        (y[:, MOUTH_LEFT] + y[:, MOUTH_RIGHT]) / 2 - 0.5,
        3 * yaw**2,
    ]
    odd = [
        yaw,
        (x[:, LEFT_EYE] + x[:, RIGHT_EYE]) / 2,
        (y[:, LEFT_EYE] - y[:, RIGHT_EYE]) / 2,
        (y[:, MOUTH_LEFT] - y[:, MOUTH_RIGHT]) / 2,
    ]
    return np.stack(even, 1), np.stack(odd, 1)


def hull(xy: Real) -> Real:
    """The box (..., 4) x0, y0, x1, y1 that holds points (..., K, 2)."""
    return np.concatenate([xy.min(-2), xy.max(-2)], -1)
