"""The losses with a name: predictions beside a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnc.diagnostics import Edit, Help, Span
from rnnc.frontend import syntax
from rnnc.model.drafts import Draft, in_order, poison
from rnnc.model.entities import ARTICLES, Context, ValueName
from rnnc.model.errors_losses import BlankOutside, LossArguments, NoTarget
from rnnc.model.errors_names import WrongArguments
from rnnc.model.errors_shapes import spelled
from rnnc.model.sizing import constant_of, is_whole, size_expression
from rnnc.sizes import Size
from rnnc.suggest import suggest

if TYPE_CHECKING:
    from rnnc.model.drafting import Drafting

LOSS_FORMS = {
    "squared_error": "squared_error(y, t)",
    "cross_entropy": "cross_entropy(p, t)",
    "binary_cross_entropy": "binary_cross_entropy(p, t)",
    "mixture_density": "mixture_density(pi, mu, sigma, t)",
    "ctc": "ctc(p, l, blank = 0)",
}
LOSS_COUNTS = {"mixture_density": (4, 5)}
"""How many arguments a loss takes, where not a prediction and a target."""


def loss_call(node: syntax.Call, context: Context, drafting: Drafting) -> Draft:
    """The draft of a named loss; poison where it was wrong."""
    name = node.function.text
    if name == "ctc":
        return _ctc(node, context, drafting)
    if node.keywords:
        said = f"`{name}` has no option `{node.keywords[0].name.text}`"
        drafting.report(WrongArguments(span=node.keywords[0].span, said=said, hint="unknown option"))
        return poison(node.span)
    compared = _compared(node, context, drafting)
    return poison(node.span) if compared is None else drafting.apply(name, compared, node.span)


def _ctc(node: syntax.Call, context: Context, drafting: Drafting) -> Draft:
    """One number for each sequence: prediction and labels lose their axes. The blank is a third operand."""
    blank = Size.of(0)
    for keyword in node.keywords:
        if keyword.name.text != "blank" or keyword is not node.keywords[0]:
            said = f"`ctc` has no option `{keyword.name.text}`"
            if keyword.name.text == "blank":
                said = "`blank` is given twice"
            drafting.report(WrongArguments(span=keyword.span, said=said, hint="unknown option"))
            return poison(node.span)
        found = _blank(keyword.value, context, drafting)
        if found is None:
            return poison(node.span)
        blank = found
    compared = _compared(node, context, drafting)
    if compared is None:
        return poison(node.span)
    place = node.keywords[0].value.span if node.keywords else node.function.span
    made = drafting.apply("ctc", (*compared, Draft("size", (), place, shape=(), size=blank)), node.span)
    made.axes = frozenset()
    return made


def _blank(value: syntax.Expr, context: Context, drafting: Drafting) -> Size | None:
    """A whole number from 0 on, or an expression of sizes; None where it is neither (reported)."""
    number = constant_of(value, context.scope)
    if number is None:
        return size_expression(value, context.scope, drafting.r)
    if number < 0 or not is_whole(number):
        drafting.report(BlankOutside(span=value.span, found=f"{number:g}"))
        return None
    return Size.of(int(number))


def _compared(node: syntax.Call, context: Context, drafting: Drafting) -> tuple[Draft, ...] | None:
    """What a loss compares, the target last; None where something was wrong (reported)."""
    name = node.function.text
    if len(node.args) not in LOSS_COUNTS.get(name, (2,)):
        parts = "weights, means, deviations, perhaps correlations, and a target" if name in LOSS_COUNTS else ""
        found = len(node.args)
        drafting.report(LossArguments(span=node.span, name=name, form=LOSS_FORMS[name], found=found, wanted=parts))
        return None
    predictions = tuple(drafting.draft(a, context) for a in node.args[:-1])
    wanted = node.args[-1]
    if isinstance(wanted, syntax.Reference) and context.scope.get(wanted.name.text) is None:
        drafting.report(_undeclared(node, wanted, predictions[0], context))
        return None
    target = drafting.draft(wanted, context)
    if any(d.op == "poison" for d in (*predictions, target)):
        return None
    if not any(d.slot is not None and d.slot.role == "target" for d in in_order(target)):
        slot = target.slot
        what = "an expression without one" if slot is None else ARTICLES.get(slot.role, f"a {slot.role}")
        shown = wanted.span.text if slot is None else slot.key
        drafting.report(
            NoTarget(
                span=wanted.span,
                name=shown,
                is_what=what,
                declared=slot.span if slot is not None else None,
                turned=_turned(node)
                if predictions[0].slot is not None and predictions[0].slot.role == "target"
                else None,
            )
        )
        return None
    return (*predictions, target)


def _turned(node: syntax.Call) -> Help | None:
    """The loss with its prediction and its target in each other's place."""
    if len(node.args) != 2:
        return None
    prediction, target = (argument.span for argument in node.args)
    text = f"{node.function.text}({target.text}, {prediction.text})"
    return Help(f"write `{text}`", (Edit(prediction, target.text), Edit(target, prediction.text)))


def _undeclared(node: syntax.Call, wanted: syntax.Reference, prediction: Draft, context: Context) -> NoTarget:
    targets = {n: e.slot for n, e in context.scope.items() if isinstance(e, ValueName) and e.slot.role == "target"}
    meant = suggest(wanted.name.text, targets)
    declared = targets[meant].span if meant is not None else None
    addition, before = "", None
    slot = prediction.slot if len(node.args) == 2 else None
    if slot is not None and slot.shape is not None and wanted.index is None and not wanted.parts:
        axes = f"[{', '.join(_written(slot.axes, context))}]" if slot.axes else ""
        addition = f"target {wanted.name.text}{axes} : {spelled(slot.shape)}"
        before = _statement(node.span)
    return NoTarget(
        span=wanted.name.span,
        name=wanted.name.text,
        meant=meant,
        declared=declared,
        prediction=node.args[0].span.text,
        addition=addition,
        before=before,
    )


def _written(axes: tuple[str, ...], context: Context) -> tuple[str, ...]:
    return tuple(a for a in axes if a in context.sight)


def _statement(span: Span) -> Span | None:
    """The word `loss` that the call stands behind."""
    text = span.source.text
    at = text.rfind("loss", 0, span.start)
    return Span(span.source, at, at + 4) if at >= 0 else None
