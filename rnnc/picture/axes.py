"""Which axes of a value are drawn out step by step, and which positions each reference joins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from rnnc.picture.cycles import blocks
from rnnc.picture.wiring import Link, Wiring, moves

Place = tuple[int, ...]


@dataclass(frozen=True)
class Steps:
    """`drawn`: the axes of each node that are laid out, one or, in a `grid`, two; its other axes stay inside
    its box. `band`: axes with one number share their columns. `late`: nodes that run backward."""

    count: int
    drawn: Mapping[str, tuple[str, ...]]
    band: Mapping[str, int]
    grid: tuple[str, str] | None
    late: frozenset[str]

    def places(self, key: str) -> Iterator[Place]:
        yield from product(range(self.count), repeat=len(self.drawn[key]))

    def pairs(self, link: Link) -> Iterator[tuple[Place, Place]]:
        """(position of the source, position of the target) for every edge of a link; sources may lie
        outside."""
        axes = self.drawn[link.target]
        seen: set[tuple[Place, Place]] = set()
        for target in self.places(link.target):
            here = dict(zip(axes, target, strict=True))
            for source in product(*(self._along(link, a, here) for a in self.drawn[link.source])):
                if (source, target) not in seen:
                    seen.add((source, target))
                    yield source, target

    def _along(self, link: Link, axis: str, here: Mapping[str, int]) -> range:
        at = next((a for a in link.at if a.axis == axis), None)
        if at is None or axis in link.over or (at.anchor == "here" and axis not in here):
            return range(self.count)
        from_ = {"here": here.get(axis, 0), "first": 0, "last": self.count - 1}[at.anchor]
        return range(from_ + at.low, from_ + (at.low if at.high is None else at.high) + 1)


def steps(wiring: Wiring, count: int) -> Steps:
    """Choose the axes: two where a cycle moves along both of them, else the one that a value's block moves
    along."""
    block = blocks([n.key for n in wiring.nodes], [(k.source, k.target) for k in wiring.links])
    moving: dict[int, dict[str, None]] = {}
    for link in wiring.links:
        if link.recurrent:
            found = moving.setdefault(block[link.source], {})
            found |= {a.axis: None for a in link.at if a.low or a.high}
    grid: tuple[str, str] | None = None
    for found in moving.values():
        if len(found) > 1 and grid is None:
            first, second = sorted(found, key=wiring.axes.index)[:2]
            grid = (first, second)
    drawn: dict[str, tuple[str, ...]] = {}
    for n in wiring.nodes:
        if grid and set(grid) <= set(n.axes):
            drawn[n.key] = grid
        else:
            own = [a for a in n.axes if a in moving.get(block[n.key], {})]
            drawn[n.key] = tuple((own or list(n.axes))[:1])
    late = {k.source for k in wiring.links if k.recurrent and moves(k.at) > 0}
    return Steps(count, drawn, _bands(wiring, grid), grid, frozenset(late))


def _bands(wiring: Wiring, grid: tuple[str, str] | None) -> dict[str, int]:
    """Axes joined by a reference other than to a first or last position are drawn in the same columns."""
    axes_of = {n.key: n.axes for n in wiring.nodes}
    joined: list[tuple[str, str]] = []
    for n in wiring.nodes:
        joined += [(n.axes[0], a) for a in n.axes[1:]]
    for k in wiring.links:
        for a in k.at:
            joined += [(a.axis, b) for b in axes_of[k.target] if a.anchor == "here"]
    pairs = [p for a, b in joined for p in ((a, b), (b, a))]
    found = blocks(wiring.axes, pairs)
    numbers: dict[int, int] = {}
    return {a: numbers.setdefault(found[a], len(numbers)) for a in wiring.axes}
