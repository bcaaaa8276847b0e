"""Gates: whether each multiplies something, and whether it stays between 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rnnc.diagnostics import Diagnostic
from rnnc.model import forms as m
from rnnc.model.warnings import IdleGate, WideGate
from rnnc.ops.elementary import BY_NAME

Range = tuple[float, float]
ANY: Range = (-math.inf, math.inf)
PRODUCTS = frozenset(("*", "/", "matmul", "dot", "outer", "bilinear", "block", "sparse"))


def gate_warnings(model: m.Model) -> Iterator[Diagnostic]:
    """A warning for each gate that multiplies nothing, and each that can leave [0, 1]."""
    units = {u.name: u for u in model.units}
    multiplied: set[str] = set()
    for expr in [u.right for u in model.units] + [x.right for x in model.losses]:
        _multiplied(expr, multiplied)
    for unit in model.units:
        if unit.role != "gate":
            continue
        if unit.name not in multiplied:
            yield IdleGate(span=unit.span, name=unit.span.text)
        low, high = _range(unit.right, units, 0)
        if low < 0 or high > 1:
            yield WideGate(span=unit.right.span, name=unit.span.text)


def _multiplied(expr: m.Expr, found: set[str]) -> None:
    """The names read in a factor of any product."""
    seen: set[tuple[int, bool]] = set()
    stack = [(expr, False)]
    while stack:
        node, inside = stack.pop()
        if (id(node), inside) in seen:
            continue
        seen.add((id(node), inside))
        if isinstance(node, m.Read) and inside:
            found.add(node.name)
        elif isinstance(node, m.Apply):
            stack.extend((a, inside or node.op in PRODUCTS) for a in node.args)
        elif isinstance(node, m.Over):
            stack.append((node.body, inside))


def _range(expr: m.Expr, units: dict[str, m.Unit], level: int) -> Range:
    """Bounds of an expression, as far as they are plain to see."""
    if level > 40:
        return ANY
    if isinstance(expr, m.Number):
        return expr.value, expr.value
    if isinstance(expr, m.Read):
        unit = units.get(expr.name)
        if unit is None or level > 8 or unit.role != "gate":
            return ANY
        low, high = _range(unit.right, units, level + 8)
        moved = any(a.low != 0 or a.high is not None for a in expr.at)
        return (min(low, 0.0), max(high, 0.0)) if moved else (low, high)
    if isinstance(expr, m.Over):
        return (0.0, 1.0) if expr.op == "softmax" else ANY
    if not isinstance(expr, m.Apply):
        return ANY
    if expr.op == "softmax":
        return 0.0, 1.0
    return _combined(expr, [_range(a, units, level + 1) for a in expr.args])


def _combined(expr: m.Apply, parts: list[Range]) -> Range:
    op = expr.op
    if op == "+":
        return parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]
    if op == "-":
        return parts[0][0] - parts[1][1], parts[0][1] - parts[1][0]
    if op == "neg":
        return -parts[0][1], -parts[0][0]
    if op == "*" and all(math.isfinite(v) for p in parts for v in p):
        corners = [a * b for a in parts[0] for b in parts[1]]
        return min(corners), max(corners)
    if op == "where" or op in ("concat", "forced"):
        inner = parts[1:] if op == "where" else parts
        return min(p[0] for p in inner), max(p[1] for p in inner)
    if op in ("slice", "flatten", "transpose"):
        return parts[0]
    if op in ("min", "max") and len(parts) == 2:
        pick = min if op == "min" else max
        return pick(p[0] for p in parts), pick(p[1] for p in parts)
    if op == "clip":
        return min(parts[1][0], parts[2][0]), parts[2][1]
    record = BY_NAME.get(op)
    return record.bounded if record is not None and record.bounded is not None else ANY
