"""A system as text, one line an equation: what `rnnc dump --stage system` and `--stage adjoint` print."""

from __future__ import annotations

from rnnc.model.forms import At
from rnnc.ops.formula import spell
from rnnc.sizes import Shape, show_shape
from rnnc.system.forms import Access, Concat, Equation, Pointwise, Products, Slice, System, Term, Value
from rnnc.system.schedule import Batch, Node, Scan, schedule


def show(system: System) -> str:
    """Values, borders and equations in the order they are computed, scans indented."""
    values = {v.name: v for v in system.values}
    lines = [f"system {system.name}"]
    for v in system.values:
        if v.role in ("input", "target", "parameter", "fixed"):
            lines.append(f"  {v.role} {_head(v)}")
    for stack in system.stacks:
        lines.append(f"  stack {stack.name} = {' | '.join(stack.parts)}")
    for b in system.borders:
        early = "".join(f", {b.name}[{side_name(b.sides[0])}{k}] = {e or 0}" for k, e in b.early)
        lines.append(f"  border {b.name} ({', '.join(b.sides)}) = {b.default or 0}{early}")
    lines.extend(_nodes(schedule(system), values, "  "))
    if system.loss:
        lines.append(f"  loss {system.loss}")
    for name, gradient in system.gradients:
        lines.append(f"  gradient of {name} = {gradient}")
    return "\n".join(lines) + "\n"


def side_name(side: str) -> str:
    return "first-" if side == "low" else "last+"


def _nodes(nodes: tuple[Node, ...], values: dict[str, Value], indent: str) -> list[str]:
    lines = []
    for node in nodes:
        if isinstance(node, Batch):
            lines.append(indent + show_equation(node.equation, values))
        elif isinstance(node, Scan):
            arrow = "forward" if node.direction > 0 else "backward"
            lines.append(f"{indent}scan {node.axis} {arrow}")
            lines.extend(_nodes(node.body, values, indent + "  "))
    return lines


def _head(value: Value) -> str:
    axes = f"[{', '.join(value.axes)}]" if value.axes else ""
    kind = "" if value.kind == "real" else f" {value.kind}"
    batch = "" if value.batched else " unbatched"
    return f"{value.name}{axes} : {_shape(value.shape)}{kind}{batch}"


def _shape(shape: Shape) -> str:
    return show_shape(shape)


def show_at(at: At) -> str:
    base = at.axis if at.anchor == "here" else at.anchor
    low = base + (f"{at.low:+d}" if at.low else "")
    if at.high is None:
        return low
    return f"{low}..{base}" + (f"{at.high:+d}" if at.high else "")


def show_access(access: Access) -> str:
    index = f"[{', '.join(show_at(a) for a in access.at)}]" if access.at else ""
    dims = f"<{' '.join(str(d) for d in access.dims)}>" if access.dims else ""
    return f"{access.name}{index}{dims}"


def _starts(op: Products) -> list[tuple[int, Term]]:
    """The terms of a sum, each with the number of its first read."""
    found, first = [], 0
    for term in op.terms:
        found.append((first, term))
        first += term.reads
    return found


def _term(term: Term, reads: list[str]) -> str:
    """`a<.r> b<.c> at <.r .r .c> from 0`."""
    at = f" at <{' '.join(term.dims)}>"
    start = "" if term.start is None else f" from {term.start}"
    return (" ".join(reads) or "1") + at + start


def show_equation(equation: Equation, values: dict[str, Value]) -> str:
    """`h[n]<i0> : H = tanh(h:net[n]<i0>)`."""
    v = values[equation.out]
    axes = f"[{', '.join(v.axes)}]" if v.axes else ""
    dims = f"<{' '.join(equation.dims)}>" if equation.dims else ""
    batch = "" if v.batched else " unbatched"
    reads = [show_access(r) for r in equation.reads]
    op = equation.op
    if isinstance(op, Pointwise):
        right = spell(op.formula, lambda k: reads[k])
    elif isinstance(op, Slice):
        right = f"slice({reads[0]}, {op.start}, {op.stop})"
    elif isinstance(op, Products):
        right = " + ".join(_term(t, reads[k : k + t.reads]) for k, t in _starts(op)) or "0"
    elif isinstance(op, Concat):
        right = f"concat({', '.join(reads[i] if i is not None else f'0<{z}>' for z, i in op.parts)})"
    else:
        fields = ", ".join(f"{k}={getattr(op, k)}" for k in op.__dataclass_fields__)
        right = f"{type(op).__name__.lower()}({', '.join(reads)}{'; ' + fields if fields else ''})"
    return f"{v.name}{axes}{dims} : {_shape(v.shape)}{batch} = {right}"
