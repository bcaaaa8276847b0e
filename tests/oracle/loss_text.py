"""The losses of a spec as terms, read off the syntax tree: names looked up, functions written out, nothing computed.

Nothing of rnnc but its reader of text takes part, so that what a loss means is said a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnnc.diagnostics import Reporter
from rnnc.frontend import syntax
from rnnc.frontend.parse import parse
from rnnc.frontend.read import read_text


class NotCovered(Exception):
    """The oracle says nothing of this loss; `str` is why."""


class OfRecurrence(NotCovered):
    """It reads what stands outside a sequence of a unit that depends on itself: which of the two ends is the start, the
    oracle does not say."""


@dataclass(frozen=True)
class Place:
    """Where one axis is read: `low` steps from here, the first or the last; with `high` a window."""

    axis: str
    anchor: str
    low: int
    high: int | None = None


@dataclass(frozen=True)
class Term:
    """A number, a position, a read, or an operation on other terms; `axes` and `where` of what runs over an axis."""

    op: str
    args: tuple[Term, ...] = ()
    name: str = ""
    places: tuple[Place, ...] = ()
    number: float = 0.0
    axes: tuple[str, ...] = ()
    where: Term | None = None


@dataclass(frozen=True)
class Declared:
    """A value of the network: its axes, and whether it is a target, a token, an array of weights."""

    axes: tuple[str, ...]
    role: str
    token: bool


@dataclass(frozen=True)
class Started:
    """What stands before the first step: everywhere, and so many steps before."""

    always: Term | None = None
    learned: bool = False
    early: Mapping[int, Term] = field(default_factory=dict)


class LossText:
    """The losses of the network in `text`; `sizes` are the sizes that its module was given."""

    def __init__(self, text: str, sizes: Mapping[str, int]) -> None:
        reporter = Reporter()
        file = parse(read_text(text), reporter)
        reporter.stop_if_wrong()
        (self.network,) = file.networks
        self.numbers: dict[str, float] = {}
        for formal in self.network.formals:
            self.numbers[formal.name.text] = sizes.get(formal.name.text, _literal(formal.value))
        body = self.network.body
        self.axes = tuple(n.text for s in body if isinstance(s, syntax.AxisDeclaration) for n in s.names)
        self.functions = {s.name.text: s for s in (*file.functions, *body) if isinstance(s, syntax.Function)}
        self.cells = {c.name.text: c for c in file.cells}
        self.units = {s.left.name.text: s for s in body if isinstance(s, syntax.Unit)}
        self.values: dict[str, Declared] = {}
        for s in body:
            if isinstance(s, syntax.Data):
                token = s.shape is not None and s.shape.token is not None
                for one in s.names:
                    self.values[one.name.text] = Declared(_names(one.axes), s.keyword.text, token)
            elif isinstance(s, syntax.Unit):
                self.values[s.left.name.text] = Declared(_names(s.left.axes), "unit", False)
        self.losses = tuple(self.term(s.right) for s in body if isinstance(s, syntax.Loss))

    def term(self, node: syntax.Expr, formals: Mapping[str, Term] | None = None) -> Term:
        """A piece of text as a term; `formals` are the arguments of the function it stands in."""
        formals = formals or {}
        match node:
            case syntax.Number():
                return Term("number", number=node.value)
            case syntax.Unary():
                return Term("neg", (self.term(node.operand, formals),))
            case syntax.Chain():
                return self._chain(node, formals)
            case syntax.Reference():
                return self._reference(node, formals)
            case syntax.Call():
                return self._call(node, formals)
        raise NotCovered(f"`{node.span.text}`")

    def _chain(self, node: syntax.Chain, formals: Mapping[str, Term]) -> Term:
        terms = [self.term(node.first, formals), *(self.term(e, formals) for _, e in node.rest)]
        signs = [sign for sign, _ in node.rest]
        if "^" in signs:
            made = terms.pop()
            while terms:
                made = Term("^", (terms.pop(), made))
            return made
        made = terms[0]
        for sign, right in zip(signs, terms[1:], strict=True):
            made = Term(sign, (made, right))
        return made

    def _reference(self, node: syntax.Reference, formals: Mapping[str, Term]) -> Term:
        text = node.name.text
        if text in formals:
            return formals[text]
        if text in self.numbers:
            return Term("number", number=self.numbers[text])
        if text in self.axes:
            return Term("position", name=text)
        declared = self.values[text]
        name = ".".join((text, *(part.text for part in node.parts)))
        if declared.role in ("param", "fixed"):
            table = Term("read", name=name)
            return table if node.index is None else Term("row", (table, self.term(node.index[0].low)))
        places = {axis: Place(axis, "here", 0) for axis in declared.axes}
        for k, entry in enumerate(node.index or ()):
            anchor, low = self._anchored(entry.low)
            high = None if entry.high is None else self._anchored(entry.high)[1]
            axis = declared.axes[k] if anchor in ("first", "last") else anchor
            places[axis] = Place(axis, anchor if anchor in ("first", "last") else "here", low, high)
        return Term("read", name=name, places=tuple(places.values()))

    def _anchored(self, node: syntax.Expr) -> tuple[str, int]:
        """`n-2` is ("n", -2), `last+1` is ("last", 1)."""
        if isinstance(node, syntax.Reference) and node.name.text not in self.numbers:
            return node.name.text, 0
        if isinstance(node, syntax.Chain) and all(sign in "+-" for sign, _ in node.rest):
            anchor, low = self._anchored(node.first)
            for sign, step in node.rest:
                low += (1 if sign == "+" else -1) * round(self.constant(step))
            return anchor, low
        raise NotCovered(f"the place `{node.span.text}`")

    def constant(self, node: syntax.Expr) -> float:
        """What an expression of literals, sizes and constants is."""
        return _number(self.term(node))

    def _call(self, node: syntax.Call, formals: Mapping[str, Term]) -> Term:
        name = node.function.text
        args = tuple(self.term(a, formals) for a in node.args)
        if name in self.functions:
            function = self.functions[name]
            return self.term(function.body, dict(zip(_names(function.formals), args, strict=True)))
        if node.bare or any(k.name.text not in ("where", "blank") for k in node.keywords):
            raise NotCovered("a connection")
        options = {k.name.text: self.term(k.value, formals) for k in node.keywords}
        if node.over_first:
            return Term("over", args, name=name, axes=_names(node.over), where=options.get("where"))
        return Term(name, (*args, options.get("blank", Term("number"))) if name == "ctc" else args)

    def start(self, name: str) -> Started | None:
        """The start lines of a value; None where there are none."""
        always, learned, early = None, False, {}
        found = False
        for s in self.network.body:
            if not isinstance(s, syntax.Start) or ".".join((s.name.text, *_names(s.parts))) != name:
                continue
            found = True
            if s.index is not None:
                early[-self._anchored(s.index[0].low)[1]] = self.term(s.right)
            elif s.learned:
                learned = True
            else:
                always = self.term(s.right)
        return Started(always, learned, early) if found else None

    def axes_of(self, term: Term) -> tuple[str, ...]:
        """The axes along which a term has a number at every position, in the network's order."""
        found = self._along(term)
        return tuple(a for a in self.axes if a in found)

    def _along(self, term: Term) -> frozenset[str]:
        if term.op == "ctc":
            return frozenset()
        parts = (*term.args, *((term.where,) if term.where is not None else ()))
        inside = frozenset(a for part in parts for a in self._along(part))
        if term.op == "position":
            return frozenset((term.name,))
        if term.op == "read":
            return inside | {p.axis for p in term.places if p.anchor == "here"}
        if term.op == "over" and term.name not in ("softmax", "log_softmax"):
            return inside - set(term.axes)
        return inside


def _names(names: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(n.text for n in names)


def _literal(node: syntax.Expr | None) -> float:
    if isinstance(node, syntax.Number):
        return node.value
    if isinstance(node, syntax.Unary) and isinstance(node.operand, syntax.Number):
        return -node.operand.value
    raise NotCovered("a default that is no plain number")


def _number(term: Term) -> float:
    if term.op == "number":
        return term.number
    values = [_number(a) for a in term.args]
    match term.op, values:
        case "+", [a, b]:
            return a + b
        case "-", [a, b]:
            return a - b
        case "*", [a, b]:
            return a * b
        case "/", [a, b]:
            return a / b
        case "neg", [a]:
            return -a
    raise NotCovered("a constant that is computed")
