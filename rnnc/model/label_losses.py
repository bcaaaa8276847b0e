"""What only `ctc` asks of a model: a softmax along one axis, labels along another, a blank among its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rnnc.diagnostics import Diagnostic
from rnnc.model import forms as m
from rnnc.model.errors_losses import BlankOutside, LabelAxis, NotSoftmax
from rnnc.ops.elementary import BY_NAME
from rnnc.sizes import Size


def normalised(p: m.Expr, units: Mapping[str, m.Unit]) -> m.Apply | None:
    """The softmax, or its logarithm, that `p` is or that defines the unit it reads in place; None for anything
    else."""
    while isinstance(p, m.Read) and p.name in units:
        unit = units[p.name]
        if not _in_place(p) or unit.right.type.shape != unit.type.shape:
            return None
        p = unit.right
    return p if isinstance(p, m.Apply) and p.op in m.STAYING else None


@dataclass(frozen=True)
class Labelling:
    """One `ctc` of a loss: the unit whose largest entry at each position of `axis` says what is there, a label of
    `target` or the blank."""

    unit: str
    axis: str
    target: str
    blank: Size


def labellings(model: m.Model) -> tuple[Labelling, ...]:
    """The `ctc` losses whose prediction is a unit, or a softmax of one, each once.

    A softmax keeps the order of what it is taken of, so that the largest entry is that of either."""
    found = []
    for call in (call for loss in model.losses for call in _calls(loss.right)):
        p, labels, blank = call.args
        if isinstance(p, m.Apply):
            p = p.args[0]
        if isinstance(p, m.Read) and isinstance(labels, m.Read) and isinstance(blank, m.SizeNumber) and _in_place(p):
            found.append(Labelling(p.name, p.type.axes[0], labels.name, blank.size))
    return tuple(dict.fromkeys(found))


def label_mistakes(model: m.Model) -> tuple[Diagnostic, ...]:
    """What is wrong with the `ctc` losses of a model."""
    units = {u.name: u for u in model.units}
    sizes = {z.name: z.default for z in model.sizes}
    targets = {t.name: t for t in model.targets}
    found = (_mistake(call, units, targets, sizes) for loss in model.losses for call in _calls(loss.right))
    return tuple(d for d in found if d is not None)


def _calls(expr: m.Expr) -> Iterator[m.Apply]:
    stack: list[m.Expr] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, m.Apply):
            if node.op == "ctc":
                yield node
            stack.extend(reversed(node.args))
        elif isinstance(node, m.Over):
            stack.append(node.body)


def _mistake(
    call: m.Apply, units: Mapping[str, m.Unit], targets: Mapping[str, m.Datum], sizes: Mapping[str, int]
) -> Diagnostic | None:
    p, labels, blank = call.args
    name = p.span.text
    if len(p.type.axes) != 1:
        said = f"`ctc` aligns along one axis, `{name}` varies along {_along(p.type.axes)}"
        return LabelAxis(span=p.span, said=said, hint="not one axis")
    if normalised(p, units) is None:
        return _not_softmax(p, units)
    declared = targets[labels.name].span if isinstance(labels, m.Read) and labels.name in targets else None
    if declared is None or not isinstance(labels, m.Read):
        said = f"the labels of `ctc` are a target, `{labels.span.text}` is an expression"
        return LabelAxis(span=labels.span, said=said, hint="not a target")
    if len(labels.type.axes) != 1 or not _in_place(labels):
        said = f"the labels of `ctc` vary along one axis, `{labels.name}` along {_along(labels.type.axes)}"
        if not _in_place(labels):
            said = f"`ctc` reads all its labels, `{labels.span.text}` is read elsewhere"
        return LabelAxis(span=labels.span, said=said, hint="not a sequence of labels", declared=declared)
    if labels.type.axes == p.type.axes:
        said = f"the labels of `ctc` need an axis of their own, `{labels.name}` varies along `{labels.type.axes[0]}`"
        return LabelAxis(span=labels.span, said=f"{said} like `{name}`", hint="the same axis", declared=declared)
    return _blank(blank, p, sizes)


def _not_softmax(p: m.Expr, units: Mapping[str, m.Unit]) -> NotSoftmax:
    """With a softmax in place of what squashes the unit, if anything does."""
    name = p.span.text
    if isinstance(p, m.Read) and not _in_place(p):
        return NotSoftmax(span=p.span, name=name, moved=True)
    unit = units.get(p.name) if isinstance(p, m.Read) else None
    if unit is None or unit.right.type.shape != unit.type.shape or unit.cell is not None:
        return NotSoftmax(span=p.span, name=name)
    right = unit.right
    squashed = isinstance(right, m.Apply) and right.op in BY_NAME and len(right.args) == 1
    inner = right.args[0] if isinstance(right, m.Apply) and squashed else right
    return NotSoftmax(span=p.span, name=name, defined=right.span, mended=f"softmax({inner.span.text})")


def _blank(blank: m.Expr, p: m.Expr, sizes: Mapping[str, int]) -> BlankOutside | None:
    """The mistake of a blank that is no output for the network's defaults."""
    assert isinstance(blank, m.SizeNumber)
    value, outputs = blank.size.value(sizes), p.type.shape[0].value(sizes)
    if value.denominator == 1 and 0 <= value < outputs:
        return None
    shown = str(value) if blank.size.constant is not None else f"{blank.size} = {value}"
    count = str(outputs) if p.type.shape[0].constant is not None else f"{p.type.shape[0]} = {outputs}"
    symbols = blank.size.constant is None and p.type.shape[0].constant is None
    mended = f"{p.type.shape[0]} - 1" if symbols else str(outputs - 1)
    return BlankOutside(span=blank.span, found=shown, last=int(outputs) - 1, outputs=count, mended=mended)


def _in_place(read: m.Read) -> bool:
    return all(a == m.At(a.axis) for a in read.at)


def _along(axes: tuple[str, ...]) -> str:
    return " and ".join(f"`{a}`" for a in axes) if axes else "none"
