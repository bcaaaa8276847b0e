"""Lines of a picture as cubic Bézier segments: smooth climbs between rows, round-cornered detours for
recurrent edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
Segment = tuple[Point, Point, Point, Point]


@dataclass(frozen=True)
class Curve:
    segments: tuple[Segment, ...]

    def sampled(self, per_segment: int = 20) -> tuple[Point, ...]:
        """Points along the curve, from its start to its end."""
        points = [self.segments[0][0]]
        for segment in self.segments:
            points += [_at(segment, k / per_segment) for k in range(1, per_segment + 1)]
        return tuple(points)


def climb(points: Sequence[Point]) -> Curve:
    """Through `points`, every one passed vertically."""
    return Curve(tuple(_rise(a, b) for a, b in pairwise(points) if a != b))


def detour(points: Sequence[Point], radius: float = 12.0) -> Curve:
    """Along horizontal and vertical pieces with rounded corners."""
    corners = [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
    segments: list[Segment] = []
    at = corners[0]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        r = min(radius, _distance(before, corner) / 2, _distance(corner, after) / 2)
        enter, leave = _towards(corner, before, r), _towards(corner, after, r)
        segments.append(_straight(at, enter))
        segments.append((enter, _towards(corner, enter, r * 0.45), _towards(corner, leave, r * 0.45), leave))
        at = leave
    segments.append(_straight(at, corners[-1]))
    return Curve(tuple(segments))


def line(a: Point, b: Point) -> Curve:
    return Curve((_straight(a, b),))


def bow(start: Point, end: Point, reach: float) -> Curve:
    """A loop from `start` back to `end` on the same side of a box; `reach` is how far out, negative to the
    left."""
    return Curve(((start, (start[0] + reach, start[1] + 6), (end[0] + reach, end[1] - 6), end),))


def _rise(a: Point, b: Point) -> Segment:
    if a[0] == b[0]:
        return _straight(a, b)
    bend = (b[1] - a[1]) * 0.5
    return (a, (a[0], a[1] + bend), (b[0], b[1] - bend), b)


def _straight(a: Point, b: Point) -> Segment:
    third = ((b[0] - a[0]) / 3, (b[1] - a[1]) / 3)
    return (a, (a[0] + third[0], a[1] + third[1]), (b[0] - third[0], b[1] - third[1]), b)


def _distance(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(a: Point, b: Point, by: float) -> Point:
    length = _distance(a, b)
    return a if not length else (a[0] + (b[0] - a[0]) * by / length, a[1] + (b[1] - a[1]) * by / length)


def _at(segment: Segment, t: float) -> Point:
    a, b, c, d = segment
    s = 1 - t
    w = (s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t)
    return (
        w[0] * a[0] + w[1] * b[0] + w[2] * c[0] + w[3] * d[0],
        w[0] * a[1] + w[1] * b[1] + w[2] * c[1] + w[3] * d[1],
    )
