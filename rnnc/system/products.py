"""The operations that are not elementwise, each as the equations it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rnnc.diagnostics import Span
from rnnc.model import forms as m
from rnnc.ops import formula as f
from rnnc.sizes import Size, number
from rnnc.system import forms as s

if TYPE_CHECKING:
    from rnnc.system.lowering import Lowering

LAYER_NORM_EPSILON = 1e-5
"""Added to the variance before its root (Ba, Kiros and Hinton 2016, and every library's default)."""

Make = Callable[["Lowering", Any, str, str, Span], None]


def _matmul(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    a, b = e.args
    left: tuple[str, ...] = (".k",) if len(a.type.shape) == 1 else (".i0", ".k")
    right: tuple[str, ...] = (".k",) if len(b.type.shape) == 1 else (".k", ".j0")
    out = tuple(x for x in (*left, *right) if x != ".k")
    reads = (low.operand_of(a, left), low.operand_of(b, right))
    low.emit(name, e.type.axes, e.type.shape, s.Contract(), reads, out, about, span)


def _dot(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    a, b = e.args
    ranks = tuple(tuple(f".k{i}" for i in range(len(x.type.shape))) for x in (a, b))
    reads = (low.operand_of(a, ranks[0]), low.operand_of(b, ranks[1]))
    low.emit(name, e.type.axes, e.type.shape, s.Contract(), reads, (), about, span)


def _outer(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    reads = (low.operand_of(e.args[0], (".i0",)), low.operand_of(e.args[1], (".i1",)))
    low.emit(name, e.type.axes, e.type.shape, s.Contract(), reads, (".i0", ".i1"), about, span)


def _bilinear(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    weight, a, b = e.args
    pair = low.fresh("pair")
    axes = tuple(x for x in low.model.axes if x in a.type.axes or x in b.type.axes)
    reads = (low.operand_of(a, (".l",)), low.operand_of(b, (".j",)))
    shape = (weight.type.shape[1], weight.type.shape[2])
    low.emit(pair, axes, shape, s.Contract(), reads, (".l", ".j"))
    both = (low.operand_of(weight, (".i0", ".l", ".j")), low.here(pair, (".l", ".j")))
    low.emit(name, e.type.axes, e.type.shape, s.Contract(), both, (".i0",), about, span)


def _block(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    weight, a = e.args
    blocks, rows, columns = weight.type.shape
    cut = low.fresh("blocks")
    low.emit(cut, a.type.axes, (blocks, columns), s.Reshape(), (low.operand_of(a, (".k",)),))
    product = low.fresh("block")
    reads = (low.operand_of(weight, (".g", ".i0", ".k")), low.here(cut, (".g", ".k")))
    low.emit(product, e.type.axes, (blocks, rows), s.Contract(), reads, (".g", ".i0"))
    low.emit(name, e.type.axes, e.type.shape, s.Reshape(), (low.here(product, (".g", ".k")),), None, about, span)


def _sparse(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    weight, columns, a = e.args
    taken = low.fresh("taken")
    reads = (low.operand_of(a, (".d",)), low.operand_of(columns, (".i0", ".k")))
    low.emit(taken, a.type.axes, weight.type.shape, s.Take(), reads, (".i0", ".k"))
    both = (low.operand_of(weight, (".i0", ".k")), low.here(taken, (".i0", ".k")))
    low.emit(name, e.type.axes, e.type.shape, s.Contract(), both, (".i0",), about, span)


def _row(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    table, token = e.args
    dims = tuple(f".i{k}" for k in range(len(e.type.shape)))
    reads = (low.operand_of(table, (".v", *dims)), low.operand_of(token, (0,) * len(token.type.shape)))
    low.emit(name, e.type.axes, e.type.shape, s.Gather(), reads, dims, about, span)


def _concat(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    reads = tuple(low.operand_of(a, _free(a)) for a in e.args)
    parts = tuple((a.type.shape[0] if a.type.shape else Size.of(1), i) for i, a in enumerate(e.args))
    low.emit(name, e.type.axes, e.type.shape, s.Concat(parts), reads, None, about, span)


def _slice(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    assert e.ends is not None
    read = low.operand_of(e.args[0], _free(e.args[0]))
    low.emit(name, e.type.axes, e.type.shape, s.Slice(*e.ends), (read,), None, about, span)


def _transpose(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    read = low.operand_of(e.args[0], (".i1", ".i0"))
    low.emit(name, e.type.axes, e.type.shape, s.Contract(), (read,), (".i0", ".i1"), about, span)


def _flatten(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    read = low.operand_of(e.args[0], _free(e.args[0]))
    low.emit(name, e.type.axes, e.type.shape, s.Reshape(), (read,), None, about, span)


def _cut(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    length, k = e.type.shape[0], int(e.numbers[0])
    start, stop = length * Size.of(k), length * Size.of(k + 1)
    read = low.operand_of(e.args[0], (".i0",))
    low.emit(name, e.type.axes, e.type.shape, s.Slice(start, stop), (read,), None, about, span)


def _rows_added(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    kept = _free(e)
    read = low.operand_of(e.args[0], (".row", *kept))
    low.emit(name, e.type.axes, e.type.shape, s.Contract(), (read,), kept, about, span)


def _sum(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    read = low.operand_of(e.args[0], _free(e.args[0]))
    low.emit(name, e.type.axes, e.type.shape, s.Contract(), (read,), _kept(e), about, span)


def _mean(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    total = low.fresh("total")
    _sum(low, e, total, "", span)
    count = number(e.args[0].type.shape[len(_kept(e)) :])
    ratio = f.Operation("/", (f.Operand(0), f.Extent(count)))
    low.emit(
        name,
        e.type.axes,
        e.type.shape,
        s.Pointwise(ratio),
        (low.here(total, _kept(e)),),
        _kept(e),
        about,
        span,
    )


def _extreme(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    free = _free(e.args[0])
    over = tuple(x for x in free if x not in _kept(e))
    kind: Any = e.op
    read = low.operand_of(e.args[0], free)
    low.emit(name, e.type.axes, e.type.shape, s.Extreme(kind, over), (read,), _kept(e), about, span)


def _norm(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    squares = low.fresh("squares")
    read = low.operand_of(e.args[0], _free(e.args[0]))
    low.emit(squares, e.type.axes, e.type.shape, s.Contract(), (read, read), _kept(e))
    root = f.Operation("root", (f.Operand(0),))
    low.emit(
        name,
        e.type.axes,
        e.type.shape,
        s.Pointwise(root),
        (low.here(squares, _kept(e)),),
        _kept(e),
        about,
        span,
    )


def _softmax(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    free = _free(e.args[0])
    read = low.operand_of(e.args[0], free, "net")
    low.emit(
        name,
        e.type.axes,
        e.type.shape,
        s.Softmax(free[-1], e.op == "log_softmax"),
        (read,),
        free,
        about,
        span,
    )


def _layer_norm(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    free = _free(e.args[0])
    axes, shape, width = e.type.axes, e.type.shape, f.Extent(e.type.shape[-1])
    source = low.operand_of(e.args[0], free, "net")
    total = low.emit(low.fresh("total"), axes, shape[:-1], s.Contract(), (source,), free[:-1])
    centred = f.Operation("-", (f.Operand(0), f.Operation("/", (f.Operand(1), width))))
    from_mean = low.fresh("centred")
    low.emit(from_mean, axes, shape, s.Pointwise(centred), (source, low.here(total, free[:-1])), free)
    square = low.fresh("squares")
    low.emit(square, axes, shape[:-1], s.Contract(), (low.here(from_mean, free),) * 2, free[:-1])
    spread = low.fresh("deviation")
    variance = f.Operation("+", (f.Operation("/", (f.Operand(0), width)), f.Constant(LAYER_NORM_EPSILON)))
    raised = low.emit(
        low.fresh("variance"),
        axes,
        shape[:-1],
        s.Pointwise(variance),
        (low.here(square, free[:-1]),),
        free[:-1],
    )
    root = f.Operation("sqrt", (f.Operand(0),))
    low.emit(spread, axes, shape[:-1], s.Pointwise(root), (low.here(raised, free[:-1]),), free[:-1])
    ratio = f.Operation("/", (f.Operand(0), f.Operand(1)))
    both = (low.here(from_mean, free), low.here(spread, free[:-1]))
    low.emit(name, axes, shape, s.Pointwise(ratio), both, free, about, span)


def _dropout(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    free = _free(e.args[0])
    read = low.operand_of(e.args[0], free)
    low.emit(name, e.type.axes, e.type.shape, s.Dropout(e.numbers[0], name), (read,), free, about, span)


# ---- across an axis


def _masked(low: Lowering, e: m.Over, free: tuple[str, ...]) -> s.Access:
    """The body where the mask holds, 0 elsewhere."""
    assert e.where is not None
    chosen = low.fresh("masked")
    axes = tuple(x for x in low.model.axes if x in e.body.type.axes or x in e.where.type.axes or x == e.axis)
    reads = (_mask(low, e.where), low.operand_of(e.body, free))
    where = f.Operation("where", (f.Operand(0), f.Operand(1), f.ZERO))
    low.emit(chosen, axes, e.body.type.shape, s.Pointwise(where), reads, free)
    return low.here(chosen, free)


def _mask(low: Lowering, where: m.Expr) -> s.Access:
    """The mask, a number at a position; one declared `: 1` is read at its only entry."""
    return low.operand_of(where, (0,) * len(where.type.shape))


def _factors(low: Lowering, body: m.Expr, free: tuple[str, ...]) -> tuple[s.Access, ...]:
    """The accesses whose product is `body`: a product over an axis needs no array of its own."""
    if isinstance(body, m.Apply) and body.op == "*":
        parts: list[s.Access] = []
        for a in body.args:
            whole = a.type.shape == body.type.shape
            parts.extend(_factors(low, a, free) if whole else (low.operand_of(a, (0,) * len(a.type.shape)),))
        return tuple(parts)
    if isinstance(body, m.Number | m.SizeNumber | m.Position):
        return (low.here(low.shaped(body, body.type.shape, "number"), free),)
    return (low.operand_of(body, free),)


def _over_sum(low: Lowering, e: m.Over, name: str, about: str, span: Span) -> None:
    free = _free(e.body)
    reads = _factors(low, e.body, free) if e.where is None else (_masked(low, e, free),)
    moving = tuple(r for r in reads if any(a.axis == e.axis and a.anchor == "here" for a in r.at))
    if not moving:
        raise AssertionError("checked by the model: what is summed over an axis varies along it")
    if len(moving) == len(reads):
        low.emit(name, e.type.axes, e.type.shape, s.Contract(), reads, free, about, span)
        return
    # what stands still comes out of the sum: a step that learns it then reads the sum of the others, not all positions
    still = tuple(r for r in reads if r not in moving)
    labels = tuple(d for d in free if any(d in r.dims for r in moving))
    axes = tuple(a.axis for r in moving for a in r.at if a.anchor == "here" and a.axis != e.axis)
    shape = tuple(e.body.type.shape[free.index(d)] for d in labels)
    total = low.emit(low.fresh("total"), axes, shape, s.Contract(), moving, labels, "", span)
    factors = (*still, low.here(total, labels))
    product = s.Pointwise(f.product_of(len(factors)))
    low.emit(name, e.type.axes, e.type.shape, product, factors, free, about, span)


def _over_mean(low: Lowering, e: m.Over, name: str, about: str, span: Span) -> None:
    total = low.fresh("total")
    _over_sum(low, e, total, "", span)
    free = _free(e.body)
    if e.where is None or e.axis not in e.where.type.axes:
        count = s.Access(f"|{e.axis}|", (), ())
    else:
        counted = low.fresh("count")
        axes = tuple(x for x in e.where.type.axes if x != e.axis)
        low.emit(counted, axes, (), s.Contract(), (_mask(low, e.where),), ())
        count = low.here(counted, ())
    # an empty mask divides 0 by 1, not by 0: what is masked is 0 in the result
    ratio = f.Operation("/", (f.Operand(0), f.Operation("max", (f.Operand(1), f.UNIT))))
    low.emit(name, e.type.axes, e.type.shape, s.Pointwise(ratio), (low.here(total, free), count), free, about, span)


def _over_extreme(low: Lowering, e: m.Over, name: str, about: str, span: Span) -> None:
    free = _free(e.body)
    kind: Any = e.op
    reads: tuple[s.Access, ...]
    if e.where is None:
        reads = (low.operand_of(e.body, free),)
    else:
        # what varies along the axis by its mask alone has to be laid out along it
        value = low.operand_of(e.body, free) if e.axis in e.body.type.axes else _masked(low, e, free)
        reads = (value, _mask(low, e.where))
    low.emit(name, e.type.axes, e.type.shape, s.Extreme(kind, (e.axis,)), reads, free, about, span)


def _over_softmax(low: Lowering, e: m.Over, name: str, about: str, span: Span) -> None:
    free = _free(e.body)
    reads: tuple[s.Access, ...] = (low.operand_of(e.body, free, "net"),)
    if e.where is not None:
        reads = (*reads, _mask(low, e.where))
    low.emit(name, e.type.axes, e.type.shape, s.Softmax(e.axis, e.op == "log_softmax"), reads, free, about, span)


def _ctc(low: Lowering, e: m.Apply, name: str, about: str, span: Span) -> None:
    logits, labels, blank = e.args
    assert isinstance(blank, m.SizeNumber)
    over = (logits.type.axes[0], labels.type.axes[0])
    reads = (low.operand_of(logits, (".k",), "net"), low.operand_of(labels, (0,) * len(labels.type.shape)))
    low.emit(name, (), (), s.Ctc(over, blank.size, logits.span.text), reads, (), about, span)


def _free(e: m.Expr) -> tuple[str, ...]:
    return tuple(f".i{k}" for k in range(len(e.type.shape)))


def _kept(e: m.Apply) -> tuple[str, ...]:
    return _free(e.args[0])[: len(e.type.shape)]


PRODUCTS: dict[str, Make] = {
    "matmul": _matmul,
    "dot": _dot,
    "outer": _outer,
    "bilinear": _bilinear,
    "block": _block,
    "sparse": _sparse,
    "row": _row,
    "concat": _concat,
    "slice": _slice,
    "transpose": _transpose,
    "flatten": _flatten,
    "reshape": _flatten,
    "cut": _cut,
    "rows_added": _rows_added,
    "sum": _sum,
    "mean": _mean,
    "extreme": _extreme,
    "norm": _norm,
    "softmax": _softmax,
    "log_softmax": _softmax,
    "layer_norm": _layer_norm,
    "dropout": _dropout,
    "ctc_of_logits": _ctc,
    "over sum": _over_sum,
    "over mean": _over_mean,
    "over max": _over_extreme,
    "over min": _over_extreme,
    "over softmax": _over_softmax,
    "over log_softmax": _over_softmax,
}
