"""The influences at the end of a block of steps, of those at its start and of what the block's steps read:

    J(b) = L(a) J(a) + sum over the block's steps t of L(t) (what step t reads of parameters)

with L(t) = d states(b) / d states(t), passed back through the block (`rnnc.autodiff.passed_back`). The sum is one
product of matrices, where carrying J from step to step takes one for every step. Schmidhuber (1992), section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rnnc.autodiff.blocks import Block, rows_of
from rnnc.autodiff.jacobian import Jacobian
from rnnc.autodiff.passed_back import PassedBack, links, renamed
from rnnc.autodiff.tangent import COLUMNS, Held, Tangent
from rnnc.ops.formula import Operand, product_of
from rnnc.system.forms import Access, Pointwise, Products, Term


@dataclass(frozen=True)
class Across:
    """The influences of `held` as a block starts from them (`before`), and as it leaves them (`after`): values without
    an axis, of the last step, the one before it and so on, as many as later steps read. `starts` are what they are
    before the first step of all, None for zero."""

    held: Held
    before: tuple[str, ...]
    after: tuple[str, ...]
    starts: tuple[str | None, ...]


class Ending(Tangent):
    """Adds the equations of a block to its extension."""

    def across(self, lags: dict[str, int]) -> tuple[Across, ...]:
        """The influences on the states of `lags`, which says how many steps of each later ones read, and their
        equations."""
        self.hold(along=False)
        self.held = {key: held for key, held in self.held.items() if held.state in lags}
        known = tuple(links(self))
        axes = {c.source: c.axis for c in self.step.carried}
        states = tuple(dict.fromkeys(h.state for h in self.held.values()))
        self.passed = {(s, k): PassedBack(self.x, known, s, k, axes[s]) for s in states for k in range(1, lags[s] + 1)}
        self.entered: dict[tuple[str, int, str, int], Access | None] = {}
        self.scaled: dict[tuple[str, int, str, tuple[Access, ...], tuple[str, ...]], Access] = {}
        found = {h: self._across(h, lags[h.state]) for h in self.held.values()}
        for passed in self.passed.values():
            self.borders.extend(passed.borders)
        for across in found.values():
            for k, name in enumerate(across.after, start=1):
                self._leave(across.held, name, k, lags, found)
        return tuple(found.values())

    def _across(self, held: Held, steps: int) -> Across:
        v = self.x.values[held.name]
        before, after = [], [held.name]
        for k in range(1, steps + 1):
            name = self.x.fresh(f"{held.name}:before")
            self.x.values[name] = replace(v, name=name, role="given")
            before.append(name)
            if k > 1:
                name = self.x.fresh(f"{held.name}:{k}")
                self.x.values[name] = replace(v, name=name)
                after.append(name)
        border = self.starts.get(held.state)
        early = dict(border.early) if border else {}
        starts = [early.get(k, border.default if border else None) for k in range(1, steps + 1)]
        made = {name: self._started(held, name) for name in dict.fromkeys(starts) if name is not None}
        return Across(held, tuple(before), tuple(after), tuple(made.get(name or "") for name in starts))

    def _leave(self, held: Held, name: str, back: int, lags: dict[str, int], found: dict[Held, Across]) -> None:
        """The influence as the block leaves it."""
        passed = self.passed[held.state, back]
        terms: list[Term] = []
        reads: list[Access] = []
        for source in passed.aligned:
            for parameter, blocks in self.blocks[source].items():
                for b in blocks if parameter not in self.carried else ():
                    for term, own in self._read(held, parameter, self._behind(passed, source, parameter, b)):
                        terms.append(term)
                        reads.extend(own)
        for source in passed.aligned:
            for lag in range(1, lags.get(source, 0) + 1):
                for term, own in self._met(held, passed, source, lag, found):
                    terms.append(term)
                    reads.extend(own)
        self._equation(name, held, terms, reads)

    def _behind(self, passed: PassedBack, source: str, parameter: str, b: Block) -> Block:
        """What a step of `source` reads of a parameter, seen from the block's end."""
        rows = rows_of(self.x.values[source].shape)
        rename = dict(zip(rows, passed.labels(source), strict=True))
        columns = tuple(rename.get(c, c) for c in b.columns)
        factors = tuple(renamed(r, rename) for r in b.factors)
        made = Jacobian(self.x, source, frozenset(), frozenset())
        coefficient = tuple(renamed(r, rename) for r in made.coefficient(b, parameter))
        own = {*columns, *(d for r in factors for d in r.dims)}
        key = (passed.state, passed.back, source, coefficient, tuple(sorted(str(d) for d in own)))
        if key not in self.scaled:
            self.scaled[key] = self._scale(passed, source, coefficient, own)
        return Block(columns, Operand(0), (self.scaled[key],), factors)

    def _scale(self, passed: PassedBack, source: str, coefficient: tuple[Access, ...], kept: set[str | int]) -> Access:
        """L times a coefficient, summed over what the parameter does not have."""
        reads = (passed.left(source), *coefficient)
        sizes = self.x.sizes(reads)
        labels = tuple(d for d in sizes if d in passed.rows or d in kept)
        if len(reads) == 1 and len(labels) == len(sizes):
            return reads[0]
        plain = len(labels) == len(sizes) and len(reads) < 3
        op = Pointwise(product_of(len(reads))) if plain else Products((Term(len(reads), labels),))
        shape = tuple(sizes[d] for d in labels)
        name = self.x.make(f"d({passed.state}:end)/d({source}:read)", shape, op, reads, labels)
        return self.x.here(name, labels)

    def _met(
        self, held: Held, passed: PassedBack, source: str, lag: int, found: dict[Held, Across]
    ) -> Iterator[tuple[Term, tuple[Access, ...]]]:
        """What influences known at the block's start make of this one."""
        before = self.held.get((source, held.panel))
        entering = self._entering(passed, source, lag) if before is not None else None
        if before is None or entering is None:
            return
        rows = rows_of(self.x.values[held.state].shape)
        own = passed.labels(source)
        columns, start, shape = self._columns(held, before, own)
        earlier = Access(found[before].before[lag - 1], (), (*own, COLUMNS))
        yield Term(2, (*rows, *columns), start, shape), (entering, earlier)

    def _entering(self, passed: PassedBack, source: str, lag: int) -> Access | None:
        key = (passed.state, passed.back, source, lag)
        if key not in self.entered:
            self.entered[key] = passed.entering(source, lag)
        return self.entered[key]
