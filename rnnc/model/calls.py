"""Calls in an expression: the built-in functions, reductions over an axis, losses, and functions an author
defined.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rnnc.diagnostics import Edit, Help
from rnnc.frontend import syntax
from rnnc.model.connections import CONNECTIONS, connection
from rnnc.model.drafts import Draft, poison
from rnnc.model.entities import AxisName, Broken, Context
from rnnc.model.errors_axes import BadIndex, NotYetRandom
from rnnc.model.errors_losses import LossPlace
from rnnc.model.errors_names import Circular, UnknownName, WrongArguments, WrongKind, WrongPlace
from rnnc.model.errors_shapes import WrongType
from rnnc.model.forms import STAYING
from rnnc.model.lookup import unknown
from rnnc.model.loss_calls import LOSS_FORMS, loss_call
from rnnc.model.reductions import reduced, reduced_together
from rnnc.model.sizing import constant_of, is_whole, number_of, size_expression
from rnnc.ops.elementary import ELEMENTARY
from rnnc.places import shipped_specs
from rnnc.sizes import Size
from rnnc.suggest import suggest

if TYPE_CHECKING:
    from rnnc.model.drafting import Drafting


@dataclass(frozen=True)
class Signature:
    """How many arguments a function takes; `most` None is any number."""

    least: int
    most: int | None
    form: str


STRUCTURE = {
    "where": Signature(3, 3, "where(c, a, b)"),
    "concat": Signature(1, None, "concat(a, b, ...)"),
    "slice": Signature(3, 3, "slice(a, 0, 2)"),
    "dot": Signature(2, 2, "dot(a, b)"),
    "outer": Signature(2, 2, "outer(a, b)"),
    "transpose": Signature(1, 1, "transpose(W)"),
    "forced": Signature(2, 2, "forced(y, t)"),
    "present": Signature(1, 1, "present(t)"),
    "dropout": Signature(2, 2, "dropout(a, 0.5)"),
}
ACROSS = ("sum", "mean", "max", "min", "norm", "softmax", "log_softmax", "layer_norm")
OVER = ("sum", "mean", "max", "min", *STAYING)
LETTERS = ("a", "b", "c")
BUILTINS: dict[str, Signature] = {
    **{e.name: Signature(e.arity, e.arity, f"{e.name}({', '.join(LETTERS[: e.arity])})") for e in ELEMENTARY},
    **{name: Signature(1, 1, f"{name}(a)") for name in ACROSS},
    **{name: Signature(1, None, f"{name}(a, b)") for name in ("min", "max")},
    **STRUCTURE,
}
POINTWISE = frozenset(e.name for e in ELEMENTARY) | {"where"}
EVERY = (*BUILTINS, *CONNECTIONS, *LOSS_FORMS)


def call(node: syntax.Call, context: Context, drafting: Drafting) -> Draft:
    """The draft of a call; poison where it was wrong."""
    name = node.function.text
    if name in drafting.r.cells:
        said = f"a use of cell `{name}` is the whole right side of a unit"
        advice = f"give it a unit of its own, `unit u[...] = {node.span.text}`, and read that"
        drafting.report(WrongPlace(span=node.span, said=said, hint="part of an expression", advice=advice))
        return poison(node.span)
    if not node.over_first and (node.over or node.backward is not None or node.shared is not None):
        word = "over" if node.over else "backward" if node.backward is not None else "as"
        said = f"`{name}` is no cell, and `{word}` belongs to the use of a cell"
        drafting.report(WrongPlace(span=node.span, said=said, hint="not a cell"))
        return poison(node.span)
    if node.over_first:
        return _over(node, context, drafting)
    function = context.scope.functions.get(name) or drafting.r.functions.get(name)
    if function is not None:
        return _inlined(node, function, context, drafting)
    if name in CONNECTIONS:
        return connection(node, context, drafting)
    if name in LOSS_FORMS:
        if context.place != "loss":
            drafting.report(LossPlace(span=node.span, name=name))
            return poison(node.span)
        return loss_call(node, context, drafting)
    if (later := _not_yet(node)) is not None:
        drafting.report(later)
        return poison(node.span)
    if name not in BUILTINS:
        _unknown(node, context, drafting)
        return poison(node.span)
    return _builtin(node, context, drafting)


def _not_yet(node: syntax.Call) -> WrongPlace | NotYetRandom | None:
    name = node.function.text
    span = node.function.span
    if name == "sample":
        said = "`sample` is the whole right side of a `feedback`"
        return WrongPlace(span=span, said=said, hint="not here")
    if name in ("bernoulli", "gaussian", "categorical"):
        return NotYetRandom(span=span, what=f"`{name}` is")
    return None


def _unknown(node: syntax.Call, context: Context, drafting: Drafting) -> None:
    for argument in node.args:
        drafting.draft(argument, context)
    if node.function.text in shipped_specs():
        drafting.report(UnknownName(span=node.function.span, kind="cell", shipped=True))
        return
    names = [*context.scope.functions, *drafting.r.functions, *EVERY, *drafting.r.cells]
    meant = suggest(node.function.text, names)
    entity = context.scope.get(node.function.text)
    if entity is not None and meant is None and not isinstance(entity, Broken):
        said = f"`{node.function.text}` is {entity.what}, not a function"
        drafting.report(
            WrongKind(
                span=node.function.span,
                said=said,
                hint="cannot be called",
                declared=entity.span,
                what=entity.what,
            )
        )
        return
    losses = ", ".join(f"`{name}`" for name in LOSS_FORMS)
    remark = f"losses by name are {losses}" if context.place == "loss" and meant is None else ""
    drafting.report(UnknownName(span=node.function.span, kind="function", meant=meant, remark=remark))


def _builtin(node: syntax.Call, context: Context, drafting: Drafting) -> Draft:
    name, span = node.function.text, context.call or node.span
    if not fits(node, BUILTINS[name], drafting):
        return poison(span)
    if context.place == "fn" and name not in POINTWISE:
        said = f"a `fn` is a function of single numbers, `{name}` is not"
        drafting.report(WrongPlace(span=node.span, said=said, hint="not elementwise"))
        return poison(span)
    if name == "slice":
        return _slice(node, context, drafting)
    if name == "dropout":
        return _dropout(node, context, drafting)
    args = tuple(drafting.draft(a, context) for a in node.args)
    if name in ("min", "max") and len(args) > 2:
        total = args[0]
        for operand in args[1:]:
            total = drafting.apply(name, (total, operand), span)
        return total
    if name in ("forced", "present") and args[-1].op != "poison":
        target = args[-1]
        if target.slot is None or target.slot.role != "target":
            said = f"`{name}` wants a target, `{node.args[-1].span.text}` is none"
            drafting.report(WrongKind(span=node.args[-1].span, said=said, hint="not a target"))
            return poison(span)
    return drafting.apply(name, args, span)


def fits(node: syntax.Call, signature: Signature, drafting: Drafting) -> bool:
    """Whether a call has as many arguments as the function takes, and no options."""
    count, name = len(node.args), node.function.text
    if node.keywords:
        said = f"`{name}` has no option `{node.keywords[0].name.text}`"
        drafting.report(WrongArguments(span=node.keywords[0].span, said=said, hint="unknown option"))
        return False
    if count < signature.least or (signature.most is not None and count > signature.most):
        wanted = f"{signature.least}" if signature.least == signature.most else f"at least {signature.least}"
        said = f"`{name}` takes {wanted} argument{'s' * (wanted != '1')}, found {count}"
        drafting.report(WrongArguments(span=node.span, said=said, hint=f"written `{signature.form}`"))
        return False
    return True


def _slice(node: syntax.Call, context: Context, drafting: Drafting) -> Draft:
    source = drafting.draft(node.args[0], context)
    start, stop = (_place(bound, context, drafting) for bound in node.args[1:])
    if start is None or stop is None:
        return poison(node.span)
    made = drafting.apply("slice", (source,), node.span)
    made.ends = (start, stop)
    return made


def _place(bound: syntax.Expr, context: Context, drafting: Drafting) -> Size | None:
    """An end of a slice: a whole number, a constant or a size expression; None where it is none (reported)."""
    value = constant_of(bound, context.scope)
    if value is None:
        return size_expression(bound, context.scope, drafting.r)
    if value >= 0 and is_whole(value):
        return Size.of(int(value))
    said = f"the ends of a slice are whole numbers from 0 on, found {value:g}"
    drafting.report(WrongType(span=bound.span, said=said, hint="not a place in a vector"))
    return None


def _dropout(node: syntax.Call, context: Context, drafting: Drafting) -> Draft:
    source = drafting.draft(node.args[0], context)
    rate = number_of(node.args[1], context.scope, drafting.r, "the share that is dropped")
    if rate is None:
        return poison(node.span)
    if not 0 <= rate < 1:
        said = f"dropout drops a share from 0 to less than 1, found {rate:g}"
        drafting.report(WrongType(span=node.args[1].span, said=said, hint="not a share"))
        return poison(node.span)
    return drafting.apply("dropout", (source,), node.span, (rate,))


def _over(node: syntax.Call, context: Context, drafting: Drafting) -> Draft:
    name = node.function.text
    if name not in OVER:
        meant = suggest(name, OVER)
        said = f"`{name}` does not run over an axis"
        mend = Help(f"replace `{name}` by `{meant}`", (Edit(node.function.span, meant),)) if meant else None
        remarks = ("over an axis run " + ", ".join(OVER),)
        drafting.report(WrongArguments(span=node.function.span, said=said, hint="", remarks=remarks, mend=mend))
        return poison(node.span)
    if context.place == "fn":
        said = "a `fn` is a function of single numbers and sees no axis"
        drafting.report(WrongPlace(span=node.span, said=said, hint="runs over an axis"))
        return poison(node.span)
    options = [k for k in node.keywords if k.name.text != "where"]
    if len(node.args) != 1 or options or len(node.keywords) > 1:
        span = options[0].span if options else node.span
        said = f"`{name} over` takes one expression, and `where = ...` after it"
        drafting.report(WrongArguments(span=span, said=said, hint=f"written `{name} over n (a, where = m > 0)`"))
        return poison(node.span)
    axes = _axes(node.over, context, drafting)
    if axes is None:
        return poison(node.span)
    sight = context.sight + tuple(a for a in axes if a not in context.sight)
    inside = replace(context, sight=sight)
    body = drafting.draft(node.args[0], inside)
    where = drafting.draft(node.keywords[0].value, inside) if node.keywords else None
    if body.op == "poison" or (where is not None and where.op == "poison"):
        return poison(node.span)
    return _nested(node, axes, body, where, context, drafting)


def _nested(
    node: syntax.Call,
    axes: tuple[str, ...],
    body: Draft,
    where: Draft | None,
    context: Context,
    drafting: Drafting,
) -> Draft:
    name = node.function.text
    stays = name in STAYING
    varying = body.axes | (where.axes if where is not None else frozenset())
    for axis, written in zip(axes, node.over, strict=True):
        if axis not in varying:
            said = f"nothing here varies along `{written.text}`"
            drafting.report(BadIndex(span=written.span, said=said, hint="the same at every position"))
            return poison(node.span)
    if stays and (missing := [a for a in axes if a not in context.sight]):
        said = f"{context.reader} does not vary along `{missing[0]}`, and `{name}` keeps the axis"
        drafting.report(BadIndex(span=node.span, said=said, hint=f"still varies along `{missing[0]}`"))
        return poison(node.span)
    if stays and len(axes) > 1:
        said = f"`{name}` runs over one axis"
        drafting.report(WrongArguments(span=node.span, said=said, hint="over several"))
        return poison(node.span)
    if not stays and len(axes) > 1:
        return reduced_together(name, axes, body, where, context, drafting, node.span)
    return reduced(name, axes[0], body, where, drafting, node.span)


def _axes(names: tuple[syntax.Name, ...], context: Context, drafting: Drafting) -> tuple[str, ...] | None:
    found: list[str] = []
    for name in names:
        entity = context.scope.get(name.text)
        if entity is None:
            drafting.report(unknown(name, context.scope, "axis", (AxisName,)))
            return None
        if not isinstance(entity, AxisName):
            if not isinstance(entity, Broken):
                said = f"`{name.text}` is {entity.what}, not an axis"
                drafting.report(
                    WrongKind(span=name.span, said=said, hint="not an axis", declared=entity.span, what=entity.what)
                )
            return None
        entity.used = True
        if entity.broken or entity.key in found:
            return None
        found.append(entity.key)
    return tuple(found)


def _inlined(node: syntax.Call, function: syntax.Function, context: Context, drafting: Drafting) -> Draft:
    name, span = node.function.text, context.call or node.span
    drafting.r.used_functions.add(name)
    if node.keywords or len(node.args) != len(function.formals):
        count = len(function.formals)
        said = f"`{name}` takes {count} argument{'s' * (count != 1)}, found {len(node.args)}"
        if node.keywords:
            said = f"`{name}` has no option `{node.keywords[0].name.text}`"
        drafting.report(WrongArguments(span=node.span, said=said, hint="", declared=function.name.span))
        return poison(span)
    if name in context.chain:
        start = context.chain.index(name)
        chain = (*context.chain[start:], name)
        drafting.report(Circular(span=node.function.span, what="function", chain=chain))
        return poison(span)
    given = {f.text: drafting.draft(a, context) for f, a in zip(function.formals, node.args, strict=True)}
    inside = replace(context, place="fn", formals=given, call=span, chain=(*context.chain, name), owner=None)
    return drafting.draft(function.body, inside)
