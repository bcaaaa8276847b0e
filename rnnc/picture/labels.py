"""Small texts beside lines, put where they cover neither a box nor another text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rnnc.picture.curve import Curve, Point
from rnnc.picture.drawing import Frame, Shape, Text, Tone
from rnnc.picture.measure import text_width
from rnnc.picture.plan import SMALL

Rect = tuple[float, float, float, float]
_CELL = 48.0


def around(text: str, at: Point, size: float) -> Rect:
    """Left, bottom, right and top of a text centred on `at`."""
    half, high = text_width(text, size) / 2 + 1, size * 0.62
    return at[0] - half, at[1] - high, at[0] + half, at[1] + high


def meet(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@dataclass
class Ground:
    """What is taken: rectangles that a text must not meet, and points of lines that it had better not."""

    texts: list[Text] = field(default_factory=list)
    _taken: dict[tuple[int, int], list[Rect]] = field(default_factory=dict)
    _lines: dict[tuple[int, int], list[Point]] = field(default_factory=dict)

    def block(self, rect: Rect) -> None:
        for cell in _cells(rect):
            self._taken.setdefault(cell, []).append(rect)

    def run(self, points: Iterable[Point]) -> None:
        for p in points:
            self._lines.setdefault((int(p[0] // _CELL), int(p[1] // _CELL)), []).append(p)

    def name(self, frame: Frame) -> None:
        """A cell's name in that corner of its box where the fewest lines pass."""
        half = text_width(frame.label, SMALL) / 2 + 8
        left, right = frame.left + half, frame.left + frame.width - half
        low, high = frame.bottom + 10, frame.bottom + frame.height - 10
        corners = [(left, high), (right, high), (left, low), (right, low)]
        free = [(self._lined(frame.label, c), i) for i, c in enumerate(corners) if self._free(frame.label, c)]
        self.put(frame.label, corners[min(free)[1] if free else 0], "group")

    def put(self, text: str, at: Point, tone: Tone, size: float = SMALL) -> None:
        """A text that stands where it stands."""
        self.texts.append(Text(text, (round(at[0], 1), round(at[1], 1)), size, tone))
        self.block(around(text, at, size))

    def beside(self, text: str, curve: Curve, tone: Tone, needed: bool = False) -> None:
        """A text beside a line, nearer its end than its start. One that fits nowhere is left out unless it is
        `needed`: then it moves away from the line as far as it has to."""
        half = text_width(text, SMALL) / 2 + 4
        for reach in (half, half + 10, *((half + 20 * k for k in range(1, 40)) if needed else ())):
            spots = [(round(x, 1), round(y, 1)) for x, y in _spots(curve.sampled(), reach)]
            free = [(self._lined(text, at), i, at) for i, at in enumerate(spots) if self._free(text, at)]
            if free:
                self.put(text, min(free)[2], tone)
                return

    def _free(self, text: str, at: Point) -> bool:
        rect = around(text, at, SMALL)
        return not any(meet(rect, other) for cell in _cells(rect) for other in self._taken.get(cell, ()))

    def _lined(self, text: str, at: Point) -> int:
        left, bottom, right, top = rect = around(text, at, SMALL)
        near = (p for cell in _cells(rect) for p in self._lines.get(cell, ()))
        return sum(left <= x <= right and bottom <= y <= top for x, y in near)


def _spots(points: Sequence[Point], reach: float) -> Iterator[Point]:
    count = len(points) - 1
    if points[0][1] == points[-1][1]:
        for share in (0.5, 0.4, 0.6, 0.3, 0.7):
            x, y = points[round(share * count)]
            yield x, y + 9
            yield x, y - 9
    for share in (0.7, 0.6, 0.8, 0.5, 0.4, 0.3, 0.2, 0.9):
        x, y = points[round(share * count)]
        yield x + reach, y
        yield x - reach, y
        yield x, y + 9
        yield x, y - 9


def _cells(rect: Rect) -> Iterator[tuple[int, int]]:
    for i in range(int(rect[0] // _CELL), int(rect[2] // _CELL) + 1):
        for j in range(int(rect[1] // _CELL), int(rect[3] // _CELL) + 1):
            yield i, j


def ground(shapes: Sequence[Shape], frames: Sequence[Frame]) -> Ground:
    """The ground with every box and the border of every cell taken."""
    result = Ground()
    for s in shapes:
        result.block((s.x - s.width / 2, s.y - s.height / 2, s.x + s.width / 2, s.y + s.height / 2))
    for f in frames:
        right, top = f.left + f.width, f.bottom + f.height
        for x in (f.left, right):
            result.block((x - 1, f.bottom, x + 1, top))
        for y in (f.bottom, top):
            result.block((f.left, y - 1, right, y + 1))
    return result
