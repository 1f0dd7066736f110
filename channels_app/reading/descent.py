"""The lowest point of a smooth convex function: limited-memory BFGS (Nocedal & Wright, Numerical Optimization, 7.2)."""

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
REMEMBERED = 8
ENOUGH_LESS = 1e-4
SHORTEST_STEP = 1e-8

_Moves = deque[tuple[Vector, Vector]]


def lowest(slope: Callable[[Vector], tuple[float, Vector]], start: Vector, *, steps: int, near: float = 1e-5) -> Vector:
    """Where `slope` (value and gradient of a point) is lowest, after `steps` steps at most.

    It ends where a step gains less than `near` of the value. The same start gives the same point.
    """
    point, moves = start, deque[tuple[Vector, Vector]](maxlen=REMEMBERED)
    value, gradient = slope(point)
    for _ in range(steps):
        ahead = _direction(gradient, moves)
        found = _step(slope, point, value, gradient, ahead)
        if found is None:
            break
        next_point, next_value, next_gradient = found
        gained = value - next_value
        _remember(moves, next_point - point, next_gradient - gradient)
        point, value, gradient = next_point, next_value, next_gradient
        if gained < near * max(abs(value), 1e-12):
            break
    return point


def _direction(gradient: Vector, moves: _Moves) -> Vector:
    ahead, passed = -gradient, []
    for moved, turned in reversed(moves):
        share = float(moved @ ahead) / float(moved @ turned)
        passed.append(share)
        ahead = ahead - share * turned
    if moves:
        moved, turned = moves[-1]
        ahead = ahead * (float(moved @ turned) / float(turned @ turned))
    for (moved, turned), share in zip(moves, reversed(passed), strict=True):
        ahead = ahead + (share - float(turned @ ahead) / float(moved @ turned)) * moved
    return ahead


def _step(
    slope: Callable[[Vector], tuple[float, Vector]], point: Vector, value: float, gradient: Vector, ahead: Vector
) -> tuple[Vector, float, Vector] | None:
    """The longest step of 1, 1/2, 1/4 … ahead that gains enough."""
    falling, step = float(gradient @ ahead), 1.0
    while falling < 0 and step > SHORTEST_STEP:
        there = point + step * ahead
        found, turned = slope(there)
        if found <= value + ENOUGH_LESS * step * falling:
            return there, found, turned
        step /= 2
    return None


def _remember(moves: _Moves, moved: Vector, turned: Vector) -> None:
    if float(moved @ turned) > 1e-12 * float(turned @ turned):
        moves.append((moved, turned))
