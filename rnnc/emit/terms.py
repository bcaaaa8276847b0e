"""A sum of products (`Products`): the first whole term is written where the result lies, the others are added in place.

Blocks and diagonals of the result are views, made once before a loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rnnc.emit.lines import Lines
from rnnc.emit.naming import spelled
from rnnc.emit.views import BATCH, Names, View, aligned, target_labels, view
from rnnc.model.forms import At
from rnnc.sizes import Size
from rnnc.system.forms import Access, Equation, Products, Term


class Terms:
    """Writes the `Products` of one section; `views` are the places named before the loops that use them."""

    def __init__(self, names: Names, lines: Lines) -> None:
        self.names = names
        self.lines = lines
        self.views: dict[tuple[str, Term], str] = {}
        self.starts: dict[str, dict[Size, str]] = {}
        self.before = {name for across in names.program.across for name in across.before}

    def prepare(self, e: Equation, op: Products, scans: Mapping[str, str]) -> None:
        """Names the blocks and diagonals of a result before the loop that fills them."""
        base = self.names.variable(e.out)
        for term in op.terms:
            if _whole(term) or (base, term) in self.views:
                continue
            name = self.names.taken.new(f"{base}_{self._label(e, term)}")
            self.lines.add(f"{name} = {self._placed(base, term)}")
            self.views[base, term] = name

    def equation(self, e: Equation, op: Products, scans: Mapping[str, str]) -> None:
        v = self.names.values[e.out]
        labels = e.dims
        out = view(self.names, Access(e.out, tuple(At(a) for a in v.axes), labels), scans, self.lines)
        added = any(a not in v.axes for a in scans)
        outer = tuple(x for x in target_labels(self.names, e, scans) if x not in labels)
        every = sorted(_terms(e, op), key=lambda t: (not _whole(t[0]), t[0].taken is not None, t[0].reads < 2))
        later = [t for t in every if any(r.name in self.before for r in t[1])]
        terms = [t for t in every if t not in later]
        filled = added
        if not terms or (not filled and (not _whole(terms[0][0]) or terms[0][0].taken is not None)):
            self.lines.add(f"{out.text}[...] = 0.0")
            filled = True
        self._sum(e, out, terms, outer, scans, filled)
        if later:
            with self.lines.block("if call.follows:"):
                self._sum(e, out, later, outer, scans, True)

    def _sum(
        self,
        e: Equation,
        out: View,
        terms: list[tuple[Term, tuple[Access, ...]]],
        outer: tuple[str, ...],
        scans: Mapping[str, str],
        filled: bool,
    ) -> None:
        """The terms, the first of them written where nothing is `filled` in yet."""
        for term, reads in terms:
            target = (*outer, *dict.fromkeys(term.dims))
            factors = [view(self.names, r, scans, self.lines) for r in reads]
            if term.taken is not None:
                self._add_taken(out.text, target, factors)
            elif filled:
                place = out.text if _whole(term) else self._view(e, term, out, scans)
                self._add(place, self._product(target, factors))
            else:
                self._write(out.text, target, factors)
            filled = True

    # ---- places

    def _placed(self, base: str, term: Term) -> str:
        letters = _letters(term.dims)
        if term.start is None:
            return f"diagonal({base}, {letters!r})"
        start = self.names.size_text(term.start)
        shape = ", ".join(self.names.size_text(z) for z in term.shape)
        block = f"block({base}, {start}, ({shape}{',' if len(term.shape) == 1 else ''}))"
        return f"diagonal({block}, {letters!r})" if len(set(term.dims)) < len(term.dims) else block

    def _view(self, e: Equation, term: Term, out: View, scans: Mapping[str, str]) -> str:
        base = self.names.variable(e.out)
        name = self.views.get((base, term))
        if name is None:
            return self.lines.row(self._placed(out.text, term), f"{base}_{self._label(e, term)}")
        v = self.names.values[e.out]
        whole = view(self.names, Access(e.out, tuple(At(a) for a in v.axes), e.dims), scans, None)
        index = whole.text.removeprefix(base)
        if not index:
            return name
        along = (whole.along[0], f"{name}{whole.along[1].removeprefix(base)}") if whole.along else None
        return self.lines.row(f"{name}{index}", f"{name}_{'_'.join(scans.values())}", along)

    def _label(self, e: Equation, term: Term) -> str:
        """What to call a block: the parameter whose influence it is."""
        if term.start is None:
            return "diagonal"
        if e.out not in self.starts:
            self.starts[e.out] = self._starts(e.out)
        return spelled(self.starts[e.out].get(term.start, "block"))

    def _starts(self, name: str) -> dict[Size, str]:
        """The parameters whose influences an array holds, by the first column of each."""
        program = self.names.program
        for held in (*program.held, *(a.held for a in program.across)):
            if held.name == name:
                every = held.pieces({n: self.names.values[n].shape for n in held.measured()})
                return {c.start: c.parameter for _, c in reversed(every)}
        return {}

    # ---- products

    def _add(self, place: str, text: str) -> None:
        self.lines.add(f"{place} += {text}")

    def _add_taken(self, place: str, target: tuple[str, ...], factors: list[View]) -> None:
        """The product of the first factors times rows of the last, which the table before it names."""
        *values, table, rows = factors
        taken = rows.labels[-2:]
        outer = tuple(x for x in target if x not in taken and x not in table.labels)
        made = self._product((*outer, *table.labels), values)
        self.lines.add(f"add_taken({place}, {made}, {table.text}, {aligned(rows, (*outer, *taken))})")

    def _write(self, place: str, target: tuple[str, ...], factors: list[View]) -> None:
        if len(factors) == 2:
            made = matrix(target, *factors)
            if made is not None:
                self.lines.add(f"np.matmul({made[0]}, {made[1]}, out={place})")
                return
            if set(factors[0].labels) | set(factors[1].labels) <= set(target):
                a, b = (aligned(f, target) for f in factors)
                self.lines.add(f"np.multiply({a}, {b}, out={place})")
                return
        self.lines.add(f"{place}[...] = {self._product(target, factors)}")

    def _product(self, target: tuple[str, ...], factors: list[View]) -> str:
        """The text of a product at `target`, ready to broadcast."""
        if not factors:
            return "1.0"
        gone = {x for f in factors for x in f.labels} - set(target)
        if not gone:
            return " * ".join(aligned(f, target) for f in factors)
        if len(factors) == 2:
            flat = vector(target, *factors)
            if flat is not None:
                return flat
            made = matrix(target, *factors)
            if made is not None:
                return f"np.matmul({made[0]}, {made[1]})"
            outer = added_up(target, *factors)
            if outer is not None:
                return outer
        return _einsum(target, factors)


def _terms(e: Equation, op: Products) -> Iterator[tuple[Term, tuple[Access, ...]]]:
    first = 0
    for term in op.terms:
        yield term, e.reads[first : first + term.reads]
        first += term.reads


def _whole(term: Term) -> bool:
    return term.start is None and len(set(term.dims)) == len(term.dims)


def _letters(dims: tuple[str, ...]) -> str:
    known = {d: chr(ord("a") + k) for k, d in enumerate(dict.fromkeys(dims))}
    return "".join(known[d] for d in dims)


def vector(target: tuple[str, ...], a: View, b: View) -> str | None:
    """A product that sums all of one factor: a vector times a matrix, the batch summed with the rest."""
    if len(a.labels) > len(b.labels):
        a, b = b, a
    count = len(a.labels)
    if not count or b.labels[:count] != a.labels or b.labels[count:] != target or any(x in target for x in a.labels):
        return None
    one = a.text if count == 1 else f"{a.text}.reshape(-1)"
    two = b.text if len(b.labels) == 2 and count == 1 else f"as_matrix({b.text}, {count})"
    return f"np.matmul({one}, {two})"


def matrix(target: tuple[str, ...], a: View, b: View) -> tuple[str, str] | None:
    """The factors of a matrix product for every entry of the leading labels of `target`; None where it is none."""
    every = set(a.labels) | set(b.labels)
    gone = [x for x in a.labels if x in b.labels and x not in target]
    kept = [x for x in target if x == BATCH or (x in a.labels and x in b.labels)]
    rows = [x for x in target if x in a.labels and x not in b.labels and x not in kept]
    columns = [x for x in target if x in b.labels and x not in a.labels and x not in kept]
    if len(gone) != 1 or every - set(target) != set(gone) or len(rows) != 1 or len(columns) != 1:
        return None
    if tuple(target) == (*kept, *columns, *rows):
        a, b, rows, columns = b, a, columns, rows
    if tuple(target) != (*kept, *rows, *columns):
        return None
    first = tuple(x for x in kept if x in a.labels)
    second = tuple(x for x in kept if x in b.labels)
    if kept[len(kept) - len(first) :] != list(first) or kept[len(kept) - len(second) :] != list(second):
        return None
    return aligned(a, (*first, *rows, *gone)), aligned(b, (*second, *gone, *columns))


def added_up(target: tuple[str, ...], a: View, b: View) -> str | None:
    """A sum over positions of what is the product of every entry of one factor and every entry of the other."""
    gone = [x for x in a.labels if x in b.labels and x not in target]
    rows = [x for x in target if x in a.labels and x != BATCH]
    columns = [x for x in target if x in b.labels and x != BATCH]
    if target == (BATCH, *columns, *rows) and rows:
        a, b, rows, columns = b, a, columns, rows
    if len(gone) != 1 or target != (BATCH, *rows, *columns) or not rows or not columns:
        return None
    lead = (*gone, BATCH)
    if {*a.labels} != {*lead, *rows} or {*b.labels} != {*lead, *columns}:
        return None
    return f"added_up({aligned(a, (*lead, *rows))}, {aligned(b, (*lead, *columns))})"


def _einsum(target: tuple[str, ...], factors: list[View]) -> str:
    every = tuple(dict.fromkeys(x for f in factors for x in f.labels))
    letter = {x: chr(ord("a") + k) for k, x in enumerate(every)}
    present = tuple(x for x in target if x in every)
    left = ",".join("".join(letter[x] for x in f.labels) for f in factors)
    right = "".join(letter[x] for x in present)
    texts = ", ".join(f.text for f in factors)
    optimize = ", optimize=True" if len(factors) > 2 else ""
    return aligned(View(f'np.einsum("{left}->{right}", {texts}{optimize})', present, ""), target)
