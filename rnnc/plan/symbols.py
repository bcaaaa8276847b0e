"""The letters of a plan: the sizes of a spec, the steps of its axes, sequences, and the positions of a strip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count
from string import ascii_uppercase

from rnnc.sizes import Size
from rnnc.system.forms import Ctc, System


@dataclass(frozen=True)
class Symbols:
    """Names that are free in a spec: `steps` by axis, `batch`, and how many positions a strip of an axis has, and a
    block of steps; where there is a ctc loss, for how many sequences, and then frames, `alignments` are summed at a
    time."""

    steps: tuple[tuple[str, str], ...]
    batch: str
    strips: tuple[tuple[str, str], ...]
    block: str
    alignments: tuple[str, ...] = ()

    def length(self, axis: str) -> Size:
        return Size.named(dict(self.steps)[axis])

    def strip(self, axis: str) -> Size:
        return Size.named(dict(self.strips)[axis])

    @property
    def sequences(self) -> Size:
        return Size.named(self.batch)


def symbols(system: System) -> Symbols:
    """T and B, unless sizes of the spec are called so; T_i, T_j where there are several axes."""
    axes = system.axes
    names = ("T", "S") if len(axes) == 1 else (*(f"T_{a}" for a in axes), *(f"S_{a}" for a in axes))
    aligned = ("G", "F") if any(isinstance(e.op, Ctc) for e in system.equations) else ()
    found = tuple(letters((*names, "B", "L", *aligned), (name for name, _, _ in system.sizes)))
    count = len(axes)
    steps, strips, (batch, block, *rest) = found[:count], found[count : 2 * count], found[2 * count :]
    return Symbols(
        tuple(zip(axes, steps, strict=True)), batch, tuple(zip(axes, strips, strict=True)), block, tuple(rest)
    )


def letters(wanted: Iterable[str], taken: Iterable[str]) -> Iterator[str]:
    """A name for each of `wanted`, itself where it is free, else a capital letter that nobody wants."""
    wanted, used = tuple(wanted), {*taken}
    for name in wanted:
        others = (letter for letter in ascii_uppercase if letter not in wanted)
        endless = (f"{name}{k}" for k in count(2))
        used.add(found := next(n for n in chain((name,), others, endless) if n not in used))
        yield found
