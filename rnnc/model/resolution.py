"""What the steps of one resolution share: the tables they fill, and the limits they keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from rnnc.diagnostics import Reporter, Span
from rnnc.frontend import syntax
from rnnc.model.entities import Equation, FeedbackLine, Slot, StartLine
from rnnc.model.errors_axes import TooMuch
from rnnc.sizes import Size

if TYPE_CHECKING:
    from rnnc.model.declare import Place

MOST_DRAFTS = 5_000
"""Operations in one equation."""
MOST_EQUATIONS = 3_000
DEEPEST_CELLS = 32
DEEPEST_EXPRESSION = 200
FARTHEST = 10_000


class Overflow(Exception):
    """The network expands to too much; it has been reported."""


@dataclass(eq=False)
class Resolution:
    """One network on its way to a model."""

    reporter: Reporter
    functions: dict[str, syntax.Function]
    cells: dict[str, syntax.Cell]
    axes: list[str] = field(default_factory=list)
    broken_axes: set[str] = field(default_factory=set)
    defaults: dict[str, int] = field(default_factory=dict)
    """The default (or the setting) of every size, to see whether a size comes out whole."""
    slots: dict[str, Slot] = field(default_factory=dict)
    """Every value under its key: data, parameters, units."""
    connections: dict[str, Slot] = field(default_factory=dict)
    named: dict[str, Span] = field(default_factory=dict)
    """What `as` names: parameters and shared cells."""
    shared: dict[str, str] = field(default_factory=dict)
    """The cell that each shared use is of."""
    equations: list[Equation] = field(default_factory=list)
    starts: list[StartLine] = field(default_factory=list)
    start_statements: list[tuple[syntax.Start, Place]] = field(default_factory=list)
    losses: list[Equation] = field(default_factory=list)
    feedbacks: list[FeedbackLine] = field(default_factory=list)
    outputs: dict[str, Span] = field(default_factory=dict)
    used_functions: set[str] = field(default_factory=set)
    used_cells: set[str] = field(default_factory=set)
    drafts: int = 0

    def count(self, span: Span) -> None:
        """One more draft of the equation at hand; raises `Overflow` where there are too many."""
        self.drafts += 1
        if self.drafts > MOST_DRAFTS:
            what = "the number of operations in one equation, functions expanded,"
            self.reporter.report(TooMuch(span=span, what=what, limit=MOST_DRAFTS))
            raise Overflow

    def limit_equations(self, count: int, span: Span) -> None:
        """Raises `Overflow` where the network has too many equations."""
        if count > MOST_EQUATIONS:
            what = "the number of equations, cells expanded,"
            self.reporter.report(TooMuch(span=span, what=what, limit=MOST_EQUATIONS))
            raise Overflow

    def value_of(self, size: Size) -> Fraction | None:
        """A size for the network's defaults; None where a name has none."""
        try:
            return size.value(self.defaults)
        except (KeyError, ZeroDivisionError):
            return None
