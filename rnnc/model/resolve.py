"""Syntax tree to `Model`: choose the network, know its sizes, resolve every name, expand, infer shapes,
check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from rnnc.diagnostics import Reporter
from rnnc.frontend import syntax
from rnnc.model.assemble import assemble
from rnnc.model.cells import expand
from rnnc.model.declare import Place, add, declare_axes, declare_functions, declare_values, ordered
from rnnc.model.drafting import Drafting
from rnnc.model.entities import Constant, Context, Entity, Equation, Scope, SizeName, Slot
from rnnc.model.errors_names import BadSetting, DeclaredTwice, WhichNetwork
from rnnc.model.errors_shapes import AT_MOST, TOO_LARGE, BadSize, WrongType
from rnnc.model.feedback_lines import declare_feedbacks, understand_feedbacks
from rnnc.model.forms import Model
from rnnc.model.infer import infer
from rnnc.model.lookup import unknown
from rnnc.model.reading import read_at
from rnnc.model.resolution import Overflow, Resolution
from rnnc.model.sizing import LARGEST, constant_of, size_names
from rnnc.model.start_lines import declare_starts, enter_starts
from rnnc.model.uses import gather
from rnnc.sizes import Size
from rnnc.suggest import suggest


def resolve(
    file: syntax.File,
    reporter: Reporter,
    *,
    network: str | None = None,
    settings: Mapping[str, float] | None = None,
    load: Callable[[syntax.Use], syntax.File | None] = lambda use: None,
) -> Model:
    """The model of one network of a file.

    `settings` are sizes and constants given from outside, `load` reads a used file (None where it reported
    why it cannot). Raises `Rejected` where the spec is wrong, with everything that is.
    """
    reporter.stop_if_wrong()
    library = gather(file, load, reporter)
    chosen = _choose(file, network, reporter)
    reporter.stop_if_wrong()
    assert chosen is not None
    r = Resolution(reporter, library.functions, library.cells)
    scope = Scope()
    settings = settings or {}
    _formals(chosen, settings, scope, r)
    try:
        _declare(chosen, scope, r)
        _understand(r)
    except Overflow:
        reporter.stop_if_wrong()
    infer(r)
    model = assemble(chosen, scope, r, frozenset(settings), library)
    reporter.stop_if_wrong()
    assert model is not None
    return model


def _choose(file: syntax.File, asked: str | None, reporter: Reporter) -> syntax.Network | None:
    seen: dict[str, syntax.Network] = {}
    for network in file.networks:
        if network.name.text in seen:
            first = seen[network.name.text].name.span
            reporter.report(DeclaredTwice(span=network.name.span, name=network.name.text, first=first))
        seen.setdefault(network.name.text, network)
    if asked is None and len(seen) == 1:
        return next(iter(seen.values()))
    if asked is not None and asked in seen:
        return seen[asked]
    span = file.networks[0].name.span if file.networks else file.span
    meant = suggest(asked, seen) if asked is not None else None
    reporter.report(WhichNetwork(span=span, asked=asked, names=tuple(seen), meant=meant))
    return None


def _formals(network: syntax.Network, settings: Mapping[str, float], scope: Scope, r: Resolution) -> None:
    """The sizes and constants between the parentheses of a network, with what `settings` make of them."""
    sized = size_names(network.body, r.cells)
    for formal in network.formals:
        add(scope, formal.name, _formal(formal, formal.name.text in sized, settings, network, r), r)
    names = tuple(f.name.text for f in network.formals)
    for name, value in settings.items():
        if name not in names:
            meant = suggest(name, names)
            r.reporter.report(
                BadSetting(
                    span=network.name.span,
                    name=name,
                    value=value,
                    network=network.name.text,
                    wrong="unknown",
                    names=names,
                    meant=meant,
                )
            )


def _formal(
    formal: syntax.Default, sized: bool, settings: Mapping[str, float], network: syntax.Network, r: Resolution
) -> Entity:
    name = formal.name.text
    value = constant_of(formal.value, Scope()) if formal.value is not None else None
    span = formal.value.span if formal.value is not None else formal.span
    if name in settings:
        value = settings[name]
        wrong = "a finite number" if not math.isfinite(value) else ""
        if sized and not (math.isfinite(value) and value == int(value) and value >= 1):
            wrong = "a whole number of at least 1"
        elif sized and value > LARGEST:
            wrong = AT_MOST
        if wrong:
            r.reporter.report(
                BadSetting(span=network.name.span, name=name, value=value, network=network.name.text, wrong=wrong)
            )
            value = 1.0
    elif value is None or not math.isfinite(value):
        said = f"`{name}` needs a number as its default"
        hint = "not a number" if value is None or math.isnan(value) else "too large"
        r.reporter.report(WrongType(span=span, said=said, hint=hint))
        value = 1.0
    elif sized and (value != int(value) or not 1 <= value <= LARGEST):
        signed = "zero" if value == 0 else "negative" if value < 0 else TOO_LARGE
        hint = "not a whole number" if value != int(value) else signed
        r.reporter.report(BadSize(span=span, found=f"{value:g}", hint=hint, least=value < 1 and value == int(value)))
        value = 1.0
    if not sized:
        return Constant(value, formal.name.span)
    r.defaults[name] = int(value)
    return SizeName(Size.named(name), formal.name.span)


def _declare(network: syntax.Network, scope: Scope, r: Resolution) -> None:
    place = Place(scope, "", "", None, None, (), frozenset(), None, "", None, 0, ())
    count = sum(isinstance(s, syntax.Unit) for s in network.body)
    r.limit_equations(count, network.name.span)
    declare_axes(network.body, scope, r)
    declare_functions(network.body, scope, r)
    pending = declare_values(network.body, place, r, r.cells)
    orders = [(s.axes, s.span) for s in r.slots.values()] + [(p.axes, p.unit.left.span) for p in pending]
    r.axes[:] = ordered(r.axes, orders, r)
    expand(pending, r)
    declare_starts(network.body, place, r)
    enter_starts(r)
    _outputs(network, scope, r)
    declare_feedbacks(network.body, scope, r)
    context = Context(scope, tuple(r.axes), frozenset(), None, "the loss", "loss")
    for statement in network.body:
        if isinstance(statement, syntax.Loss):
            r.losses.append(Equation(statement.right, context, None, statement.span))


def _outputs(network: syntax.Network, scope: Scope, r: Resolution) -> None:
    """`output y` without an equation."""
    for statement in network.body:
        if not isinstance(statement, syntax.Output):
            continue
        for declared in statement.names:
            entity = scope.get(declared.name.text)
            if entity is None:
                r.reporter.report(unknown(declared.name, scope))
                continue
            slot: Slot | None = getattr(entity, "slot", None)
            if slot is None or not slot.is_unit:
                said = f"`forward` returns units, `{declared.name.text}` is {entity.what}"
                r.reporter.report(WrongType(span=declared.span, said=said, declared=entity.span))
            elif slot.key in r.outputs:
                first = r.outputs[slot.key]
                r.reporter.report(DeclaredTwice(span=declared.name.span, name=slot.key, first=first))
            else:
                slot.used = True
                r.outputs[slot.key] = declared.name.span


def _understand(r: Resolution) -> None:
    """Drafts of every right side. Arguments of cells may add equations on the way, already understood."""
    drafting = Drafting(r)
    for equation in list(r.equations):
        r.drafts = 0
        if equation.root is None:
            equation.root = drafting.draft(equation.right, equation.context)
    for line in r.starts:
        r.drafts = 0
        equation = line.equation
        if equation.context.chain[:1] == ("learned",):
            slot = r.connections[equation.context.chain[1]]
            equation.root = read_at(slot, (), equation.right.span)
        else:
            equation.root = drafting.draft(equation.right, equation.context)
    understand_feedbacks(drafting)
    for equation in r.losses:
        r.drafts = 0
        equation.root = drafting.draft(equation.right, equation.context)
