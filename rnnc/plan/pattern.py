"""Which parameter influences which state, and how: the pattern that real-time recurrent learning keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnc.autodiff.tangent import Held
from rnnc.program.forms import Program
from rnnc.sizes import Shape, Size, number
from rnnc.system.forms import Value

Form = Literal["dense", "block", "diagonal"]


@dataclass(frozen=True)
class Cell:
    """The influence of `parameter` on `state`: how many numbers are `kept` of all `there` could be.

    "dense": every entry of the state by every entry of the parameter. "diagonal": each entry of the state by its own
    entries of the parameter alone. "block": so for some dimensions of the state."""

    state: str
    parameter: str
    form: Form
    kept: Size
    there: Size


@dataclass(frozen=True)
class Pattern:
    """`states` and the trained `parameters`, with shapes, in order; pairs without a cell have no influence at all."""

    states: tuple[tuple[str, Shape], ...]
    parameters: tuple[tuple[str, Shape], ...]
    cells: tuple[Cell, ...]

    def cell(self, state: str, parameter: str) -> Cell | None:
        return next((c for c in self.cells if (c.state, c.parameter) == (state, parameter)), None)


def pattern(program: Program, parameters: tuple[Value, ...]) -> Pattern:
    """The pattern of the program of real-time recurrent learning."""
    shapes = {v.name: v.shape for v in program.system.values}
    cells = []
    for held in (h for h in program.held if isinstance(h, Held)):
        rows = shapes[held.state]
        for name in held.panel.parameters:
            influence = held.panel.of(held.state, name)
            aligned = len({row for row in influence.aligned if row is not None})
            form: Form = "dense" if not aligned else "diagonal" if aligned == len(rows) else "block"
            kept = number(rows) * number(tuple(shapes[name][k] for k in influence.rest))
            cells.append(Cell(held.state, name, form, kept, number(rows) * number(shapes[name])))
    states = tuple(dict.fromkeys(c.state for c in cells))
    return Pattern(
        tuple((s, shapes[s]) for s in sorted(states)), tuple((v.name, v.shape) for v in parameters), tuple(cells)
    )
