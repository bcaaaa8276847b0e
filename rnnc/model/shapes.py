"""How shapes flow through an operation: from its operands to its result, and back to operands that are still
unknown.

Both directions only fill in what is unknown; whether everything fits is asked afterwards, by
`rnnc.model.fitting`.
"""

from __future__ import annotations

from rnnc.model.connections import kept
from rnnc.model.drafts import Draft, read_shape, taps
from rnnc.model.mixtures import mixture_result
from rnnc.ops.elementary import ELEMENTARY
from rnnc.sizes import ONE, Shape, Size, number

POINTWISE = frozenset(
    (
        "+",
        "-",
        "*",
        "/",
        "^",
        "neg",
        "<",
        "<=",
        ">",
        ">=",
        "==",
        "!=",
        "where",
        "forced",
        "dropout",
        "present",
    )
) | frozenset(e.name for e in ELEMENTARY)
KEEPING = frozenset(("softmax", "log_softmax", "layer_norm"))
REDUCING = frozenset(("sum", "mean", "norm"))
PAIRED = frozenset(("squared_error", "cross_entropy", "binary_cross_entropy", "ctc"))
"""Losses of a prediction and a target of one shape."""
LOSSES = PAIRED | {"mixture_density"}


def is_scalar(shape: Shape) -> bool:
    """Whether a shape broadcasts with any: a number, or an author's `: 1`."""
    return shape in ((), (ONE,))


def is_pointwise(draft: Draft) -> bool:
    """Whether an operation acts entry by entry; `min` and `max` of one operand do not."""
    return draft.op in POINTWISE and not (draft.op in ("min", "max") and len(draft.args) == 1)


def is_reduction(draft: Draft) -> bool:
    """Whether an operation takes every entry of its one operand to a number."""
    return draft.op in REDUCING or (draft.op in ("min", "max") and len(draft.args) == 1)


def broadcast(shapes: list[Shape]) -> Shape | None:
    """The shape of an elementwise operation, or None where the operands do not fit."""
    full = [s for s in shapes if not is_scalar(s)]
    if full:
        return full[0] if all(s == full[0] for s in full) else None
    return max(shapes, key=len) if shapes else ()


def up(draft: Draft) -> Shape | None:
    """The shape that follows from the operands; None where one is unknown or they do not fit."""
    if draft.shape is not None:
        return draft.shape
    if draft.op == "read":
        slot = draft.slot
        return None if slot is None or slot.shape is None else read_shape(slot.shape, draft.at)
    if draft.op == "poison":
        return None
    shapes = [a.shape for a in draft.args]
    known = [s for s in shapes if s is not None]
    if is_pointwise(draft):
        found = broadcast(known)
        return found if found is not None and (len(known) == len(shapes) or not is_scalar(found)) else None
    if is_reduction(draft) or draft.op in LOSSES or draft.op == "dot":
        return ()
    if len(known) < len(shapes):
        return _partly(draft, shapes)
    return _fitting(draft, known)


def result(draft: Draft, shapes: list[Shape]) -> Shape | None:
    """The shape that operands of these shapes give; None where they do not fit."""
    if is_pointwise(draft):
        return broadcast(shapes)
    if is_reduction(draft):
        return ()
    if draft.op == "mixture_density":
        return mixture_result(shapes)
    if draft.op == "dot" or draft.op in PAIRED:
        a, b = shapes[:2]
        token = draft.args[1].kind == "token"
        if token:
            slot = draft.args[1].slot
            fits = slot is not None and slot.token is not None and len(a) == 1 and a[0] == slot.token
        else:
            fits = a == b or (is_scalar(a) and is_scalar(b))
        return () if fits and (draft.op != "dot" or len(a) <= 1) else None
    return _fitting(draft, shapes)


def _partly(draft: Draft, shapes: list[Shape | None]) -> Shape | None:
    """What is known of a product though the weight or the source is not."""
    if draft.op == "row" and shapes[0] is not None and len(shapes[0]) == 2:
        return shapes[0][1:]
    weight = shapes[0]
    if draft.op in ("matmul", "bilinear", "sparse") and weight is not None and len(weight) > 1 and shapes[-1] is None:
        return weight[:1] if draft.op != "matmul" else None
    return None


def _fitting(draft: Draft, shapes: list[Shape]) -> Shape | None:
    op, first = draft.op, shapes[0]
    if op in KEEPING or op == "over":
        return first
    if op == "matmul":
        return _matmul(shapes[0], shapes[1])
    if op == "flatten":
        return (number(first),)
    if op == "concat":
        return _concat(shapes)
    if draft.ends is not None:
        start, stop = draft.ends
        return (stop - start, *first[1:]) if first else None
    if op == "outer":
        return (*first, *shapes[1]) if len(first) == 1 and len(shapes[1]) == 1 else None
    if op == "transpose":
        return (first[1], first[0]) if len(first) == 2 else None
    if op == "row":
        return first[1:] if len(first) == 2 else None
    if op == "bilinear":
        return first[:1] if len(first) == 3 and first[1:] == (*shapes[1], *shapes[2]) else None
    if op == "sparse":
        columns = draft.args[1].slot
        fits = columns is not None and (columns.columns_of,) == shapes[2] and first == shapes[1]
        return first[:1] if fits else None
    if op == "block":
        fits = len(first) == 3 and (first[0] * first[2],) == shapes[1]
        return (first[0] * first[1],) if fits else None
    return None


def _matmul(a: Shape, b: Shape) -> Shape | None:
    if not a or not b or len(a) > 2 or len(b) > 2 or a[-1] != b[0]:
        return None
    return (*a[:-1], *b[1:])


def _concat(shapes: list[Shape]) -> Shape | None:
    vectors = [s or (ONE,) for s in shapes]
    if any(v[1:] != vectors[0][1:] for v in vectors):
        return None
    total = Size.of(0)
    for v in vectors:
        total = total + v[0]
    return (total, *vectors[0][1:])


def down(draft: Draft) -> None:
    """Hand what is known of the result to operands that are unknown."""
    if draft.op == "read" and draft.shape is not None:
        slot = draft.slot
        if slot is not None and slot.shape is None and (slot.is_array or slot.key.endswith(".start")):
            windows = sum(1 for a in draft.at if taps(a))
            slot.shape = draft.shape[windows:]
        return
    unknown = [k for k, a in enumerate(draft.args) if a.shape is None]
    if not unknown:
        return
    if is_pointwise(draft):
        known = broadcast([a.shape for a in draft.args if a.shape is not None])
        push = known if known is not None and not is_scalar(known) else draft.shape
        if push is not None:
            for k in unknown:
                draft.args[k].shape = push
    elif draft.op in KEEPING or draft.op == "over":
        draft.args[0].shape = draft.args[0].shape or draft.shape
    elif draft.op == "ctc":
        slot = draft.args[1].slot
        if unknown == [0] and slot is not None and slot.token is not None:
            draft.args[0].shape = (slot.token,)
    elif draft.op == "dot" or draft.op in PAIRED:
        if len(unknown) == 1:
            draft.args[unknown[0]].shape = draft.args[1 - unknown[0]].shape
    elif draft.op == "concat":
        _concat_down(draft, unknown)
    else:
        _weights_down(draft, unknown)


def _concat_down(draft: Draft, unknown: list[int]) -> None:
    if len(unknown) != 1 or draft.shape is None or len(draft.shape) != 1:
        return
    left = draft.shape[0]
    for a in draft.args:
        if a.shape is not None:
            left = left - number(a.shape)
    draft.args[unknown[0]].shape = (left,)


def _weights_down(draft: Draft, unknown: list[int]) -> None:
    """The weight of a product from its result and its source, and the other way round."""
    shapes = [a.shape for a in draft.args]
    result = draft.shape
    if draft.op == "matmul":
        _matmul_down(draft, unknown)
    elif draft.op == "transpose" and result is not None and len(result) == 2:
        draft.args[0].shape = (result[1], result[0])
    elif draft.op == "bilinear" and 0 in unknown and result is not None:
        if shapes[1] is not None and shapes[2] is not None and len(result) == 1:
            draft.args[0].shape = (result[0], number(shapes[1]), number(shapes[2]))
    elif draft.op == "block" and unknown == [0] and result is not None and draft.size is not None:
        source = shapes[1]
        if source is not None and len(result) == 1:
            blocks = draft.size
            draft.args[0].shape = (blocks, result[0] / blocks, number(source) / blocks)
    elif draft.op == "sparse" and result is not None and shapes[2] is not None and len(result) == 1:
        width = number(shapes[2])
        columns = draft.args[1].slot
        for k in (0, 1):
            draft.args[k].shape = draft.args[k].shape or (result[0], kept(draft.value, width))
        if columns is not None and columns.columns_of is None:
            columns.columns_of = width


def _matmul_down(draft: Draft, unknown: list[int]) -> None:
    if len(unknown) != 1 or draft.shape is None:
        return
    a, b = draft.args[0].shape, draft.args[1].shape
    result = draft.shape
    if a is None and b is not None:
        inner = b[1:]
        if len(b) in (1, 2) and result[len(result) - len(inner) :] == inner and len(result) - len(inner) in (0, 1):
            draft.args[0].shape = (*result[: len(result) - len(inner)], b[0])
    elif b is None and a is not None:
        rows = a[:-1]
        if len(a) in (1, 2) and result[: len(rows)] == rows and len(result) - len(rows) in (0, 1):
            draft.args[1].shape = (a[-1], *result[len(rows) :])
