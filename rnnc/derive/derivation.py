"""A derivation: what is given, the equations of the network, the deltas, the gradients; the same for every
way to print it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rnnc.derive.expression import Expr, Index, Ref
from rnnc.sizes import Shape


@dataclass(frozen=True)
class Line:
    """`left` = `right`. `outside` says for which positions: (axis, "low" or "high") where the equation
    holds only before the first or past the last.
    """

    left: Ref
    right: Expr
    outside: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Datum:
    """Something given: its reference at general indices, what it is, its shape, its vocabulary (for a
    token).
    """

    ref: Ref
    what: str
    shape: Shape
    token: str = ""


@dataclass(frozen=True)
class Section:
    """`omitted` are lines that hold as well and read as in an earlier section: that of the weight `like`."""

    title: str
    lines: tuple[Line, ...]
    omitted: tuple[Line, ...] = ()
    like: str = ""


@dataclass(frozen=True)
class Derivation:
    """`names` tells how a value is called: see rnnc.derive.names."""

    title: str
    axes: tuple[str, ...]
    given: tuple[Datum, ...]
    sections: tuple[Section, ...]
    remarks: tuple[str, ...]
    names: tuple[tuple[str, Title], ...]
    letters: tuple[str, ...]


@dataclass(frozen=True)
class Title:
    """How a value is called. kind: "value" (the author's `subject`), "array" (a parameter), "part" (`part`
    of `subject`), "error", "loss", "delta" (the derivative by the net input of `subject`), "gradient"
    (the derivative by `of`), "influence" (written `subject`, of the value `of`; the first `part` of its indices are the
    value's), "change" (of the weight `subject`) or "ratio" (the derivative of the state `subject`, whose indices are
    the first `part`, by `of`).
    """

    kind: str
    subject: str = ""
    part: str = ""
    of: Title | None = field(default=None)


def symbol_order(symbol: str) -> tuple[int, ...]:
    """The order in which index symbols (`@1`, `@1.0`) are given letters."""
    return tuple(int(part) for part in symbol.lstrip("@p").split("."))


__all__ = ["Datum", "Derivation", "Index", "Line", "Section", "Title", "symbol_order"]
