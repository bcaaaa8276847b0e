"""A `Draft`: an expression with its names resolved and its shape known as far as the rest of the spec says
so.

Drafts may be shared (an argument of a `fn` used twice is one object), so whoever visits them goes over
`in_order`, which has each object once and needs no recursion.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rnnc.diagnostics import Span
from rnnc.model.forms import At, Kind
from rnnc.sizes import Shape, Size

if TYPE_CHECKING:
    from rnnc.model.entities import Slot


@dataclass(eq=False)
class Draft:
    """`op` is an operation of `rnnc.model.forms.Apply`, or: number, size, position, read, over, poison."""

    op: str
    args: tuple[Draft, ...]
    span: Span
    axes: frozenset[str] = frozenset()
    shape: Shape | None = None
    kind: Kind = "real"
    numbers: tuple[float, ...] = ()
    value: float = 0.0
    size: Size | None = None
    ends: tuple[Size, Size] | None = None
    """Of a `slice`: its first entry, and the one after its last."""
    axis: str = ""
    slot: Slot | None = None
    at: tuple[At, ...] = ()
    function: str = ""
    """Of an `over`: sum, mean, ..."""
    together: bool = False
    """Of a mean in a loss: over several axes with that in its body."""
    depth: int = field(default=1)

    def __post_init__(self) -> None:
        if self.args:
            self.depth = 1 + max(a.depth for a in self.args)


def joined(op: str, args: tuple[Draft, ...], span: Span, numbers: tuple[float, ...] = ()) -> Draft:
    """An operation on values at one position; a poisoned operand poisons it."""
    axes = frozenset[str]().union(*(a.axes for a in args))
    return Draft(op, args, span, axes, numbers=numbers)


def number(value: float, span: Span) -> Draft:
    return Draft("number", (), span, shape=(), value=value)


def poison(span: Span) -> Draft:
    """Stands for what was wrong and has been reported."""
    return Draft("poison", (), span)


def in_order(root: Draft) -> tuple[Draft, ...]:
    """The root and everything below it, each once, operands first."""
    found: list[Draft] = []
    seen: set[int] = set()
    stack: list[tuple[Draft, bool]] = [(root, False)]
    while stack:
        draft, ready = stack.pop()
        if ready:
            found.append(draft)
        elif id(draft) not in seen:
            seen.add(id(draft))
            stack.append((draft, True))
            stack.extend((a, False) for a in reversed(draft.args))
    return tuple(found)


def taps(at: At) -> int:
    """How many neighbours an entry reads; 0 where it reads one without adding a dimension."""
    return 0 if at.high is None else at.high - at.low + 1


def read_shape(slot_shape: Shape, at: tuple[At, ...]) -> Shape:
    """What a read of a value of this shape has: a dimension for every window, then its own."""
    return tuple(Size.of(taps(a)) for a in at if a.high is not None) + slot_shape
