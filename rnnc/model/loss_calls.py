"""The losses with a name: predictions beside a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnc.diagnostics import Span
from rnnc.frontend import syntax
from rnnc.model.drafts import Draft, in_order, poison
from rnnc.model.entities import ARTICLES, Context, ValueName
from rnnc.model.errors_losses import LossArguments, NoTarget
from rnnc.model.errors_names import WrongArguments
from rnnc.model.errors_shapes import spelled
from rnnc.suggest import suggest

if TYPE_CHECKING:
    from rnnc.model.drafting import Drafting

LOSS_FORMS = {
    "squared_error": "squared_error(y, t)",
    "cross_entropy": "cross_entropy(p, t)",
    "binary_cross_entropy": "binary_cross_entropy(p, t)",
    "mixture_density": "mixture_density(pi, mu, sigma, t)",
}
LOSS_COUNTS = {"mixture_density": (4, 5)}
"""How many arguments a loss takes, where not a prediction and a target."""


def loss_call(node: syntax.Call, context: Context, drafting: Drafting) -> Draft:
    """The draft of a named loss; poison where it was wrong."""
    name = node.function.text
    if node.keywords:
        said = f"`{name}` has no option `{node.keywords[0].name.text}`"
        drafting.report(WrongArguments(span=node.keywords[0].span, said=said, hint="unknown option"))
        return poison(node.span)
    if len(node.args) not in LOSS_COUNTS.get(name, (2,)):
        parts = "weights, means, deviations, perhaps correlations, and a target" if name in LOSS_COUNTS else ""
        found = len(node.args)
        drafting.report(LossArguments(span=node.span, name=name, form=LOSS_FORMS[name], found=found, wanted=parts))
        return poison(node.span)
    predictions = tuple(drafting.draft(a, context) for a in node.args[:-1])
    wanted = node.args[-1]
    if isinstance(wanted, syntax.Reference) and context.scope.get(wanted.name.text) is None:
        drafting.report(_undeclared(node, wanted, predictions[0], context))
        return poison(node.span)
    target = drafting.draft(wanted, context)
    if any(d.op == "poison" for d in (*predictions, target)):
        return poison(node.span)
    if not any(d.slot is not None and d.slot.role == "target" for d in in_order(target)):
        slot = target.slot
        what = "an expression without one" if slot is None else ARTICLES.get(slot.role, f"a {slot.role}")
        shown = wanted.span.text if slot is None else slot.key
        drafting.report(
            NoTarget(span=wanted.span, name=shown, is_what=what, declared=slot.span if slot is not None else None)
        )
        return poison(node.span)
    return drafting.apply(name, (*predictions, target), node.span)


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
