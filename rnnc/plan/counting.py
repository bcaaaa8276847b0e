"""Multiplications of a program, by equation, as polynomials in its sizes, steps and sequences.

A product of two arrays takes one multiply-add for every entry of every label, axis and sequence that either of them
has; a formula one multiplication for each of its `*`, `/` and squares at every position; a softmax one division an
entry; ctc what the sums over its alignments take where equal labels follow each other. Elementary functions, sums and
comparisons are not counted, nor is what only the gradients of inputs need.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction

from rnnc.plan.formulas import of_formula
from rnnc.plan.symbols import Symbols
from rnnc.program.forms import Given, Kernel, Loop, Program, Statement, Step, Strips
from rnnc.sizes import Size, number
from rnnc.system.forms import (
    Access,
    Contract,
    Ctc,
    CtcGradient,
    Dropout,
    Equation,
    Pointwise,
    Products,
    Softmax,
)

BATCH = "\n"
"""The label of the sequences, which no spec can have."""


def multiplications(program: Program, letters: Symbols, sections: Collection[str] | None = None) -> Size:
    """Those of one call: all sections, or those named, every position, every sequence."""
    counting = _Counting(program, letters)
    chosen = (s for s in program.sections if sections is None or s.name in sections)
    made = (found for section in chosen for found in _always(section.body))
    return sum((counting.equation(e, loops) for e, loops in made), Size.of(0))


def a_step(total: Size, grown: tuple[str, ...]) -> Size:
    """The share of one position of one sequence: what grows with all the letters `grown`, divided by them."""
    terms = tuple((p, c) for p, c in total.terms if all(dict(p).get(n, 0) > 0 for n in grown))
    divided = Size(terms, total.quotients)
    for name in grown:
        divided = divided / Size.named(name)
    return divided


def over_starts(program: Program, letters: Symbols) -> Size:
    """Those that a block of steps makes only where influences stand at its start."""
    counting = _Counting(program, letters)
    total = Size.of(0)
    for e in (e for section in program.sections for e, _ in _always(section.body)):
        if isinstance(e.op, Products):
            made = (z for reads, z in counting.terms(e, e.op) if counting.before & {r.name for r in reads})
            total = total + sum(made, Size.of(0))
    return total


def added_products(program: Program, letters: Symbols) -> Iterator[Size]:
    """The entries of every product that is made by itself and then added to the influence it belongs to."""
    counting = _Counting(program, letters)
    for section in program.sections:
        for e, _ in _always(section.body):
            if isinstance(e.op, Products):
                yield from counting.added(e, e.op)


def _always(body: Iterable[Statement], loops: tuple[str, ...] = ()) -> Iterator[tuple[Equation, tuple[str, ...]]]:
    """The equations that run whatever is asked for, with the axes of the loops that they stand in."""
    for statement in body:
        match statement:
            case Kernel():
                yield from ((e, loops) for e in statement.equations)
            case Step():
                yield statement.equation, loops
            case Loop():
                yield from _always(statement.body, (*loops, statement.axis))
            case Strips():
                yield from _always(statement.body, loops)
            case Given():
                pass


class _Counting:
    def __init__(self, program: Program, letters: Symbols) -> None:
        self.values = {v.name: v for v in program.system.values}
        self.before = {name for a in program.across for name in a.before}
        self.letters = letters
        self.steps = tuple(axis for axis, _ in letters.steps)

    def equation(self, e: Equation, loops: tuple[str, ...]) -> Size:
        out = self._space(e.out, e.dims)
        match e.op:
            case Pointwise():
                looped = {axis: self.letters.length(axis) for axis in loops}
                return of_formula(e.op.formula, tuple(self._read(r) for r in e.reads), out, looped)
            case Contract():
                return self._product(e.reads, out)
            case Products():
                return sum((z for _, z in self.terms(e, e.op)), Size.of(0))
            case Softmax():
                return Size.of(0) if e.op.log else number(out.values())
            case Ctc():
                return self._alignments(e.reads[0], e.op.over[1])
            case Dropout() | CtcGradient():
                return number(out.values())
        return Size.of(0)

    def _alignments(self, logits: Access, labels: str) -> Size:
        """Each frame's softmax; for each of its labels the share of the blank, two factors of a sum forward and of one
        backward, two of what both come to and one of its share of all; of each blank one, and one of the share; a
        quotient every 16 frames that keeps sums of both directions in range."""
        space = self._read(logits)
        frames = number(z for k, z in space.items() if k not in logits.dims)
        many = self.letters.length(labels)
        rescaled = (many + Size.of(1)) * Size.of(Fraction(4, 16))
        return number(space.values()) + frames * (many * Size.of(9) + Size.of(2) + rescaled)

    def terms(self, e: Equation, op: Products) -> Iterator[tuple[tuple[Access, ...], Size]]:
        """Of every term what it reads, and its multiplications."""
        lead = {k: z for k, z in self._space(e.out, e.dims).items() if k not in e.dims}
        first = 0
        for term in op.terms:
            reads = e.reads[first : first + term.reads]
            first += term.reads
            yield reads, self._product(reads, lead | {d: Size.of(1) for d in term.dims})

    def added(self, e: Equation, op: Products) -> Iterator[Size]:
        out = self._space(e.out, e.dims)
        lead = {k: z for k, z in out.items() if k not in (*e.dims, *self.steps)}
        first, written = 0, False
        for term in op.terms:
            reads = e.reads[first : first + term.reads]
            first += term.reads
            lengths = {x: z for r in reads for x, z in self._read(r).items()} | out
            whole = term.start is None and len(set(term.dims)) == len(term.dims)
            over = any(r.name in self.before for r in reads)
            if term.reads > 1 and (written or over or not whole):
                yield number((lead | {d: lengths[d] for d in term.dims if d in lengths}).values())
            written = written or (whole and not over)

    def _product(self, reads: tuple[Access, ...], places: dict[str, Size]) -> Size:
        """Two factors at a time, from the left; a factor is first summed over what it alone has."""
        factors = [self._read(r) for r in reads]
        lengths: dict[str, Size] = {}
        for f in factors:
            lengths |= f
        spare = [{x for g in factors if g is not f for x in g} | set(places) for f in factors]
        labels = [set(f) & s for f, s in zip(factors, spare, strict=True)]
        total = Size.of(0)
        while len(labels) > 1:
            pair = labels[0] | labels[1]
            total = total + number(lengths[x] for x in sorted(pair))
            rest = set(places).union(*labels[2:])
            labels = [pair & rest, *labels[2:]]
        return total

    def _space(self, name: str, dims: tuple[str | int, ...]) -> dict[str, Size]:
        v = self.values[name]
        found = {axis: self.letters.length(axis) for axis in v.axes}
        if v.batched:
            found[BATCH] = self.letters.sequences
        return found | {str(d): z for d, z in zip(dims, v.shape, strict=True) if isinstance(d, str)}

    def _read(self, r: Access) -> dict[str, Size]:
        v = self.values[r.name]
        found = {at.axis: self.letters.length(at.axis) for at in r.at if at.anchor == "here"}
        if v.batched:
            found[BATCH] = self.letters.sequences
        taps = tuple(Size.of(at.high - at.low + 1) for at in r.at if at.high is not None)
        shape = (*taps, *v.shape)
        return found | {d: z for d, z in zip(r.dims, shape, strict=True) if isinstance(d, str)}
