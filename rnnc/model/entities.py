"""What a name of a spec denotes while it is being resolved, and the scopes that hold the names.

These are the only things of this package that change: a slot's shape becomes known bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from rnnc.diagnostics import Span
from rnnc.frontend import syntax
from rnnc.model.drafts import Draft
from rnnc.model.forms import At, Init, Kind
from rnnc.sizes import Shape, Size

Role = Literal["input", "target", "param", "fixed", "unit", "gate", "output"]

ARTICLES = {"input": "an input", "output": "an output", "param": "a parameter", "fixed": "a fixed array"}


@dataclass(eq=False)
class Slot:
    """A value of the network: its full key, where it varies, and its shape as far as it is known."""

    key: str
    role: Role
    axes: tuple[str, ...]
    shape: Shape | None
    span: Span
    kind: Kind = "real"
    token: Size | None = None
    written: bool = False
    """Whether the author declared it; a connection's parameter is not."""
    init: Init | None = None
    recurrent: bool = False
    bias: bool = False
    columns_of: Size | None = None
    uses: list[Span] = field(default_factory=list)
    """Of a connection's parameter: the connections that read it."""
    used: bool = False
    broken: bool = False
    """Something about it was reported already, so nothing that follows from it is."""

    waiting: bool = False
    """Made for a use of a cell whose returned unit is a use itself, until that one is expanded."""

    @property
    def what(self) -> str:
        return ARTICLES.get(self.role, f"a {self.role}")

    @property
    def is_unit(self) -> bool:
        return self.role in ("unit", "gate", "output")

    @property
    def is_array(self) -> bool:
        return self.role in ("param", "fixed")


@dataclass(eq=False)
class SizeName:
    """A size: a name of the network, or an expression of them bound to a cell's formal."""

    size: Size
    span: Span
    used: bool = False
    what: str = "a size"


@dataclass(eq=False)
class Constant:
    value: float
    span: Span
    used: bool = False
    what: str = "a constant"


@dataclass(eq=False)
class AxisName:
    """An axis under the name its scope has for it; `key` is the network's own."""

    key: str
    span: Span
    used: bool = False
    broken: bool = False
    what: str = "an axis"


@dataclass(eq=False)
class ValueName:
    slot: Slot

    @property
    def span(self) -> Span:
        return self.slot.span

    @property
    def what(self) -> str:
        return self.slot.what


@dataclass(eq=False)
class Alias:
    """A cell's formal bound to a value: the argument, and where it is to be understood."""

    argument: syntax.Expr
    context: Context
    key: str
    span: Span
    used: bool = False
    unit: Slot | None = None
    """The unit that holds the argument, where it is more than a reference."""
    what: str = "an argument"


@dataclass(eq=False)
class UseName:
    """A use of a cell: the returned unit, and the names inside."""

    slot: Slot
    inner: Scope
    cell: str

    @property
    def span(self) -> Span:
        return self.slot.span

    @property
    def what(self) -> str:
        return self.slot.what


@dataclass(eq=False)
class Broken:
    """A name whose declaration was wrong: nothing more is said about it."""

    span: Span
    what: str = "a name"


Entity = SizeName | Constant | AxisName | ValueName | Alias | UseName | Broken


@dataclass(eq=False)
class Scope:
    """The names of a network or of one use of a cell, in the order of the text."""

    entities: dict[str, Entity] = field(default_factory=dict)
    functions: dict[str, syntax.Function] = field(default_factory=dict)
    unknown: int = 0
    """How many unknown names were looked up; after many, similar ones are no longer searched for."""

    def get(self, name: str) -> Entity | None:
        return self.entities.get(name)

    def items(self) -> Iterator[tuple[str, Entity]]:
        return iter(self.entities.items())


@dataclass(eq=False)
class Owner:
    """Whose connections an equation makes: the prefix of their keys, and which it has made."""

    prefix: str
    seen: dict[str, Span] = field(default_factory=dict)
    fresh: str = ""
    """For the name that a help proposes."""


@dataclass(frozen=True, eq=False)
class Context:
    """Where an expression stands."""

    scope: Scope
    sight: tuple[str, ...]
    mirrored: frozenset[str]
    owner: Owner | None
    reader: str
    place: Literal["unit", "start", "loss", "fn"]
    formals: dict[str, Draft] = field(default_factory=dict)
    call: Span | None = None
    """Inside a `fn`: the call, which is what a mistake points at."""
    chain: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    """Inside a cell: the axes that those it runs over stand for, which are all that its text knows of."""
    words: tuple[str, ...] = ()
    """Of the language, that may stand for a value; offered where a name is unknown."""


@dataclass(eq=False)
class Equation:
    """A right side to be understood: of a unit, of a start, or a loss."""

    right: syntax.Expr
    context: Context
    slot: Slot | None
    span: Span
    cell: tuple[str, str] | None = None
    root: Draft | None = None
    order: tuple[Draft, ...] = ()
    """The root and all below it, operands first."""


@dataclass(eq=False)
class StartLine:
    """One `start` line, resolved: `back` steps before the first, or None for everywhere before."""

    slot: Slot
    back: int | None
    equation: Equation


@dataclass(eq=False)
class FeedbackLine:
    """One `feedback` line: the input it is about, whether it is a draw, and what it draws from or copies."""

    slot: Slot
    statement: syntax.Feedback
    drawn: bool
    equations: tuple[Equation, ...]

    def source(self, equation: Equation) -> Slot | None:
        """The unit that one of the equations reads at the current step and that is all of it."""
        root = equation.root
        if root is None or root.op != "read" or root.slot is None or not root.slot.is_unit:
            return None
        return root.slot if root.slot.axes == self.slot.axes and root.at == (At(self.slot.axes[0]),) else None
