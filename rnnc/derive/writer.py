"""Expressions to writing: precedence, signs and fractions, which text and LaTeX share; each says how its
leaves look.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction

from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.derivation import Derivation, Line, Title, symbol_order
from rnnc.derive.kronecker import sides
from rnnc.sizes import Size

MARK = x.Call("mark", ())
SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
WEIGHT = ("i", "j")
"""The letters of a weight's entry, as in w_ij."""


class Writer(ABC):
    """Writes the expressions of one derivation; `letter` maps the index symbols of the equation at hand."""

    def __init__(self, derivation: Derivation) -> None:
        self.titles = dict(derivation.names)
        self.letters = derivation.letters
        self.letter: dict[str, str] = {}

    # ---- what a dialect decides

    @abstractmethod
    def named(self, title: Title, ref: x.Ref) -> str: ...

    @abstractmethod
    def join(self, factors: list[str]) -> str: ...

    @abstractmethod
    def group(self, inner: str) -> str: ...

    @abstractmethod
    def breaking(self, inner: list[str]) -> list[str]:
        """Terms in brackets that stand on different lines."""

    @abstractmethod
    def fraction(self, above: str, below: str) -> str: ...

    @abstractmethod
    def raised(self, operand: str, exponent: str) -> str: ...

    @abstractmethod
    def call(self, title: str, args: list[str]) -> str: ...

    @abstractmethod
    def reduce(self, e: x.Reduce) -> str: ...

    @abstractmethod
    def cases(self, condition: str, yes: str, no: str) -> str: ...

    @abstractmethod
    def bracket(self, condition: str) -> str: ...

    @abstractmethod
    def kronecker(self, left: str, right: str) -> str: ...

    @abstractmethod
    def compare(self, op: str, left: str, right: str) -> str: ...

    @abstractmethod
    def given(self, ref: str, missing: bool) -> str: ...

    @abstractmethod
    def both(self, left: str, right: str) -> str: ...

    @abstractmethod
    def vector(self, parts: list[str], index: str) -> str: ...

    @abstractmethod
    def size(self, size: Size, level: int = ATOM) -> str: ...

    @abstractmethod
    def end(self, base: str) -> str: ...

    @abstractmethod
    def stride(self, size: str, letter: str) -> str: ...

    # ---- equations

    def begin(self, *expressions: x.Expr) -> None:
        """Give the index symbols of an equation their letters, the free ones first."""
        found = {s for e in expressions for s in x.symbols(e)}
        free = [c for c in self.letters if c not in found]
        entry = sorted((s for s in found if s.startswith("@p")), key=symbol_order)
        first = sorted(free, key=lambda c: c not in WEIGHT)
        self.letter = dict(zip(entry, first, strict=False))
        symbols = sorted((s for s in found if s.startswith("@") and s not in self.letter), key=symbol_order)
        free = [c for c in free if c not in self.letter.values()]
        self.letter.update(zip(symbols, free, strict=False))

    def line(self, line: Line, opened: tuple[int, ...] = ()) -> tuple[str, list[str]]:
        """The left side, and the right side as terms, each with its sign from the second on. A term whose number is
        in `opened` is given in pieces, a line may break inside its bracket."""
        self.begin(line.left, line.right)
        left = self.write(line.left, ATOM)
        coefficient, factors = algebra.scaled(line.right)
        brackets = [f for f in factors if isinstance(f, x.Bracket) and sides(f) is None]
        if coefficient == 1 and brackets and brackets[0] is factors[0] and len(brackets) < len(factors):
            condition = " and ".join(self.write(b.condition, SUM) for b in brackets)
            if len(brackets) == 1:
                yes = algebra.mul(f for f in factors if f not in brackets)
                return left, [self.cases(condition, self.write(yes, SUM), "0")]
        if isinstance(line.right, x.Choice):
            yes_no = (self.write(line.right.yes, SUM), self.write(line.right.no, SUM))
            return left, [self.cases(self.write(line.right.condition, SUM), *yes_no)]
        terms = line.right.terms if isinstance(line.right, x.Add) else (line.right,)
        pieces = (self._pieces(t, k > 0) if k in opened else [self._term(t, k > 0)] for k, t in enumerate(terms))
        return left, [piece for group in pieces for piece in group]

    def _pieces(self, term: x.Expr, follows: bool) -> list[str]:
        """A product that ends with a bracketed sum, in pieces; anything else whole."""
        _, factors = algebra.scaled(term)
        last = factors[-1] if len(factors) > 1 else None
        if not isinstance(last, x.Add) or any(_below_line(f) for f in factors):
            return [self._term(term, follows)]
        assert isinstance(term, x.Mul)
        head = self._term(x.Mul((*term.factors[:-1], MARK)), follows)
        inner = [self._term(t, k > 0) for k, t in enumerate(last.terms)]
        before, _, after = head.partition(self._atom(MARK))
        first, *rest = self.breaking(inner)
        return [before + first, *rest[:-1], rest[-1] + after]

    def _term(self, term: x.Expr, follows: bool) -> str:
        coefficient, rest = algebra.scaled(term)
        body = self._multiplied(abs(coefficient), rest)
        if follows:
            return f"- {body}" if coefficient < 0 else f"+ {body}"
        return f"-{body}" if coefficient < 0 else body

    # ---- expressions

    def write(self, e: x.Expr, level: int) -> str:
        """`e`, in brackets where something at `level` needs them."""
        if isinstance(e, x.Add):
            text = " ".join(self._term(t, k > 0) for k, t in enumerate(e.terms))
            return self.group(text) if level > SUM else text
        if isinstance(e, x.Mul | x.Num):
            text = self._term(e, False)
            simple = isinstance(e, x.Num) and e.value >= 0 and e.value.denominator == 1
            return self.group(text) if level > PRODUCT and not simple else text
        if isinstance(e, x.Power):
            return self._power(e, level)
        if isinstance(e, x.Reduce):
            text = self.reduce(e)
            return self.group(text) if level > PRODUCT and e.kind == "sum" else text
        return self._atom(e)

    def _atom(self, e: x.Expr) -> str:
        if isinstance(e, x.Ref):
            return self.named(self.titles.get(e.name, Title("value", e.name)), e)
        if isinstance(e, x.Call):
            return self.call(e.title, [self.write(a, SUM) for a in e.args])
        if isinstance(e, x.Bracket):
            equal = sides(e)
            if equal is not None:
                return self.kronecker(*(self.index(i) for i in equal))
            return self.bracket(self.write(e.condition, SUM))
        if isinstance(e, x.Compare):
            return self.compare(e.op, self.write(e.left, SUM), self.write(e.right, SUM))
        if isinstance(e, x.Given):
            return self.given(self.write(e.ref, ATOM), e.missing)
        if isinstance(e, x.Both):
            return self.both(self.write(e.left, SUM), self.write(e.right, SUM))
        if isinstance(e, x.Choice):
            branches = (self.write(e.yes, SUM), self.write(e.no, SUM))
            return self.group(self.cases(self.write(e.condition, SUM), *branches))
        return self._leaf(e)

    def _leaf(self, e: x.Expr) -> str:
        if isinstance(e, x.Extent):
            return self.size(e.size)
        if isinstance(e, x.Position):
            return self.place(e.place)
        if isinstance(e, x.Number):
            return self.index(e.index)
        assert isinstance(e, x.Join)
        parts = ["0" if isinstance(p, Size) else self.write(p, SUM) for p in e.parts]
        return self.vector(parts, self.index(e.index))

    def _power(self, e: x.Power, level: int) -> str:
        if isinstance(e.exponent, x.Num) and e.exponent.value < 0:
            text = self._multiplied(Fraction(1), (e,))
            return self.group(text) if level > PRODUCT else text
        return self.raised(self.write(e.operand, ATOM), self.write(e.exponent, SUM))

    def _multiplied(self, coefficient: Fraction, factors: tuple[x.Expr, ...]) -> str:
        """A product; what is raised to a negative number goes below the line."""
        above: list[x.Expr] = []
        below: list[x.Expr] = []
        for f in factors:
            if isinstance(f, x.Power) and isinstance(f.exponent, x.Num) and _below_line(f):
                below.append(algebra.power(f.operand, x.Num(-f.exponent.value)))
            else:
                above.append(f)
        if below and 1 < coefficient.denominator <= 4:
            below.insert(0, x.Num(Fraction(coefficient.denominator)))
            coefficient = Fraction(coefficient.numerator)
        numbers = [] if coefficient == 1 and above else [self.decimal(coefficient)]
        if not below:
            return self.join(numbers + self._factors(above, not numbers, SUM))
        if self.sums_beside_fractions and len(above) > 1 and isinstance(above[-1], x.Reduce):
            head = self.join(numbers + self._factors(above[:-1], not numbers, self.above))
            return self.join([self.fraction(head, self._below(below)), self.write(above[-1], PRODUCT)])
        whole = self.join(numbers + self._factors(above, not numbers, self.above))
        return self.fraction(whole, self._below(below))

    sums_beside_fractions = False
    above = PRODUCT
    below = ATOM

    def _below(self, below: list[x.Expr]) -> str:
        if len(below) == 1:
            return self.write(below[0], self.below)
        text = self.join(self._factors(below, True, SUM))
        return text if self.below == SUM else self.group(text)

    def _factors(self, factors: list[x.Expr], first: bool, alone: int) -> list[str]:
        """Factors written; one alone, with nothing before it (`first`), is at level `alone`."""
        if len(factors) == 1 and first:
            return [self.write(factors[0], alone)]
        last = len(factors) - 1
        return [
            self.reduce(f) if k == last and isinstance(f, x.Reduce) else self.write(f, POWER)
            for k, f in enumerate(factors)
        ]

    def decimal(self, value: Fraction) -> str:
        """1/2 as a fraction, 0.3 as a decimal."""
        if value.denominator == 1:
            return str(value.numerator)
        if value.denominator <= 4:
            return self.fraction(str(value.numerator), str(value.denominator))
        digits, _, exponent = f"{float(value):.6g}".partition("e")
        return (
            digits
            if not exponent
            else self.raised("10", str(int(exponent)))
            if digits == "1"
            else (self.join([digits, self.raised("10", str(int(exponent)))]))
        )

    # ---- indices and positions

    def index(self, index: x.Index | x.Ref) -> str:
        if isinstance(index, x.Ref):
            return self.write(index, ATOM)
        parts = []
        for symbol, stride in index.terms:
            letter = self.letter.get(symbol, "")
            parts.append(letter if stride == Size.of(1) else self.stride(self.size(stride), letter))
        constant = index.offset.constant
        if constant is None:
            parts.insert(0, self.size(index.offset, ATOM if len(index.offset.terms) == 1 else SUM))
        elif constant or not parts:
            parts.append(f"{constant:+d}" if parts else str(constant))
        text = parts[0]
        for part in parts[1:]:
            text += part if part[0] in "+-" else f"+{part}"
        return text

    def indices(self, ref: x.Ref) -> list[str]:
        """The indices written; a whole vector has none."""
        return [self.index(i) for i in ref.indices if i not in (x.BLANK, x.ONLY)]

    def place(self, place: x.Place) -> str:
        base = place.base if place.base not in ("first", "last") else self.end(place.base)
        base = self.titles[base].subject if base in self.titles and base.startswith(":") else base
        text = base + (f"{place.offset:+d}" if place.offset else "")
        if place.until is not None:
            return f"{text}..{base}" + (f"{place.until:+d}" if place.until else "")
        return text if place.tap is None else f"{text}+{self.index(place.tap)}"


def _below_line(e: x.Expr) -> bool:
    return isinstance(e, x.Power) and isinstance(e.exponent, x.Num) and e.exponent.value < 0
