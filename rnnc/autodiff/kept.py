"""What a rule carries from step to step: an array of the system, and the names of its pieces in a learner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from rnnc.sizes import Shape, Size
from rnnc.system.influence import Columns


class Kept(Protocol):
    """`name` is the value of the system."""

    @property
    def name(self) -> str: ...

    def measured(self) -> tuple[str, ...]:
        """The values whose shapes `pieces` needs."""

    def pieces(self, shapes: Mapping[str, Shape]) -> tuple[tuple[str, Columns], ...]:
        """Of every piece its name in a learner, and where in the last dimension it lies."""


@dataclass(frozen=True)
class Whole:
    """An array that is one piece, called `key`."""

    name: str
    key: str

    def measured(self) -> tuple[str, ...]:
        return (self.name,)

    def pieces(self, shapes: Mapping[str, Shape]) -> tuple[tuple[str, Columns], ...]:
        return ((self.key, Columns(self.name, Size.of(0), shapes[self.name][-1:])),)


def back(key: str, steps: int) -> str:
    """The key of a piece that belongs to so many steps ago."""
    return f"{key}, {steps} back" if steps else key


@dataclass(frozen=True)
class Row:
    """The row of all parameters, side by side."""

    name: str
    places: tuple[Columns, ...]

    def measured(self) -> tuple[str, ...]:
        return tuple(place.parameter for place in self.places)

    def pieces(self, shapes: Mapping[str, Shape]) -> tuple[tuple[str, Columns], ...]:
        return tuple((f"row of {place.parameter}", place) for place in self.places)
