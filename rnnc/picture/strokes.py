"""Lines that climb into shapes: they share the foot of a shape between them, in the order in which they
arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnnc.picture.curve import Curve, Point, climb
from rnnc.picture.drawing import Edge, Shape, Stroke
from rnnc.picture.labels import Ground
from rnnc.picture.plan import short


@dataclass(frozen=True)
class Draft:
    """A line up to the foot of the shape `edge.target`, its last two points straight below it. `written`: its
    delay and weights are to be written beside it."""

    edge: Edge
    points: tuple[Point, ...]
    tooltip: str
    written: bool = True


def told(edge: Edge) -> str:
    """An edge in words, for whoever points at it or cannot see it."""
    source, target = (k.partition("@")[0] for k in (edge.source, edge.target))
    if edge.feeds:
        return f"{source} → {target}, fed back"
    read = f"{source}[{edge.delay}]" if edge.delay else source
    text = f"{read} → {target}"
    if edge.weights:
        text += f" through {', '.join(edge.weights)}"
    return text + (", multiplying" if edge.multiplies else "")


def finish(drafts: Sequence[Draft], shapes: Sequence[Shape]) -> list[tuple[Draft, Stroke]]:
    """Strokes for the drafts, their ends spread along the feet they share."""
    width = {s.key: s.width for s in shapes}
    arriving: dict[str, set[Point]] = {}
    for d in drafts:
        arriving.setdefault(d.edge.target, set()).add(d.points[-3])
    shift: dict[tuple[str, Point], float] = {}
    for target, points in arriving.items():
        room = width[target] * 0.75
        step = min(15.0, room / max(len(points) - 1, 1))
        for i, point in enumerate(sorted(points)):
            shift[(target, point)] = step * (i - (len(points) - 1) / 2)
    done = []
    for d in drafts:
        by = shift[(d.edge.target, d.points[-3])]
        landing = [(round(x + by, 1), y) for x, y in d.points[-2:]]
        e = d.edge
        stroke = Stroke(climb((*d.points[:-2], *landing)), d.tooltip, e.multiplies, e.recurrent, e.begins, e.feeds)
        done.append((d, stroke))
    return done


def write(done: Sequence[tuple[Draft, Stroke]], ground: Ground) -> None:
    """Delays, then weights, beside the last stretch of each line; a weight once for each shape."""
    for d, stroke in done:
        if d.written and d.edge.delay:
            ground.beside(d.edge.delay, _tail(stroke.curve), "delay", needed=True)
    seen: set[tuple[str, str]] = set()
    for d, stroke in done:
        target = d.edge.target.partition("@")[0]
        for weight in d.edge.weights if d.written else ():
            if (d.edge.target, weight) not in seen:
                seen.add((d.edge.target, weight))
                ground.beside(short(weight, target), _tail(stroke.curve), "weight")


def _tail(curve: Curve) -> Curve:
    ends = curve.segments
    short_end = abs(ends[-1][3][1] - ends[-1][0][1]) < 30 and len(ends) > 1
    return Curve(ends[-2:] if short_end else ends[-1:])
