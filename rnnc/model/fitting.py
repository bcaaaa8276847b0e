"""Whether the operands of a draft fit: their shapes and what they hold. What is wrong becomes a
diagnostic.
"""

from __future__ import annotations

from rnnc.diagnostics import Diagnostic, Edit, Help, Label
from rnnc.model.drafts import Draft
from rnnc.model.errors_losses import LabelAxis
from rnnc.model.errors_shapes import DeclaredDiffers, ShapesDiffer, SharedDiffers, WrongType, spelled
from rnnc.model.mixtures import mixture_mistake
from rnnc.model.reasons import reasons
from rnnc.model.shapes import PAIRED, is_pointwise, is_scalar
from rnnc.sizes import Shape

COMPARISONS = frozenset(("<", "<=", ">", ">=", "==", "!="))


def wrong_kind(draft: Draft) -> Diagnostic | None:
    """The mistake of an operation whose operands hold the wrong kind of thing."""
    for place, argument in enumerate(draft.args):
        wanted = _wanted(draft, place)
        if argument.kind in wanted:
            continue
        if draft.op == "ctc" and place == 1:
            said = f"the labels of `ctc` are tokens, `{argument.span.text}` holds numbers"
            declared = argument.slot.span if argument.slot is not None else None
            return LabelAxis(span=argument.span, said=said, hint="not tokens", declared=declared)
        return _kind(draft, argument, wanted)
    return None


def _wanted(draft: Draft, place: int) -> tuple[str, ...]:
    op = draft.op
    if op in COMPARISONS:
        return ("real", "token")
    if (op == "where" and place == 0) or (op == "over" and place == 1):
        return ("truth",)
    if (op == "row" and place == 1) or (op == "sparse" and place == 1):
        return ("token",)
    if op == "ctc" and place == 1:
        return ("token",)
    if (op == "cross_entropy" and place == 1) or op == "present":
        return ("real", "token")
    return ("real",)


def _kind(draft: Draft, argument: Draft, wanted: tuple[str, ...]) -> Diagnostic:
    text = argument.span.text
    declared = argument.slot.span if argument.slot is not None else None
    mend = None
    if argument.kind == "token":
        said = f"`{text}` is a token, a real number is wanted"
        hint = "which row of which table?"
        if not (argument.slot is not None and argument.slot.role == "target"):
            mend = Help(f"write `embedding({text}, ...)` with the width of its rows")
        return WrongType(span=argument.span, said=said, hint=hint, declared=declared, mend=mend)
    if argument.kind == "truth":
        said = f"`{text}` is true or false, a number is wanted"
        mended = f"where({text}, 1, 0)"
        mend = Help(f"write `{mended}`", (Edit(argument.span, mended),))
        return WrongType(span=argument.span, said=said, hint="not a number", mend=mend)
    if "truth" in wanted:
        said = f"`{text}` is a number, a comparison is wanted"
        mend = Help(f"write `{text} > 0`", (Edit(argument.span, f"{text} > 0"),))
        return WrongType(span=argument.span, said=said, hint="neither true nor false", declared=declared, mend=mend)
    said = f"a row is picked by a token, `{text}` holds real numbers"
    return WrongType(span=argument.span, said=said, hint="not a token", declared=declared)


def wrong_shapes(draft: Draft, shapes: list[Shape]) -> Diagnostic:
    """The mistake of an operation whose operands do not fit."""
    op = draft.op
    shared = next((a.slot for a in draft.args if _shared(a)), None)
    if shared is not None:
        others = [use for use in shared.uses if use != draft.span]
        spans = sorted((draft.span, *others[:1]), key=lambda s: s.start)
        return SharedDiffers(span=spans[-1], name=shared.key, what="shapes", first=spans[0])
    if op == "mixture_density":
        return mixture_mistake(draft, shapes)
    if op in PAIRED:
        return _loss(draft, shapes)
    if is_pointwise(draft):
        return _pointwise(draft, shapes)
    if op == "matmul":
        a, b = draft.args
        mend = None
        if a.slot is not None and a.slot.is_array and len(shapes[0]) == 2 and shapes[0][:1] == shapes[1][:1]:
            mend = Help(f"`{a.slot.key}` may be meant transposed: `transpose({a.span.text})`")
        if not all(shapes):
            return _number(draft, shapes)
        return ShapesDiffer(
            span=b.span,
            what="a product `@`",
            shapes=tuple(shapes),
            places=(a.span, b.span),
            mend=mend,
            reasons=(*reasons(a), *reasons(b)),
        )
    if op == "block":
        said = f"the shape {spelled(shapes[1])} does not come in {draft.size} equal blocks"
        return WrongType(span=draft.span, said=said)
    if op == "slice":
        said = f"`slice` cuts a vector, found shape {spelled(shapes[0])}"
        return WrongType(span=draft.span, said=said, hint="a number")
    places = tuple(a.span for a in draft.args)
    if op in ("transpose", "row"):
        verb = "`transpose` turns" if op == "transpose" else "a row is picked from"
        said = f"{verb} a matrix, found shape {spelled(shapes[0])}"
        return WrongType(span=draft.args[0].span, said=said, hint=f"has shape {spelled(shapes[0])}")
    return ShapesDiffer(span=places[-1], what=f"`{op}`", shapes=tuple(shapes), places=places)


def _number(draft: Draft, shapes: list[Shape]) -> Diagnostic:
    place = 0 if not shapes[0] else 1
    number = draft.args[place]
    said = f"`@` is a product of vectors and matrices, `{number.span.text}` is a number"
    mend = Help("use `*` to multiply by a number")
    return WrongType(span=number.span, said=said, hint="a number", mend=mend)


def _shared(argument: Draft) -> bool:
    slot = argument.slot
    return slot is not None and slot.is_array and not slot.written and "." not in slot.key


def _pointwise(draft: Draft, shapes: list[Shape]) -> Diagnostic:
    full = [(a, s) for a, s in zip(draft.args, shapes, strict=True) if not is_scalar(s)]
    first = full[0]
    other = next(pair for pair in full if pair[1] != first[1])
    return ShapesDiffer(
        span=other[0].span,
        what=f"`{draft.op}`",
        shapes=(first[1], other[1]),
        places=(first[0].span, other[0].span),
        reasons=(*reasons(first[0]), *reasons(other[0])),
    )


def _loss(draft: Draft, shapes: list[Shape]) -> Diagnostic:
    y, t = draft.args[:2]
    token = t.kind == "token"
    slot = t.slot
    target: Shape = (slot.token,) if token and slot is not None and slot.token is not None else shapes[1]
    name, goal = y.span.text, t.span.text
    kind = "is a token of" if token else "has shape"
    said = f"`{name}` has shape {spelled(shapes[0])}, target `{goal}` {kind} {spelled(target)}"
    places = [
        Label(s.slot.span, f"{kind if s is t else 'has shape'} {spelled(shape)}")
        for s, shape in ((t, target), (y, shapes[0]))
        if s.slot is not None
    ]
    return DeclaredDiffers(
        span=y.span, name=name, declared=target, found=shapes[0], place=None, reasons=tuple(places), said=said
    )
