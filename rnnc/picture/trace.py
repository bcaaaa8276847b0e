"""Which values an expression reads, through which parameters, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnc.model.forms import Apply, At, Expr, Over, Read

# Products that mix the entries of their operands: a factor inside one multiplies nothing outside.
_MIXING = ("matmul", "dot", "outer", "bilinear", "block", "sparse", "row")
_PRODUCTS = (*_MIXING, "*")

Factor = Literal["no", "gates", "all"]


@dataclass(frozen=True)
class Reference:
    """One read of a value; the fields are those of a link."""

    name: str
    at: tuple[At, ...]
    over: tuple[str, ...]
    weights: tuple[str, ...]
    multiplies: bool


@dataclass(frozen=True)
class _Task:
    expr: Expr
    over: tuple[str, ...]
    weights: tuple[str, ...]
    factor: Factor


@dataclass(frozen=True)
class _Facts:
    """Of a subtree: does it read values at all, and does it carry a gate entry by entry."""

    valued: bool
    gated: bool


def references(expr: Expr, parameters: frozenset[str], gates: frozenset[str]) -> tuple[Reference, ...]:
    """Every read of a value in `expr`, once for each way it is used, in the author's order.

    A read multiplies where it is a factor beside another value; where a gate is among the factors, the gate
    alone does.
    """
    facts = _facts(expr, parameters, gates)
    found: dict[Reference, None] = {}
    seen: set[tuple[int, tuple[str, ...], tuple[str, ...], Factor]] = set()
    stack = [_Task(expr, (), (), "no")]
    while stack:
        task = stack.pop()
        mark = (id(task.expr), task.over, task.weights, task.factor)
        if mark in seen:
            continue
        seen.add(mark)
        e = task.expr
        if isinstance(e, Read) and e.name not in parameters:
            multiplies = task.factor == "all" or (task.factor == "gates" and e.name in gates)
            found[Reference(e.name, e.at, task.over, task.weights, multiplies)] = None
        elif isinstance(e, Over):
            over = (*task.over, e.axis)
            if e.where is not None:
                stack.append(_Task(e.where, over, (), "no"))
            stack.append(_Task(e.body, over, task.weights, task.factor))
        elif isinstance(e, Apply):
            weights, factor = task.weights, task.factor
            if e.op in _PRODUCTS:
                weights, factor = _inside(e, task, facts, parameters)
            stack.extend(_Task(arg, task.over, weights, factor) for arg in reversed(e.args))
    return tuple(found)


def _inside(
    e: Apply, task: _Task, facts: dict[int, _Facts], parameters: frozenset[str]
) -> tuple[tuple[str, ...], Factor]:
    """The weights and the manner in which the operands of a product are read."""
    valued = [a for a in e.args if facts[id(a)].valued]
    plain = [a for a in e.args if not facts[id(a)].valued]
    named = tuple(name for a in plain for name in _parameters(a, parameters))
    factor: Factor = "no" if e.op in _MIXING else task.factor
    if len(valued) > 1:
        factor = "gates" if any(facts[id(a)].gated for a in valued) else "all"
    return named or task.weights, factor


def _parameters(expr: Expr, parameters: frozenset[str]) -> tuple[str, ...]:
    """Keys of the weights in an operand that holds no value; a sparse weight's pattern of columns goes
    without saying."""
    found: dict[str, None] = {}
    for e in _post_order(expr):
        if isinstance(e, Read) and e.name in parameters and e.type.kind == "real":
            found[e.name] = None
    return tuple(found)


def _facts(expr: Expr, parameters: frozenset[str], gates: frozenset[str]) -> dict[int, _Facts]:
    facts: dict[int, _Facts] = {}
    for e in _post_order(expr):
        below = [facts[id(a)] for a in _operands(e)]
        valued = any(f.valued for f in below) or (isinstance(e, Read) and e.name not in parameters)
        gated = any(f.gated for f in below) or (isinstance(e, Read) and e.name in gates)
        mixing = isinstance(e, Apply) and e.op in _MIXING
        facts[id(e)] = _Facts(valued, gated and not mixing)
    return facts


def _operands(e: Expr) -> tuple[Expr, ...]:
    if isinstance(e, Apply):
        return e.args
    if isinstance(e, Over):
        return (e.body,) if e.where is None else (e.body, e.where)
    return ()


def _post_order(expr: Expr) -> list[Expr]:
    """Every node of a tree once, operands first; without recursion, since an author may nest as deep as they
    like."""
    order: list[Expr] = []
    seen: set[int] = set()
    stack: list[tuple[Expr, bool]] = [(expr, False)]
    while stack:
        e, done = stack.pop()
        if done:
            order.append(e)
        elif id(e) not in seen:
            seen.add(id(e))
            stack.append((e, True))
            stack.extend((a, False) for a in reversed(_operands(e)))
    return order
