"""A reference case stated in the language: a spec, what to run it on and what must come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cases.stored import Array

EXACT = (1e-10, 1e-12)


@dataclass(frozen=True)
class Expected:
    """A forward value under the name of its unit; an entry that is NaN is not stated by the case."""

    name: str
    values: Array
    rtol: float
    atol: float


@dataclass(frozen=True)
class Stated:
    """One spec and the numbers that its module must give.

    `parameters` has exactly the keys of the module's parameters. `data` holds inputs and targets, their axes,
    batch and units in this order; `padded` names those whose first axis is padded by `lengths`. `loss` is the
    sum over the batch; `gradients` are of that sum, by the key of a parameter or the name of an input.
    """

    spec: str
    sizes: Mapping[str, int]
    parameters: Mapping[str, Array]
    data: Mapping[str, Array]
    outputs: tuple[Expected, ...]
    loss: float | None = None
    gradients: Mapping[str, Array] = field(default_factory=dict)
    lengths: Array | Mapping[str, Array] | None = None
    padded: tuple[str, ...] = ()
    rtol: float = 1e-9
    atol: float = 1e-11


def network(name: str, sizes: Iterable[str], lines: Iterable[str], before: str = "") -> str:
    """The text of a spec with one network on an axis of its own choice; every size has the default 2."""
    formals = ", ".join(f"{size} = 2" for size in sizes)
    body = "\n".join("  " + line for line in lines)
    return f"{before}network {name}({formals}) {{\n{body}\n}}\n"


def rows(stacked: Array, gates: str) -> dict[str, Array]:
    """Split an array whose first dimension stacks equal parts, one for each letter of `gates`, in order.

    Raises ValueError where the parts cannot be equal.
    """
    if stacked.shape[0] % len(gates):
        raise ValueError(f"{stacked.shape[0]} rows are not {len(gates)} equal parts")
    size = stacked.shape[0] // len(gates)
    return {gate: stacked[size * k : size * (k + 1)] for k, gate in enumerate(gates)}
