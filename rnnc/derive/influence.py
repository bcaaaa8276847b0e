"""The influence recursion of real-time recurrent learning, p^k_ij(n) = du_k(n)/dw_ij: Williams and Zipser (1989), for
any network. The same for one parameter at a time: each forward equation is differentiated by the parameter's entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.arrange import arranged, gathered
from rnnc.derive.bound import apart, by_depth, moved
from rnnc.derive.carried import Carrying, elsewhere, refs
from rnnc.derive.derivation import Line
from rnnc.derive.diagonal import Pairs, diagonal, reduced
from rnnc.derive.differentiate import Differential
from rnnc.derive.expand import Expansion
from rnnc.derive.kronecker import contracted, kronecker, strides
from rnnc.derive.names import influence, is_influence, subject
from rnnc.derive.rewrite import exchange
from rnnc.derive.tidy import tidy
from rnnc.sizes import Size
from rnnc.system.forms import Softmax, System


class Influence:
    """The influences of one parameter. `direct` is its gradient where nothing is carried; `truncated` leaves out what a
    value was at earlier steps; `whole` keeps what is known to be 0."""

    def __init__(
        self,
        system: System,
        expansion: Expansion,
        carrying: Carrying,
        name: str,
        direct: Line | None,
        *,
        truncated: bool = False,
        whole: bool = False,
    ) -> None:
        self.values = {v.name: v for v in system.values}
        self.name = name
        self.carrying = carrying
        self.truncated = truncated
        self.softmaxes = {e.out for e in system.equations if isinstance(e.op, Softmax) and not e.op.log}
        self.highs = {(r.name, a.axis, a.low): a.high for e in system.equations for r in e.reads for a in r.at}
        self.indices = self._entry(direct)
        self._numbers = count(1000)
        shapes = {v.name: v.shape for v in system.values}
        self.differential = Differential(self.of, expansion.known, self.fresh, shapes)
        self.active = carrying.active(name)
        self.inlined: set[str] = set()
        self.inlined = self._parts()
        self.derivatives = self._settle()
        self.pairs: Pairs = (
            {} if whole else diagonal({n: (carrying.line(n)[0], e) for n, e in self.derivatives.items()}, self.indices)
        )

    def fresh(self) -> str:
        return f"@{next(self._numbers)}"

    def _entry(self, direct: Line | None) -> tuple[x.Index, ...]:
        """The indices of the parameter's entry, split where its readers split them."""
        read = [r for _, right in self.carrying.lines for r in refs(right) if r.name == self.name]
        made = []
        for k, size in enumerate(self.values[self.name].shape):
            own = None if direct is None else direct.left.indices[k]
            given = tuple(z for _, z in own.terms) if isinstance(own, x.Index) else ()
            split = given if len(given) > 1 else strides(read, k)
            parts = tuple((f"@p{k}.{m}", z) for m, z in enumerate(split))
            made.append(x.ONLY if size == Size.of(1) else x.Index(parts) if parts else x.Index.symbol(f"@p{k}"))
        return tuple(made)

    # ---- the derivatives

    def of(self, ref: x.Ref) -> x.Expr:
        """The derivative of a value that is read."""
        if ref.name == self.name:
            return algebra.mul(kronecker(own, i) for i, own in zip(ref.indices, self.indices, strict=True))
        if ref.name not in self.active:
            return x.ZERO
        now = self._now(ref) if self.truncated else x.ONE
        if now == x.ZERO:
            return x.ZERO
        if ref.name in self.inlined:
            return algebra.mul((now, self._inline(ref)))
        return algebra.mul((now, x.Ref(influence(ref.name, self.name), ref.at, (*ref.indices, *self.indices))))

    def _now(self, ref: x.Ref) -> x.Expr:
        """1 where `ref` reads the present step: nothing for an earlier one, in a window its last place."""
        factors: list[x.Expr] = []
        for p in ref.at:
            if p.base == "first" or (p.tap is None and p.offset != 0):
                return x.ZERO
            if p.tap is not None:
                high = self.highs.get((ref.name, p.axis, p.offset))
                if high is None or not p.offset <= 0 <= high:
                    return x.ZERO
                factors.append(kronecker(p.tap, x.Index.constant(-p.offset)))
        return algebra.mul(factors)

    def _inline(self, ref: x.Ref) -> x.Expr:
        left, _ = self.carrying.line(ref.name)
        e = apart(self._derivative(ref.name), self.fresh)
        symbols = [i.terms[0][0] for i in left.indices if isinstance(i, x.Index) and i.terms]
        new = {s: self.fresh() for s in symbols}
        e = exchange(e, {s: x.Index.symbol(n) for s, n in new.items()})
        target = {new[s]: i for s, i in zip(symbols, (i for i in ref.indices if i != x.ONLY), strict=True)}
        e = exchange(e, {s: i for s, i in target.items() if isinstance(i, x.Index)})
        for place, own in zip(ref.at, left.at, strict=True):
            e = moved(e, own.base, place)
        return e

    def _derivative(self, name: str) -> x.Expr:
        left, right = self.carrying.line(name)
        return contracted(self.differential.line(left, right, name in self.softmaxes))

    # ---- what has a line of its own

    def _reads(self, name: str) -> list[x.Ref]:
        lines = (right for left, right in self.carrying.lines if left.name in self.active)
        return [r for right in lines for r in refs(right) if r.name == name]

    def _bordered(self, names: Iterable[str]) -> bool:
        wanted = set(names)
        return any(b.name in wanted and b.reads() for b in self.carrying.borders)

    def _plain(self, name: str, reads: list[x.Ref]) -> bool:
        """Whether every read can have the derivative written out in its place."""
        left, _ = self.carrying.line(name)
        simple = all(isinstance(i, x.Index) and len(i.terms) <= 1 for i in left.indices)
        return simple and all(
            all(isinstance(i, x.Index) and i != x.BLANK for i in r.indices) and all(p.tap is None for p in r.at)
            for r in reads
        )

    def _parts(self) -> set[str]:
        """Net inputs that one equation reads once, at its own step."""
        found = set()
        for name in self.active:
            reads = self._reads(name)
            once = len(reads) == 1 and not elsewhere(reads[0]) and all(p.base != "last" for p in reads[0].at)
            if self.values[name].role == "part" and once and self._plain(name, reads):
                found.add(name)
        return found

    def _settle(self) -> dict[str, x.Expr]:
        """The derivatives of what has its own line; a value that only hands one influence on, or has one term that
        is not an influence, is written out."""
        while True:
            made = {n: self._derivative(n) for n in self.active if n not in self.inlined}
            empty = tuple(n for n, e in made.items() if e == x.ZERO and not self._bordered((n,)))
            simple = next((n for n, e in made.items() if n not in empty and self._hands_on(n, e)), None)
            if not empty and simple is None:
                return made
            self.active = tuple(n for n in self.active if n not in empty)
            if simple is not None:
                self.inlined.add(simple)

    def _hands_on(self, name: str, e: x.Expr) -> bool:
        coefficient, factors = algebra.scaled(e)
        carried = [f for f in factors if isinstance(f, x.Ref) and is_influence(f.name)]
        others = [f for f in factors if f not in carried]
        reads = self._reads(name)
        if not self._plain(name, reads) or len(carried) > 1 or any(isinstance(f, x.Add | x.Choice) for f in factors):
            return False
        if any(is_influence(r.name) for f in others for r in refs(f)):
            return False
        late = any(elsewhere(r) for r in reads)
        if not carried:
            return not late and not self._bordered((name,)) and not any(isinstance(f, x.Reduce) for f in others)
        (source,) = carried
        whole = all(p.offset == 0 and p.tap is None for p in source.at) and coefficient == 1
        masks = all(isinstance(f, x.Bracket) for f in others)
        return whole and masks and not (late and self._bordered((name, subject(source.name))))

    # ---- as lines

    def lines(self) -> tuple[Line, ...]:
        """The influences in the order they are computed, each with what it is before the first step."""
        found: list[Line] = []
        for name, e in self.derivatives.items():
            left, _ = self.carrying.line(name)
            ref = x.Ref(influence(name, self.name), left.at, (*left.indices, *self.indices))
            line = self.line(ref, e)
            if line.right != x.ZERO or self._bordered((name,)):
                found.append(line)
            found.extend(self._starts(name, ref))
        return tuple(found)

    def line(self, left: x.Ref, right: x.Expr) -> Line:
        """An equation with what the diagonal spares left out, in its final form."""
        own, e = reduced(left, right, self.pairs, len(self.indices))
        depth = sum(1 for s in x.symbols(own) if s.startswith("@") and not s.startswith("@p"))
        e = tidy(by_depth(contracted(e), depth, self.fresh), lambda ref: (), True)
        return Line(own, arranged(gathered(e)))

    def _starts(self, name: str, ref: x.Ref) -> list[Line]:
        found = []
        for b in self.carrying.borders:
            if b.name != name or not b.reads():
                continue
            axes = tuple(p.axis for p in ref.at)
            unit = ref.indices[: len(ref.indices) - len(self.indices)]
            for k, start in b.early:
                at = tuple(
                    x.Place(a, "first" if s == "low" else "last", -k if s == "low" else k)
                    for a, s in zip(axes, b.sides, strict=True)
                )
                found.append(self.line(x.Ref(ref.name, at, ref.indices), self._start(start, unit)))
            if b.default is not None:
                whole = self.line(ref, self._start(b.default, unit))
                found.append(Line(whole.left, whole.right, tuple(zip(axes, b.sides, strict=True))))
        return found

    def _start(self, name: str | None, indices: tuple[x.Index | x.Ref, ...]) -> x.Expr:
        return x.ZERO if name is None else self.of(x.Ref(name, (), indices))
