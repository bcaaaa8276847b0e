"""The `System`: recurrence equations over named axes. A network, its adjoint and its influence are all one of these.

A `Value` varies along sequence axes, perhaps over the batch, and has a unit shape. An `Equation` defines one value
at every
position with one operation on `Access`es: values read at an offset on each axis. Recurrence is an offset, nothing else.

Positions: on an axis of length N a value exists at 0..N-1 (each sequence's own N). Read outside, a value is zero,
or its `Border` on the side where the value has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rnnc.diagnostics import Span
from rnnc.model.forms import At, Init, Kind
from rnnc.ops.formula import Formula
from rnnc.sizes import Shape, Size

NONE = Size.of(0)

Role = Literal[
    "input",
    "target",
    "parameter",
    "fixed",
    "position",
    "length",
    "seed",
    "given",
    "unit",
    "part",
    "adjoint",
    "gradient",
]


@dataclass(frozen=True)
class Value:
    """`name` is unique in the system. `axes` are its sequence axes in array order, then comes the batch (if
    `batched`), then
    `shape`. Role "unit" is the author's; "part" is made by the compiler; "position" (`#n`, counted from 0) and
    "length" (`|n|`)
    are not computed; nor is "seed", the derivative of what is minimised by each sequence's loss, nor "given", what a
    part of a sequence is told of the others (`rnnc.system.pieces`, `rnnc.learning.hybrid`). A token
    holds whole numbers, -1 where a target is missing; a missing real target is NaN."""

    name: str
    role: Role
    axes: tuple[str, ...]
    batched: bool
    shape: Shape
    kind: Kind = "real"


@dataclass(frozen=True)
class Access:
    """`name` read at one `At` per axis it has. `dims` names every unit dimension (a window's taps come first) by a
    label of
    the equation; a whole number instead of a label reads that one entry of the dimension."""

    name: str
    at: tuple[At, ...]
    dims: tuple[str | int, ...]
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def in_place(self) -> bool:
        """Whether it is read at the very position that is computed, along all of its axes."""
        return all(a == At(a.axis) for a in self.at)


@dataclass(frozen=True)
class Pointwise:
    """One formula at every position and label of the output. A read lacking an axis, the batch or a label is
    broadcast."""

    formula: Formula


@dataclass(frozen=True)
class Contract:
    """The product of all reads, summed over every label, axis (read "here", over its valid positions) and the batch
    that the output lacks. One read: a sum, a transposition or a copy."""


@dataclass(frozen=True)
class Softmax:
    """softmax (or its logarithm) of reads[0] over the label or axis `over`; it keeps its place. reads[1], where
    present, is a
    mask: where it is 0 the result is 0 and the entry does not count (all masked: all 0)."""

    over: str
    log: bool


@dataclass(frozen=True)
class Extreme:
    """The maximum or minimum of reads[0] over the labels or axes in `over`, which go. reads[1]: an optional mask as
    above."""

    kind: Literal["max", "min"]
    over: tuple[str, ...]


@dataclass(frozen=True)
class Gather:
    """out[..., dims] = reads[0][token, dims]: a row of a table by reads[1]; a missing token (-1) gives zeros.
    reads[0]'s first label
    is the row. Where reads[0] varies along axes or the batch it is read at this position's."""


@dataclass(frozen=True)
class Scatter:
    """The transpose of Gather: out[row, dims] = sum over positions where reads[1] == row of reads[0]; `row` is
    out's first label.
    Positions, axes and batch the output lacks are summed; a missing token adds nothing."""


@dataclass(frozen=True)
class Take:
    """out[m, k] = reads[0][reads[1][m, k]]: entries of a vector by a fixed table of columns (sparse connections)."""


@dataclass(frozen=True)
class Untake:
    """The transpose of Take: out[d] = sum over (m, k) with reads[1][m, k] == d of reads[0][m, k]; reads[0] may have
    dimensions behind those of the table, which the output then has behind its own."""


@dataclass(frozen=True)
class Concat:
    """The reads side by side along their first dimension. A read whose entry in `zeros` is set is that many zeros
    instead
    (its read is absent): `parts` gives each part's size along the first dimension, and the read's index or None."""

    parts: tuple[tuple[Size, int | None], ...]


@dataclass(frozen=True)
class Slice:
    """Entries start..stop-1 of the first dimension of the only read."""

    start: Size
    stop: Size


@dataclass(frozen=True)
class Reshape:
    """The only read's dimensions seen as the output's shape, row-major."""


@dataclass(frozen=True)
class Dropout:
    """Not an operation on numbers drawn here: reads[0] times a mask of 0 and 1/(1-rate) drawn by (seed, `key`,
    shape). Where the
    module leaves dropout out it copies."""

    rate: float
    key: str


@dataclass(frozen=True)
class Signs:
    """1 or -1 at every entry, each as likely, drawn by (seed, `key`, position); no reads."""

    key: str


@dataclass(frozen=True)
class Ctc:
    """-log P(labels | logits) of a whole sequence (Graves et al. 2006): reads[0] holds the logits along the first
    axis of `over`, reads[1] the labels (tokens) along the second; `blank` is the class that is no label. A label of -1
    ends them. +inf where no alignment exists; 0 where the labels are not given. `title` is the author's name of the
    prediction."""

    over: tuple[str, str]
    blank: Size
    title: str


@dataclass(frozen=True)
class CtcGradient:
    """reads[2], the adjoint of the `Ctc` of the same other reads, times its derivative by the logits; 0 where the loss
    is +inf."""

    over: tuple[str, str]
    blank: Size
    title: str


@dataclass(frozen=True)
class Term:
    """The product of the next `reads` reads of its equation (none: 1), summed over every label, axis and batch that
    is neither in `dims` nor in the output, and put at the labels `dims` of the output; where one of them stands
    twice, on
    the diagonal alone. With `start`, the entries of the output's last dimension from there on are seen as dimensions
    of `shape`, and the last labels of `dims` are theirs. With `taken`, the last read is read not at the label `taken`
    but at the entries that the read before it, a table of whole numbers, has there."""

    reads: int
    dims: tuple[str, ...]
    start: Size | None = None
    shape: Shape = ()
    taken: str | None = None


@dataclass(frozen=True)
class Products:
    """The sum of `terms`, zero where none puts anything: how an influence is made of earlier ones."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Part:
    """The entries of the last dimension of the only read from `start` on, as many as fill the dimensions that the
    output has for it. With `width`, the first of these numbers rows of so many entries, of which those from `offset`
    on are meant."""

    start: Size
    width: Size | None = None
    offset: Size = NONE


Op = (
    Pointwise
    | Contract
    | Softmax
    | Extreme
    | Gather
    | Scatter
    | Take
    | Untake
    | Concat
    | Slice
    | Reshape
    | Dropout
    | Signs
    | Ctc
    | CtcGradient
    | Products
    | Part
)


@dataclass(frozen=True)
class Equation:
    """`out` at every position. `dims` labels out's unit dimensions. `about` says in the author's terms what it
    computes."""

    out: str
    dims: tuple[str, ...]
    op: Op
    reads: tuple[Access, ...]
    about: str = ""
    span: Span | None = None


FROM_BORDER = "what the first steps read of the start"
"""Marks the equations that are zero where a state stands in for the start."""

ROW = ":row"
"""Ends the name of a position (`#n:row`) that is counted from where a state goes on."""


@dataclass(frozen=True)
class Border:
    """What `name` is outside the sequence on its start side: the value `early[k]` k positions outside, else `default`.

    `sides` gives for each axis of the value whether "before the first step" is below 0 ("low") or past the end
    ("high").
    The named values have none of the value's axes; None is zero. Past the other end a value is zero; past both, zero.
    `rows` names what stands k positions below 0 of the first axis inside the others, which it has; it is there to be
    differentiated by (`rnnc.learning.rowwise`), and a system that runs has none.
    """

    name: str
    sides: tuple[Literal["low", "high"], ...]
    default: str | None
    early: tuple[tuple[int, str | None], ...] = ()
    rows: tuple[tuple[int, str], ...] = ()

    def reads(self) -> tuple[str, ...]:
        return tuple(n for n in (self.default, *(e for _, e in (*self.early, *self.rows))) if n is not None)


@dataclass(frozen=True)
class Parameter:
    """How a parameter value is filled: its initialiser, or, for stacked weights, the parameters whose rows it joins."""

    name: str
    init: Init
    trained: bool
    columns_of: Size | None = None


@dataclass(frozen=True)
class Stack:
    """A parameter value that is several named ones side by side along the first dimension, in this order."""

    name: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class System:
    """Values (sorted by first definition), equations in no particular order of execution, borders, and what is
    asked of it:
    `outputs` (units returned), `loss` (a batched scalar value, None without losses), `gradients` (name, value of
    its gradient), `kept` (values handed on to whatever comes behind). `targets_of_loss` are the targets that must be
    given before there is a loss."""

    name: str
    axes: tuple[str, ...]
    sizes: tuple[tuple[str, int, bool], ...]
    values: tuple[Value, ...]
    equations: tuple[Equation, ...]
    borders: tuple[Border, ...]
    parameters: tuple[Parameter, ...]
    stacks: tuple[Stack, ...]
    outputs: tuple[str, ...]
    loss: str | None
    tokens: tuple[tuple[str, Size], ...] = ()
    gradients: tuple[tuple[str, str], ...] = ()
    kept: tuple[str, ...] = ()
