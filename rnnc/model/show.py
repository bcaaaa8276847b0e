"""The model as text, one line a declaration: what `rnnc dump --stage model` prints."""

from __future__ import annotations

from rnnc.model import forms as m
from rnnc.sizes import show_shape

INFIX = {
    "+": 1,
    "-": 1,
    "*": 2,
    "/": 2,
    "matmul": 2,
    "^": 3,
    "<": 0,
    "<=": 0,
    ">": 0,
    ">=": 0,
    "==": 0,
    "!=": 0,
}


def show_model(model: m.Model) -> str:
    """The whole model; the same model is the same text."""
    sizes = ", ".join(f"{s.name} = {s.default}" + (" pinned" if s.pinned else "") for s in model.sizes)
    lines = [f"network {model.name}({sizes})"]
    if model.axes:
        lines.append(f"  axis {', '.join(model.axes)}")
    for datum in (*model.inputs, *model.targets):
        kind = f"token({datum.token})" if datum.token is not None else show_shape(datum.type.shape)
        lines.append(f"  {datum.role} {datum.name}{_axes(datum.type)} : {kind}")
    for parameter in model.parameters:
        word = "param" if parameter.trained else "fixed"
        columns = f" columns of {parameter.columns_of}" if parameter.columns_of is not None else ""
        lines.append(f"  {word} {parameter.name} : {show_shape(parameter.shape)} = {_init(parameter.init)}{columns}")
    for unit in model.units:
        lines += _unit(unit, unit.name in model.outputs)
    for begun in model.input_starts:
        lines += _start(begun.name, begun.start)
    lines += [f"  loss {show_expr(loss.right)}" for loss in model.losses]
    for one in model.feedbacks:
        axis = next(d.type.axes[0] for d in model.inputs if d.name == one.input)
        right = ", ".join(f"{name}[{axis}]" for name in one.sources)
        lines.append(f"  feedback {one.input}[{axis}+1] = {right if one.kind == 'value' else f'{one.kind}({right})'}")
    return "\n".join(lines) + "\n"


def _unit(unit: m.Unit, returned: bool) -> list[str]:
    cell = f"  # {unit.cell[1]} as {unit.cell[0]}" if unit.cell is not None else ""
    word = "output" if returned else unit.role
    left = f"  {word} {unit.name}{_axes(unit.type)} : {show_shape(unit.type.shape)}"
    lines = [f"{left} = {show_expr(unit.right)}{cell}"]
    return lines + (_start(unit.name, unit.start) if unit.start is not None else [])


def _start(name: str, start: m.Start) -> list[str]:
    lines = [f"  start {name} = {show_expr(start.default)}"]
    return lines + [f"  start {name}[first-{back}] = {show_expr(e)}" for back, e in start.early]


def _axes(kind: m.Type) -> str:
    return f"[{', '.join(kind.axes)}]" if kind.axes else ""


def _init(init: m.Init) -> str:
    return init.kind + (f"({', '.join(f'{n:g}' for n in init.numbers)})" if init.numbers else "")


def show_at(at: m.At) -> str:
    """`n-1`, `last`, `n-3..n+3`."""
    start = at.axis if at.anchor == "here" else at.anchor
    low = f"{start}{at.low:+d}" if at.low else start
    if at.high is None:
        return low if at.anchor == "here" else f"{at.axis} {low}"
    return f"{low}..{start}{at.high:+d}" if at.high else f"{low}..{start}"


def show_expr(expr: m.Expr) -> str:
    """An expression in the language's own spelling."""
    texts: dict[int, tuple[str, int]] = {}
    stack: list[tuple[m.Expr, bool]] = [(expr, False)]
    while stack:
        node, ready = stack.pop()
        if id(node) in texts:
            continue
        parts = node.args if isinstance(node, m.Apply) else ()
        if isinstance(node, m.Over):
            parts = (node.body,) if node.where is None else (node.body, node.where)
        if ready or not parts:
            texts[id(node)] = _spell(node, [texts[id(p)] for p in parts])
        else:
            stack.append((node, True))
            stack.extend((p, False) for p in parts)
    return texts[id(expr)][0]


def _spell(node: m.Expr, parts: list[tuple[str, int]]) -> tuple[str, int]:
    """The text, and how tightly it binds."""
    if isinstance(node, m.Number):
        return f"{node.value!r}".removesuffix(".0"), 9
    if isinstance(node, m.SizeNumber):
        return str(node.size), 9 if node.size.terms and str(node.size).isalnum() else 1
    if isinstance(node, m.Position):
        return node.axis, 9
    if isinstance(node, m.Read):
        return node.name + (f"[{', '.join(show_at(a) for a in node.at)}]" if node.at else ""), 9
    if isinstance(node, m.Over):
        where = f", where = {parts[1][0]}" if len(parts) > 1 else ""
        return f"{node.op} over {node.axis} ({parts[0][0]}{where})", 9
    if node.op in INFIX and len(parts) == 2:
        level = INFIX[node.op]
        left = parts[0][0] if parts[0][1] >= level else f"({parts[0][0]})"
        right = parts[1][0] if parts[1][1] > level else f"({parts[1][0]})"
        return f"{left} {'@' if node.op == 'matmul' else node.op} {right}", level
    if node.op == "neg":
        return f"-{parts[0][0] if parts[0][1] > 2 else '(' + parts[0][0] + ')'}", 2
    numbers = [f"{n:g}" for n in node.numbers] + [str(z) for z in node.ends or ()]
    return f"{node.op}({', '.join([p[0] for p in parts] + numbers)})", 9
