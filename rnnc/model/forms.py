"""The `Model`: one network with every name resolved, cells and functions expanded, shapes and axes known.

Connections have become parameters and plain operations, so nothing later knows how an author spelled a
weight. Everything is in an order that does not depend on the order of the author's statements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnc.diagnostics import Span
from rnnc.sizes import Shape, Size

Kind = Literal["real", "token", "truth"]


@dataclass(frozen=True)
class Type:
    """Axes a value varies along (in the network's order of axes), its unit shape, and what it holds.

    A scalar has shape `()`; an author's `: 1` is `(1,)`. Both broadcast with anything; nothing else does.
    A token has shape `()` and kind "token"; a comparison has kind "truth".
    """

    axes: tuple[str, ...]
    shape: Shape
    kind: Kind = "real"


@dataclass(frozen=True)
class At:
    """Where one axis of a value is read.

    anchor "here": `axis + low` relative to the current position; "first"/"last": `low` past the sequence's
    own first or last position (`h[last]` is low 0). With `high` set it is a window low..high: a new leading
    unit dimension of high - low + 1 taps, oldest (lowest) first.
    """

    axis: str
    low: int = 0
    high: int | None = None
    anchor: Literal["here", "first", "last"] = "here"


@dataclass(frozen=True)
class Number:
    """A literal, a constant of the network, or a number an initialiser was given."""

    value: float
    type: Type
    span: Span


@dataclass(frozen=True)
class SizeNumber:
    """A size used as a number: `dot(q, k) / sqrt(H)`."""

    size: Size
    type: Type
    span: Span


@dataclass(frozen=True)
class Position:
    """An axis name used as a number: the position itself, counted from 0 (mirrored cells keep it as it
    is).
    """

    axis: str
    type: Type
    span: Span


@dataclass(frozen=True)
class Read:
    """A value (input, target, parameter or unit, by its full key) read at one `At` per axis that it has, in
    order.

    Windows of several axes add their dimensions in the order of the axes.
    """

    name: str
    at: tuple[At, ...]
    type: Type
    span: Span


@dataclass(frozen=True)
class Apply:
    """An operation on values at one position. `op` is one of:

    elementwise   + - * / ^ neg < <= > >= == != where, and every name of rnnc.ops.elementary (tanh, exp, min,
    clip, ...) products      matmul(a, b): (m,k)(k,)  (m,k)(k,n)  (k,)(k,n)  (k,)(k,);  dot(a, b);  outer(a,
    b): (m,)(n,)
                  bilinear(W, a, b): (k,l,j)(l,)(j,);  block(W, a): (blocks,m,k)(blocks*k,) -> (blocks*m,)
                  sparse(W, columns, a): values (m,k), token array (m,k) of columns, (d,) -> (m,)
                  row(E, w): (v,e) and a token -> (e,)
    structure     concat(a, b, ...) and slice(a; `ends`) along the first dimension, transpose(a) of two
    dimensions,
                  flatten(a): all dimensions into one, row-major; made by losses alone: reshape(a), row-major;
                  cut(a; k): part k of a vector in equal parts; rows_added(a): the sum over the first dimension
    across units  sum mean max min norm softmax log_softmax layer_norm (over the last dimension; sum, mean,
    max, min and norm
                  reduce it (all dimensions are reduced to a scalar for a window or matrix))
    targets       forced(y, t), present(t): 1 where an entry of the target is present random        dropout(a;
    rate) losses        squared_error cross_entropy binary_cross_entropy mixture_density (value at a position,
    shape ()), ctc(p, l, blank) (the blank a size; one number without axes); only in a Loss `numbers` holds what
    stands after `;`. A function's body is expanded with its argument objects shared, so the same Python object may
    occur several times in a tree: it denotes one value.
    """

    op: str
    args: tuple[Expr, ...]
    type: Type
    span: Span
    numbers: tuple[float, ...] = ()
    ends: tuple[Size, Size] | None = None
    """Of a `slice`: its first entry, and the one after its last."""


STAYING = ("softmax", "log_softmax")
"""What runs over an axis and keeps it."""


@dataclass(frozen=True)
class Over:
    """`sum|mean|max|min over axis (body, where = ...)`: the axis goes; `softmax|log_softmax over axis`: it
    stays.

    `where` is an expression of kind "truth" or None. In a Loss, `mean` over an axis divides by the positions
    whose target is present.
    """

    op: str
    axis: str
    body: Expr
    where: Expr | None
    type: Type
    span: Span
    joint: bool = False
    """Of a `mean` in a Loss: one over several axes together with that in its body, `mean over i, j (...)`."""


Expr = Number | SizeNumber | Position | Read | Apply | Over


@dataclass(frozen=True)
class Init:
    """An initialiser by its name, with its numbers: `uniform(-0.5, 0.5)` is ("uniform", (-0.5, 0.5)).

    `columns` draws, for each row, that many different sorted columns out of numbers[0] ... see
    rnnc.ops.initial.
    """

    kind: str
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True)
class Parameter:
    """A trainable (`trained`) or fixed array under its key (`h.W_x`). `columns_of` is set for a sparse
    connection's pattern (kind "token"): the size of the dimension its entries index.
    """

    name: str
    shape: Shape
    init: Init
    trained: bool
    span: Span
    columns_of: Size | None = None


@dataclass(frozen=True)
class Datum:
    """An input or target: axes, shape, and the vocabulary size where it is a token."""

    name: str
    role: Literal["input", "target"]
    type: Type
    token: Size | None
    span: Span


@dataclass(frozen=True)
class Start:
    """What a unit or input is before its first step (after the last, where it runs backward).

    `early[k-1]`, where present, is the value k steps before the first; `default` is the value everywhere else
    outside on that side. Expressions have none of the value's axes. A learned start reads the parameter
    `h.start`.
    """

    default: Expr
    early: tuple[tuple[int, Expr], ...]
    span: Span


@dataclass(frozen=True)
class Unit:
    """One equation. `name` is its full key (`h`, `h1.i`); `role` tells gates apart; `cell` is the use it
    belongs to (`h1`) with the cell's name, or None; `backward` is True inside a mirrored cell. `equation`
    spans the author's statement.
    """

    name: str
    role: Literal["unit", "gate", "output"]
    type: Type
    right: Expr
    start: Start | None
    cell: tuple[str, str] | None
    span: Span
    equation: Span


@dataclass(frozen=True)
class InputStart:
    """A start declared for an input."""

    name: str
    start: Start


@dataclass(frozen=True)
class Loss:
    """One loss; its value is summed over the axes it has. `text` is the author's, for messages and
    listings.
    """

    right: Expr
    text: str
    span: Span


@dataclass(frozen=True)
class Feedback:
    """How the next step of `input` is made when the network generates, from units at the current step.

    "value": the source as it is; "token": drawn from a softmax; "flags": 0 or 1 from each entry of a sigmoid;
    "mixture": drawn from weights, means, deviations and, bivariate, correlations.
    """

    input: str
    kind: Literal["value", "token", "flags", "mixture"]
    sources: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class SizeName:
    """A size of the network, its default, and whether `-s` pinned it."""

    name: str
    default: int
    pinned: bool
    span: Span


@dataclass(frozen=True)
class Model:
    """One network, ready to become a system. `outputs` are the names `forward` returns, sorted like the
    units.
    """

    name: str
    sizes: tuple[SizeName, ...]
    axes: tuple[str, ...]
    inputs: tuple[Datum, ...]
    targets: tuple[Datum, ...]
    parameters: tuple[Parameter, ...]
    units: tuple[Unit, ...]
    input_starts: tuple[InputStart, ...]
    losses: tuple[Loss, ...]
    outputs: tuple[str, ...]
    span: Span
    feedbacks: tuple[Feedback, ...] = ()
