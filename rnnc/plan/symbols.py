"""The letters of a plan: the sizes of a spec, the steps of its axes, sequences, and the positions of a strip."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.sizes import Size
from rnnc.system.forms import System


@dataclass(frozen=True)
class Symbols:
    """Names that are free in a spec: `steps` by axis, `batch`, and how many positions a strip of an axis has, and a
    block of steps."""

    steps: tuple[tuple[str, str], ...]
    batch: str
    strips: tuple[tuple[str, str], ...]
    block: str

    def length(self, axis: str) -> Size:
        return Size.named(dict(self.steps)[axis])

    def strip(self, axis: str) -> Size:
        return Size.named(dict(self.strips)[axis])

    @property
    def sequences(self) -> Size:
        return Size.named(self.batch)


def symbols(system: System) -> Symbols:
    """T and B, unless sizes of the spec are called so; T_i, T_j where there are several axes."""
    taken = {name for name, _, _ in system.sizes}

    def free(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    alone = len(system.axes) == 1
    steps = tuple((a, free("T" if alone else f"T_{a}")) for a in system.axes)
    strips = tuple((a, free("S" if alone else f"S_{a}")) for a in system.axes)
    return Symbols(steps, free("B"), strips, free("L"))
