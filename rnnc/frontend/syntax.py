"""The syntax tree: what the author wrote, name by name, nothing resolved yet. Every node carries its span."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.diagnostics import Span


@dataclass(frozen=True)
class Name:
    """A name as written; `text` keeps the author's spelling."""

    text: str
    span: Span


@dataclass(frozen=True)
class Number:
    """`3`, `0.5`, `1e-3`; `whole` when written without point or exponent."""

    value: float
    whole: bool
    text: str
    span: Span


@dataclass(frozen=True)
class Index:
    """One entry between brackets: `n-1`, `4*k+3`, `first`, `last`, `first-1`; `high` makes it a window
    `low..high`.

    `low` and `high` are expressions (Reference to an axis or `first`/`last`, sums, products, numbers).
    """

    low: Expr
    high: Expr | None
    span: Span


@dataclass(frozen=True)
class Reference:
    """A name, dotted parts (`h1.c`) and an index list: `h`, `x[n-1]`, `h[i-1, j]`, `h1.c[last]`, `E[w]`.

    `index` is None where no brackets stand. `first` and `last` inside an index are References with that name.
    """

    name: Name
    parts: tuple[Name, ...]
    index: tuple[Index, ...] | None
    span: Span


@dataclass(frozen=True)
class Keyword:
    """`as = W_skip`, `density = 0.1`, `init = ones`, `where = mask > 0` as an argument."""

    name: Name
    value: Expr
    span: Span


@dataclass(frozen=True)
class Call:
    """`tanh(...)`, `full(a, b, as = W)`, `lstm(x, 128) backward over n as shared`, `sum over s (...)`.

    `over` holds the axis names between function and parenthesis (`sum over s (..)`) or, for a cell, after it;
    `over_first` tells which. `bias` without parentheses is a Call without arguments and `bare = True`.
    """

    function: Name
    args: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]
    over: tuple[Name, ...]
    over_first: bool
    backward: Span | None
    shared: Name | None
    bare: bool
    span: Span


@dataclass(frozen=True)
class Unary:
    """`-a`."""

    op: str
    operand: Expr
    span: Span


@dataclass(frozen=True)
class Chain:
    """A run of operators of one precedence level: `a + b - c` is first `a`, rest `(("+", b), ("-", c))`.

    Levels: comparisons (`< <= > >= == !=`, at most one), `+ -`, `* / @`, `^` (right operand a Unary or atom).
    """

    first: Expr
    rest: tuple[tuple[str, Expr], ...]
    span: Span


@dataclass(frozen=True)
class Strings:
    """A quoted text where an expression stands (always a mistake that a later stage words)."""

    text: str
    span: Span


Expr = Number | Reference | Call | Unary | Chain | Strings


@dataclass(frozen=True)
class Shape:
    """`D`, `(H, D)`, `token(V)`; `token` is set for the last, `dims` holds the others."""

    dims: tuple[Expr, ...]
    token: Expr | None
    span: Span


@dataclass(frozen=True)
class AxisDeclaration:
    """`axis n`, `axis s, t`, `axis k = n / 4`, `axis r settle(tol = 1e-6, max = 200)`, `axis u step(dt =
    0.1)`.
    """

    names: tuple[Name, ...]
    definition: Expr | None
    kind: Call | None
    span: Span


@dataclass(frozen=True)
class Declared:
    """The left side of a declaration: `h[n]`, `h[u]'`, `x`; `axes` holds the names between the brackets."""

    name: Name
    axes: tuple[Name, ...]
    prime: bool
    span: Span


@dataclass(frozen=True)
class Data:
    """`input`, `target`, `param` or `fixed` (in `keyword`): names, an optional shape, an optional
    initialiser.
    """

    keyword: Name
    names: tuple[Declared, ...]
    shape: Shape | None
    init: Expr | None
    span: Span


@dataclass(frozen=True)
class Unit:
    """`unit`, `gate` or `output` (in `keyword`) with its equation; `random` when written with `~`.

    `word` is the name after a random right side: `~ bernoulli(p) through`.
    """

    keyword: Name
    left: Declared
    shape: Shape | None
    right: Expr
    random: bool
    span: Span
    word: Name | None = None


@dataclass(frozen=True)
class Output:
    """`output y` without an equation: a unit declared elsewhere that `forward` returns."""

    keyword: Name
    names: tuple[Declared, ...]
    span: Span


@dataclass(frozen=True)
class Start:
    """`start h = 0 | learned | expression`; `index` is the border position of `start y[first-1] = a`, else
    None.
    """

    name: Name
    parts: tuple[Name, ...]
    index: tuple[Index, ...] | None
    right: Expr
    learned: bool
    span: Span


@dataclass(frozen=True)
class Loss:
    """`loss squared_error(y, t)`, `loss mean over n (...)`."""

    right: Expr
    span: Span


@dataclass(frozen=True)
class Feedback:
    """`feedback x[n+1] = sample(p[n])`."""

    left: Reference
    right: Expr
    span: Span


@dataclass(frozen=True)
class Function:
    """`fn swish(z) = z * sigmoid(z)`."""

    name: Name
    formals: tuple[Name, ...]
    body: Expr
    span: Span


@dataclass(frozen=True)
class Return:
    """`return y` of a cell."""

    name: Name
    span: Span


Statement = AxisDeclaration | Data | Unit | Output | Start | Loss | Feedback | Function | Return


@dataclass(frozen=True)
class Default:
    """A formal of a network or cell: `H = 4` or `x`."""

    name: Name
    value: Expr | None
    span: Span


@dataclass(frozen=True)
class Cell:
    """`cell lstm(x, H) over n { ... }`."""

    name: Name
    formals: tuple[Default, ...]
    over: tuple[Name, ...]
    body: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True)
class Network:
    """`network elman(D = 3, H = 4) { ... }`."""

    name: Name
    formals: tuple[Default, ...]
    body: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True)
class Use:
    """`use "other.rnn"` or `use "lstm"`."""

    path: str
    path_span: Span
    span: Span


@dataclass(frozen=True)
class File:
    """One file of a spec."""

    uses: tuple[Use, ...]
    functions: tuple[Function, ...]
    cells: tuple[Cell, ...]
    networks: tuple[Network, ...]
    span: Span
