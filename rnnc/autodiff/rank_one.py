"""The influence of all parameters on all states as one column times one row, kept unbiased by random signs.

With F one step of the network, s~ a column (an entry for every state of every delay), p~ a row (one for every
parameter), nu random signs, and all norms those of one sequence:

    rho0 = sqrt(|p~| / (|dF/ds s~| + epsilon)) + epsilon       rho1 = sqrt(|nu dF/dp| / (|nu| + epsilon)) + epsilon
    s~ <- rho0 dF/ds s~ + rho1 nu                              p~ <- p~ / rho0 + nu dF/dp / rho1

Tallec and Ollivier (2017), algorithm 1: the expectation of s~ p~ is the influence. Signs stand only where a step reads
parameters: elsewhere they would add variance alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnc.autodiff.kept import Row, Whole, back
from rnnc.autodiff.pull import pulled
from rnnc.autodiff.push import Direction, Push
from rnnc.autodiff.recursion import INVERSE, Recursion, directions, entries, ratio
from rnnc.ops.formula import product_of
from rnnc.sizes import Size, number
from rnnc.system.forms import Access, Border, Contract, Equation, Part, Pointwise, Products, Term
from rnnc.system.influence import Columns
from rnnc.system.lowering import labels_of
from rnnc.system.reach import downstream

ROW = ".p"


class RankOne:
    """Makes the recursion `by` that of all `parameters`; `starts` are the borders of states, `passed` the adjoints of
    what the step carries."""

    def __init__(
        self, by: Recursion, parameters: tuple[str, ...], starts: Mapping[str, Border], passed: Mapping[str, str]
    ) -> None:
        self.by, self.x = by, by.x
        self.parameters = parameters
        self.starts = {s: starts[s] for s in by.states if s in starts}
        self.passed = passed
        self.columns: dict[str, tuple[str, ...]] = {}
        self.places: tuple[Columns, ...] = ()
        self.row = ""

    def run(self) -> None:
        """Makes all equations; none where no parameter has an influence."""
        x, by = self.x, self.by
        reached = by.reached(self.parameters)
        aimed = {s: by.signs(s, x.values[s].shape, (by.axis,)) for s in by.states if s in reached}
        immediate = pulled(x, aimed, self.parameters, (by.axis,))
        begun = self._begun()
        first = pulled(x, begun, self.parameters, ())
        self.places = self._placed(tuple(p for p in self.parameters if p in immediate or p in first))
        if not self.places:
            return
        self.row = by.named("row", (self._width(),))
        for s in by.states:
            names = (f"column({s})", *(f"column({s}, {k})" for k in range(1, by.depth(s))))
            self.columns[s] = tuple(by.named(n, x.values[s].shape) for n in names)
        before = directions(self.columns, by)
        self._recur(Push(x, before), aimed, immediate)
        self._start(begun, first)
        self._past(before)
        columns = (Whole(n, back(f"column of {s}", k)) for s, c in self.columns.items() for k, n in enumerate(c))
        by.kept = (*columns, Row(self.row, self.places))

    def _placed(self, reaching: tuple[str, ...]) -> tuple[Columns, ...]:
        found = []
        start = Size.of(0)
        for name in reaching:
            shape = self.x.values[name].shape
            found.append(Columns(name, start, shape))
            start = start + number(shape)
        return tuple(found)

    def _width(self) -> Size:
        return self.places[-1].start + number(self.places[-1].shape)

    def _recur(self, push: Push, aimed: Mapping[str, str], immediate: Mapping[str, str]) -> None:
        x, by = self.x, self.by
        moved: dict[str, Access] = {}
        for s in by.states:
            direction = push.of(s)
            if direction is not None:
                moved[s] = direction.read(labels_of(x.values[s].shape))
        by.loop += push.made
        older = {s: [by.last(n, labels_of(x.values[s].shape)) for n in names[:-1]] for s, names in self.columns.items()}
        old = [*moved.values(), *(a for reads in older.values() for a in reads)]
        rho0 = by.scale("rho0", [by.last(self.row, (ROW,))], old)
        new = [x.here(n, labels_of(x.values[n].shape)) for n in immediate.values()]
        rho1 = by.scale("rho1", new, entries(x, aimed.values()))
        for s, (column, *others) in self.columns.items():
            labels = labels_of(x.values[s].shape)
            pairs = [(by.now(rho0), moved[s])] if s in moved else []
            pairs += [(by.now(rho1), by.now(aimed[s], labels))] if s in aimed else []
            by.products(column, labels, pairs, f"the column of {s}")
            for k, (name, read) in enumerate(zip(others, older[s], strict=True), 1):
                by.products(name, labels, [(by.now(rho0), read)], f"the column of {s}, {k} back")
        carried = (by.now(by.inverse(rho0)), by.last(self.row, (ROW,)))
        self._sum_up(self.row, immediate, by.now(by.inverse(rho1)), *carried)

    def _sum_up(self, row: str, parts: Mapping[str, str], scale: Access, *first: Access) -> None:
        """The equation of a row: what was carried, and the parts of all parameters, each at its place."""
        terms = [Term(2, (ROW,))] if first else []
        reads = [*first]
        for place in self.places:
            if place.parameter in parts:
                labels = labels_of(place.shape)
                terms.append(Term(2, labels, place.start, place.shape))
                reads += [scale, self.x.here(parts[place.parameter], labels)]
        self.x.equations[row] = Equation(row, (ROW,), Products(tuple(terms)), tuple(reads), "the row of parameters")

    # ---- starts

    def _begun(self) -> dict[str, str]:
        """The starts that parameters have an influence on, and their signs."""
        x = self.x
        equations = tuple(x.equations.values())
        whole = replace(x.system, equations=equations, values=tuple(x.values.values()), borders=())
        learned = downstream(whole, self.parameters)
        names = dict.fromkeys(n for b in self.starts.values() for n in b.reads() if n in learned)
        return {n: self.by.signs(n, x.values[n].shape, ()) for n in names}

    def _start(self, begun: Mapping[str, str], first: Mapping[str, str]) -> None:
        """What is carried to the first step: the start is a step of its own, to which nothing was carried."""
        x = self.x
        if not first:
            return
        squares = []
        for name in first.values():
            a = x.here(name, labels_of(x.values[name].shape))
            squares.append(x.here(x.add("square", (), True, (), Contract(), (a, a)), ()))
        formula = ratio(len(squares), 0, entries(x, begun))
        rho1 = x.add("rho1", (), True, (), Pointwise(formula), tuple(squares))
        scaled = {n: self._scaled(n, signs, rho1) for n, signs in begun.items()}
        for s, border in self.starts.items():
            for k, name in enumerate(self.columns[s], 1):
                start = scaled.get(dict(border.early).get(k, border.default) or "")
                if start is not None:
                    self.by.borders.append(Border(name, ("low",), start))
        row = x.fresh("row")
        x.values[row] = replace(x.values[self.row], name=row, axes=())
        inverse = x.add("1/rho1", (), True, (), Pointwise(INVERSE), (x.here(rho1, ()),))
        self._sum_up(row, first, x.here(inverse, ()))
        self.by.borders.append(Border(self.row, ("low",), row))

    def _scaled(self, start: str, signs: str, rho1: str) -> str:
        x = self.x
        shape = x.values[start].shape
        labels = labels_of(shape)
        reads = (x.here(rho1, ()), x.here(signs, labels))
        return x.add(f"column({start})", (), True, shape, Pointwise(product_of(2)), reads, labels)

    # ---- gradients

    def _past(self, before: Mapping[str, Direction]) -> None:
        """What the past adds to every gradient: what the step passes on, times the column, times the row."""
        x, by = self.x, self.by
        shares = []
        for c in by.carried:
            if c.name in self.passed:
                labels = labels_of(x.values[c.name].shape)
                reads = (by.now(self.passed[c.name], labels), before[c.name].read(labels))
                shares.append(by.made(f"share({c.name})", (), Contract(), reads))
        if not shares:
            return
        whole = x.fresh("past")
        x.values[whole] = replace(x.values[self.row], name=whole, axes=(), batched=False)
        by.products(whole, (ROW,), [(by.now(n), by.last(self.row, (ROW,))) for n in shares], "what the past adds")
        for place in self.places:
            read = (x.here(whole, (ROW,)),)
            made = x.add(f"past:{place.parameter}", (), False, place.shape, Part(place.start), read)
            by.added[place.parameter] = made
