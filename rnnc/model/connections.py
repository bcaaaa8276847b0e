"""Connections: a weight with a source. Each becomes a parameter, under the key that the contract gives it,
and plain operations on it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from rnnc.diagnostics import Edit, Help
from rnnc.frontend import syntax
from rnnc.model.drafts import Draft, in_order, joined, poison
from rnnc.model.entities import Alias, Context, Slot, UseName, ValueName
from rnnc.model.errors_names import SameKey, WrongArguments, WrongPlace
from rnnc.model.errors_shapes import SharedDiffers, WrongType
from rnnc.model.forms import Init
from rnnc.model.initialisers import initialiser
from rnnc.model.reading import read_at
from rnnc.model.sizing import number_of, size_of
from rnnc.model.walk import walk
from rnnc.sizes import Shape, Size, kept_of
from rnnc.suggest import suggest

if TYPE_CHECKING:
    from rnnc.model.drafting import Drafting

CONNECTIONS = {
    "full": ("W", 1, None, "full(a, b)"),
    "diag": ("w", 1, 1, "diag(a)"),
    "sparse": ("W", 1, 1, "sparse(a, density = 0.1)"),
    "block": ("W", 2, 2, "block(a, 4)"),
    "bilinear": ("W", 2, 2, "bilinear(a, b)"),
    "embedding": ("E", 2, 2, "embedding(w, E)"),
    "bias": ("b", 0, 0, "bias"),
}


def connection(node: syntax.Call, context: Context, drafting: Drafting) -> Draft:
    """The draft of a connection, its parameter entered under its key; poison where it was wrong."""
    name = node.function.text
    if context.owner is None or context.place in ("loss", "fn"):
        where = "a `fn`" if context.place == "fn" else "a `loss`"
        said = f"`{name}` makes a parameter, and {where} has none of its own"
        advice = "hand its value over as an argument" if context.place == "fn" else "give it a unit of its own"
        drafting.report(WrongPlace(span=node.span, said=said, hint="not here", advice=advice))
        return poison(node.span)
    if not _fits(node, drafting):
        return poison(node.span)
    options = {k.name.text: k.value for k in node.keywords}
    sources = node.args[:1] if name in ("block", "embedding") else node.args
    drafts = tuple(drafting.draft(a, context) for a in sources)
    init = None
    if "init" in options:
        init = initialiser(options["init"], context.scope, drafting.r)
        if init is None:
            return poison(node.span)
    slot = _parameter(node, sources, options.get("as"), init, context, drafting)
    if slot is None or any(d.op == "poison" for d in drafts):
        return poison(node.span)
    slot.uses.append(node.span)
    slot.bias = slot.bias or name == "bias"
    if name == "full" and _recurrent(drafts):
        slot.recurrent = True
    return _made(node, slot, drafts, options, context, drafting)


def _fits(node: syntax.Call, drafting: Drafting) -> bool:
    name = node.function.text
    _, least, most, form = CONNECTIONS[name]
    known = ("as", "init", "density") if name == "sparse" else ("as", "init")
    seen: set[str] = set()
    for keyword in node.keywords:
        word = keyword.name.text
        if word not in known or word in seen:
            meant = suggest(word, known)
            said = f"`{name}` has no option `{word}`" if word not in known else f"`{word}` is given twice"
            mend = Help(f"replace `{word}` by `{meant}`", (Edit(keyword.name.span, meant),)) if meant else None
            remarks = (f"options of {name}: {', '.join(known)}",)
            drafting.report(
                WrongArguments(span=keyword.name.span, said=said, hint="unknown option", remarks=remarks, mend=mend)
            )
            return False
        seen.add(word)
    if len(node.args) < least or (most is not None and len(node.args) > most):
        wanted = f"{least}" if least == most else f"at least {least}"
        said = f"`{name}` takes {wanted} argument{'s' * (wanted != '1')}, found {len(node.args)}"
        drafting.report(WrongArguments(span=node.span, said=said, hint=f"written `{form}`"))
        return False
    if name == "sparse" and "density" not in seen:
        said = "`sparse` needs the share of weights that are there"
        drafting.report(WrongArguments(span=node.span, said=said, hint="written `sparse(a, density = 0.1)`"))
        return False
    return True


def names_read(sources: tuple[syntax.Expr, ...], context: Context) -> tuple[str, ...]:
    """The names of values that sources read, in the order of the text, each once; axes, sizes and constants
    left out.
    """
    found: dict[str, None] = {}
    for source in sources:
        for expr in walk(source):
            if isinstance(expr, syntax.Reference):
                entity = context.scope.get(expr.name.text)
                if isinstance(entity, ValueName | UseName | Alias):
                    found.setdefault("_".join(n.text for n in (expr.name, *expr.parts)))
    return tuple(found)


def _parameter(
    node: syntax.Call,
    sources: tuple[syntax.Expr, ...],
    given: syntax.Expr | None,
    init: Init | None,
    context: Context,
    drafting: Drafting,
) -> Slot | None:
    r, owner = drafting.r, context.owner
    assert owner is not None
    kind = CONNECTIONS[node.function.text][0]
    if given is not None:
        if not isinstance(given, syntax.Reference) or given.parts or given.index is not None:
            said = "`as` gives a parameter a name"
            drafting.report(WrongArguments(span=given.span, said=said, hint="not a name"))
            return None
        key = given.name.text
        r.named.setdefault(key, given.span)
    else:
        names = names_read(sources, context)
        key = f"{owner.prefix}.{'_'.join((kind, *names))}"
        if key in owner.seen:
            free = "_".join((kind, *names)) + "_2"
            first = owner.seen[key]
            drafting.report(SameKey(span=node.span, key=key, first=first, free=free, bare=node.bare))
            return None
        owner.seen[key] = node.span
    slot = r.connections.get(key)
    if slot is not None and given is None and slot.span != node.span:
        # of a cell's part that is called like a start of the unit itself, `h.start_1`
        drafting.report(SameKey(span=node.span, key=key, first=slot.span, free=f"{kind}_2", bare=node.bare))
        return None
    if slot is None:
        slot = Slot(key, "param", (), None, node.span, used=True, init=init)
        r.connections[key] = slot
    elif init is not None and slot.init is not None and init != slot.init:
        what = "initial values"
        drafting.report(SharedDiffers(span=node.span, name=key, what=what, first=slot.span))
        return None
    elif init is not None:
        slot.init = init
    return slot


def _recurrent(drafts: tuple[Draft, ...]) -> bool:
    """Whether a source reads a unit at another position than its own."""
    for draft in (d for top in drafts for d in in_order(top)):
        if draft.op == "read" and draft.slot is not None and draft.slot.is_unit:
            for at in draft.at:
                if at.anchor == "here" and (at.low != 0 or (at.high or 0) != 0):
                    return True
    return False


def _made(
    node: syntax.Call,
    slot: Slot,
    drafts: tuple[Draft, ...],
    options: dict[str, syntax.Expr],
    context: Context,
    drafting: Drafting,
) -> Draft:
    name, span = node.function.text, node.span
    weight = read_at(slot, (), span)
    if name == "bias":
        return weight
    if name == "diag":
        return drafting.apply("*", (weight, drafts[0]), span)
    if name == "bilinear":
        return drafting.apply("bilinear", (weight, *(_flat(d) for d in drafts)), span)
    if name == "embedding":
        return _embedding(node, slot, weight, drafts[0], context, drafting)
    if name == "block":
        blocks = size_of(node.args[1], context.scope, drafting.r)
        if blocks is None:
            return poison(span)
        made = drafting.apply("block", (weight, _flat(drafts[0])), span)
        made.size = blocks
        return made
    if name == "sparse":
        return _sparse(slot, weight, drafts[0], options["density"], context, drafting)
    flat = tuple(_flat(d) for d in drafts)
    source = flat[0] if len(flat) == 1 else joined("concat", flat, span)
    return drafting.apply("matmul", (weight, source), span)


def _flat(draft: Draft) -> Draft:
    return joined("flatten", (draft,), draft.span)


def _embedding(
    node: syntax.Call, slot: Slot, weight: Draft, source: Draft, context: Context, drafting: Drafting
) -> Draft:
    width = size_of(node.args[1], context.scope, drafting.r)
    if width is None:
        return poison(node.span)
    if source.kind != "token" or source.slot is None or source.slot.token is None:
        said = f"`embedding` wants a token, `{node.args[0].span.text}` holds real numbers"
        declared = source.slot.span if source.slot is not None else None
        text = f"full({node.args[0].span.text})"
        mend = Help(f"write `{text}`", (Edit(node.span, text),))
        drafting.report(WrongType(span=node.args[0].span, said=said, hint="not a token", declared=declared, mend=mend))
        return poison(node.span)
    shape: Shape = (source.slot.token, width)
    if slot.shape is not None and slot.shape != shape:
        drafting.report(SharedDiffers(span=node.span, name=slot.key, what="shapes", first=slot.span))
        return poison(node.span)
    slot.shape = shape
    return drafting.apply("row", (weight, source), node.span)


def _sparse(
    slot: Slot, weight: Draft, source: Draft, density: syntax.Expr, context: Context, drafting: Drafting
) -> Draft:
    share = number_of(density, context.scope, drafting.r, "`density` is a number")
    if share is None:
        return poison(weight.span)
    if not 0 < share <= 1:
        said = f"a density is a share above 0 and at most 1, found {share:g}"
        drafting.report(WrongType(span=density.span, said=said, hint="not a share"))
        return poison(weight.span)
    key = f"{slot.key}.columns"
    columns = drafting.r.connections.get(key)
    if columns is None:
        columns = Slot(key, "fixed", (), None, weight.span, kind="token", used=True, init=Init("columns"))
        drafting.r.connections[key] = columns
    made = drafting.apply("sparse", (weight, read_at(columns, (), weight.span), _flat(source)), weight.span)
    made.value = share
    return made


def kept(share: float, width: Size) -> Size:
    """How many weights of a row of `width` are kept: the share of it, to the nearest, and at least one."""
    return kept_of(Fraction(share).limit_denominator(10**9), width)
