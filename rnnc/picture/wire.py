"""From a `Model` to what its picture shows."""

from __future__ import annotations

from dataclasses import replace

from rnnc.model.forms import Apply, At, Datum, Expr, Loss, Model, Number, Over, Read, Start, Unit
from rnnc.picture.cycles import blocks
from rnnc.picture.measure import shorten
from rnnc.picture.trace import references
from rnnc.picture.wiring import Link, Node, Wiring
from rnnc.sizes import show_shape

_UNNAMED = ("matmul", "dot", "outer", "bilinear", "block", "sparse", "row", "neg", "forced", "where")


def wire(model: Model) -> Wiring:
    """Nodes for inputs, targets, units, losses and starts other than zero; a link for each way one reads
    another."""
    parameters = frozenset(p.name for p in model.parameters)
    gates = frozenset(u.name for u in model.units if u.role == "gate")

    def reads(expr: Expr, target: str, begins: bool = False) -> list[Link]:
        return [
            Link(r.name, target, r.at, r.over, r.weights, r.multiplies, begins=begins)
            for r in references(expr, parameters, gates)
        ]

    starts = {s.name: s.start for s in model.input_starts}
    starts |= {u.name: u.start for u in model.units if u.start is not None}
    nodes = [_datum(d, starts.get(d.name)) for d in (*model.inputs, *model.targets)]
    nodes += [_unit(u) for u in model.units]
    links = [link for u in model.units for link in reads(u.right, u.name)]
    for name, start in starts.items():
        if _begins_at_zero(start):
            continue
        key = f"start:{name}"
        nodes.append(Node(key, "start", f"start {_short(name)}", _begin(start) or "", _tip(start.span.text), ()))
        for expr in (start.default, *(e for _, e in start.early)):
            links += reads(expr, key, begins=True)
        links.append(Link(key, name, begins=True))
    axes = {d.name: d.type.axes for d in model.inputs}
    for fed in model.feedbacks:
        before = tuple(At(axis, low=-1) for axis in axes[fed.input])
        links += [Link(source, fed.input, before, recurrent=True, feeds=True) for source in fed.sources]
    for number, loss in enumerate(model.losses, 1):
        key = f"loss:{number}"
        node, value = _loss(key, loss)
        nodes.append(node)
        links += reads(value, key)
    groups = {u.cell: None for u in model.units if u.cell is not None}
    sizes = ", ".join(f"{s.name} = {s.default}" for s in model.sizes)
    merged = _recurrent(tuple(nodes), _merged(links))
    return Wiring(model.name, sizes, model.axes, tuple(nodes), merged, tuple(groups))


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _tip(text: str) -> str:
    return shorten(text, 200)


def _datum(d: Datum, start: Start | None) -> Node:
    size = show_shape(d.type.shape) if d.token is None else f"token({d.token})"
    tip = f"{d.role} {d.name}: {size}"
    return Node(d.name, d.role, d.name, size, tip, d.type.axes, border=_begin(start))


def _unit(u: Unit) -> Node:
    subtitle = " · ".join(t for t in (_function(u.right), show_shape(u.type.shape)) if t)
    group = u.cell[0] if u.cell is not None else None
    border = _begin(u.start)
    tip = _tip(u.equation.text)
    return Node(u.name, u.role, _short(u.name), subtitle, tip, u.type.axes, group, border)


def _loss(key: str, loss: Loss) -> tuple[Node, Expr]:
    """The node and the loss's value at a position, which is what the node stands for at every step."""
    body, subtitle = loss.right, ""
    while isinstance(body, Over):
        subtitle = subtitle or _reduction(body)
        body = body.body
    name = body.op if isinstance(body, Apply) and body.op.isidentifier() else "loss"
    return Node(key, "loss", name.replace("_", " "), subtitle, _tip(f"loss {loss.text}"), body.type.axes), body


def _reduction(expr: Over) -> str:
    """`mean over i, j`: the axes that one sign takes away together."""
    axes, inner = [expr.axis], expr.body
    while isinstance(inner, Over) and inner.op == expr.op:
        axes.append(inner.axis)
        inner = inner.body
    return f"{expr.op} over {', '.join(axes)}"


def _function(expr: Expr) -> str:
    """The outermost function of an equation, where it has a name."""
    if isinstance(expr, Over):
        return _reduction(expr)
    named = isinstance(expr, Apply) and expr.op.isidentifier() and expr.op not in _UNNAMED
    return expr.op if named and isinstance(expr, Apply) else ""


def _begins_at_zero(start: Start) -> bool:
    return isinstance(start.default, Number) and not start.default.value and not start.early


def _begin(start: Start | None) -> str | None:
    if start is None:
        return None
    default = start.default
    if start.early:
        return f"{len(start.early)} early values"
    if isinstance(default, Number):
        return f"{default.value:g}"
    if isinstance(default, Read) and default.name.endswith(".start"):
        return "learned"
    return _function(default) or shorten(default.span.text, 16)


def _merged(links: list[Link]) -> tuple[Link, ...]:
    """One link for each source, target and offset; what one way of reading adds, the link has."""
    found: dict[tuple[str, str, tuple[At, ...], tuple[str, ...], bool, bool], Link] = {}
    for link in links:
        key = (link.source, link.target, link.at, link.over, link.begins, link.feeds)
        known = found.get(key, link)
        weights = tuple(dict.fromkeys(known.weights + link.weights))
        found[key] = replace(known, weights=weights, multiplies=known.multiplies or link.multiplies)
    return tuple(found.values())


def _recurrent(nodes: tuple[Node, ...], links: tuple[Link, ...]) -> tuple[Link, ...]:
    """A link closes a cycle where both ends lie in one block and it does not read the current position. A feedback
    does by what it is, and makes no cycle of what leads from its input to its source."""
    block = blocks([n.key for n in nodes], [(k.source, k.target) for k in links if not k.feeds])

    def closes(k: Link) -> bool:
        return k.feeds or (block[k.source] == block[k.target] and any(a != At(a.axis) for a in k.at))

    return tuple(replace(k, recurrent=closes(k)) for k in links)
