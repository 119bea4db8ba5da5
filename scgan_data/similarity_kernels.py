"""The compiled loops of the alignment. Importing this imports numba (half a second): `similarity` does so late."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scgan_data.compiled import compiled

Real = NDArray[np.float64]
Mask = NDArray[np.bool_]


@compiled
def warp(source: Real, geometry: Real) -> tuple[Real, Mask]:
    """Bilinear resampling of (n, n, c) about the centre, and where it lies within; beyond it the border's pixels."""
    n, channels = source.shape[0], source.shape[2]
    centre = (n - 1) / 2
    warped, inside = np.empty(source.shape), np.empty((n, n), np.bool_)
    for row in range(n):
        for column in range(n):
            yy, xx = row - centre, column - centre
            y = yy + geometry[0] * yy + geometry[1] * xx + geometry[2] * n + centre
            x = xx + geometry[3] * yy + geometry[4] * xx + geometry[5] * n + centre
            inside[row, column] = (y > -0.5) & (y < n - 0.5) & (x > -0.5) & (x < n - 0.5)
            y, x = min(max(y, 0.0), n - 1.001), min(max(x, 0.0), n - 1.001)
            y0, x0 = int(y), int(x)
            fy, fx = y - y0, x - x0
            for c in range(channels):
                above = source[y0, x0, c] * (1 - fx) + source[y0, x0 + 1, c] * fx
                below = source[y0 + 1, x0, c] * (1 - fx) + source[y0 + 1, x0 + 1, c] * fx
                warped[row, column, c] = above * (1 - fy) + below * fy
    return warped, inside


@compiled
def equations(warped: Real, of: Mask, target: Real, light: Real) -> tuple[Real, Real]:
    """Normal equations (8, 8), (8,) of one Gauss-Newton step over the pixels `of`, none of them at the edge."""
    n = target.shape[0]
    centre = (n - 1) / 2
    errors = np.empty(of.sum())
    k = 0
    for row in range(n):
        for column in range(n):
            if of[row, column]:
                errors[k] = target[row, column] - (light[0] * warped[row, column] + light[1])
                k += 1
    scale = 3.7 * np.median(np.abs(errors)) + 0.01
    normal, right, line = np.zeros((8, 8)), np.zeros(8), np.empty(8)
    k = 0
    for row in range(1, n - 1):
        for column in range(1, n - 1):
            if not of[row, column]:
                continue
            dy = light[0] * (warped[row + 1, column] - warped[row - 1, column]) / 2
            dx = light[0] * (warped[row, column + 1] - warped[row, column - 1]) / 2
            line[0], line[1], line[2] = dy * (row - centre), dy * (column - centre), dy * n
            line[3], line[4], line[5] = dx * (row - centre), dx * (column - centre), dx * n
            line[6], line[7] = warped[row, column], 1.0
            weight = 1 / (1 + (errors[k] / scale) ** 2)
            for i in range(8):
                weighed = weight * line[i]
                right[i] += weighed * errors[k]
                for j in range(i + 1):
                    normal[i, j] += weighed * line[j]
            k += 1
    for i in range(8):
        for j in range(i):
            normal[j, i] = normal[i, j]
    return normal, right


@compiled
def steps(
    source: Real, target: Real, usable: Mask, most: int, farthest: Real, start: tuple[Real, Real]
) -> tuple[Real, Real]:
    """Gauss-Newton at one level, each pixel weighted by how well it fits so far: geometry (6,), light (2,)."""
    geometry, light = start[0].copy(), start[1].copy()
    for _ in range(most):
        warped, inside = warp(source, geometry)
        of = usable & inside
        if of.sum() < 32:
            break
        normal, right = equations(warped[:, :, 0], of, target, light)
        for i in range(8):
            normal[i, i] += 1e-6 * normal[i, i] + 1e-9
        step = np.linalg.solve(normal, right)
        geometry = np.minimum(np.maximum(geometry + step[:6], -farthest), farthest)
        light[0] = min(max(light[0] + step[6], 0.4), 2.5)
        light[1] = min(max(light[1] + step[7], -0.4), 0.4)
        if np.abs(step[:6]).max() < 5e-4:
            break
    return geometry, light
