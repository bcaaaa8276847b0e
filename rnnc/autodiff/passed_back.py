"""The derivatives of one state at the end of a block of steps by all states at each of its steps, passed back:

    L(t) = sum over delays d of P(t+d),      P(t) = L(t) D(t),      D = d states(t) / d (earlier states) of one step

L is the identity at the end. Dimensions that stay entry by entry all the way are held once, as an influence's are: a
vector for an elementwise recurrence. Schmidhuber (1992), section 3: "the second phase".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rnnc.autodiff.blocks import columns_of, rows_of
from rnnc.autodiff.restructured import TABLE
from rnnc.autodiff.tangent import Tangent
from rnnc.model.forms import At
from rnnc.ops.formula import UNIT, sum_of
from rnnc.sizes import Shape
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Border, Equation, Pointwise, Products, Term, Untake, Value
from rnnc.system.influence import Aligned


@dataclass(frozen=True)
class Link:
    """A step of `state` reads `source` `lag` steps back: d state / d source is the product of `reads` in the rows of
    state and `columns` of source, by a `table` in the labels of what it names."""

    state: str
    source: str
    lag: int
    columns: tuple[str, ...]
    reads: tuple[Access, ...]
    table: Access | None = None


def links(tangent: Tangent) -> Iterator[Link]:
    """Every way in which states depend on states; a window is one for each of its taps."""
    for state, blocks in tangent.blocks.items():
        for name in (n for n in blocks if n in tangent.carried):
            carried = tangent.carried[name]
            first = columns_of(tangent.x.values[name].shape)[: carried.windows]
            for b in blocks[name]:
                own = {f".c{k + carried.windows}": f".c{k}" for k in range(len(b.columns) - carried.windows)}
                for tap, (at,) in carried.taps():
                    reads = tuple(renamed(r, {**own, **dict(zip(first, tap, strict=True))}) for r in b.reads)
                    columns = tuple(own.get(c, c) for c in b.columns[carried.windows :])
                    yield Link(state, carried.source, -at.low, columns, reads, b.table)


@dataclass(frozen=True)
class Piece:
    """P: what the steps `lag` ahead pass back, in the labels `dims`."""

    name: str
    lag: int
    dims: tuple[str, ...]


class PassedBack:
    """Adds the equations of all L and P of `state` as it is `back` steps before the next block (1: the last step)."""

    def __init__(self, x: Extension, known: tuple[Link, ...], state: str, back: int, axis: str) -> None:
        self.x = x
        self.state, self.back, self.axis = state, back, axis
        self.known = known
        self.rows = rows_of(x.values[state].shape)
        self.aligned = self._alignments()
        self.borders: list[Border] = []
        self.pieces: dict[str, list[Piece]] = {source: [] for source in self.aligned}
        self._sums: dict[str, str] = {}
        waiting: list[tuple[Piece, tuple[Link, ...]]] = []
        for (source, lag), every in self._groups().items():
            plain = tuple(link for link in every if link.table is None)
            if plain:
                waiting.append((self._piece(source, lag, self._dims(source)), plain))
            for link in (link for link in every if link.table is not None):
                waiting.append((self._piece(source, lag, (".c0", *self.rows)), (link,)))
        self._end(tuple(piece for piece, members in waiting if members[0].table is None))
        for piece, members in waiting:
            self._define(piece, members)

    def names(self) -> tuple[str, ...]:
        """Every P."""
        return tuple(piece.name for every in self.pieces.values() for piece in every)

    # ---- form

    def _alignments(self) -> dict[str, Aligned]:
        """For every state that this one depends on, the rows of this one its dimensions are aligned with."""
        found: dict[str, Aligned] = {self.state: tuple(range(len(self.rows)))}
        waiting = [self.state]
        while waiting:
            reader = waiting.pop()
            rows = {d: k for k, d in enumerate(rows_of(self.x.values[reader].shape))}
            for link in (link for link in self.known if link.state == reader):
                own = (rows.get(c) for c in link.columns)
                new: Aligned = tuple(None if k is None or link.table else found[reader][k] for k in own)
                old = found.get(link.source)
                new = new if old is None else tuple(a if a == b else None for a, b in zip(old, new, strict=True))
                if new != old:
                    found[link.source] = new
                    waiting.append(link.source)
        return dict(sorted(found.items()))

    def _groups(self) -> dict[tuple[str, int], list[Link]]:
        found: dict[tuple[str, int], list[Link]] = {}
        for link in self.known:
            if link.state in self.aligned:
                found.setdefault((link.source, link.lag), []).append(link)
        return dict(sorted(found.items()))

    def labels(self, source: str, free: str = ".m") -> tuple[str, ...]:
        """The labels of the dimensions of `source` in what `left` gives."""
        return tuple(f"{free}{k}" if a is None else self.rows[a] for k, a in enumerate(self.aligned[source]))

    def _dims(self, source: str) -> tuple[str, ...]:
        return (*self.rows, *(c for c in self.labels(source, ".c") if c not in self.rows))

    def _shape(self, source: str, dims: tuple[str, ...]) -> Shape:
        own = dict(zip(self.rows, self.x.values[self.state].shape, strict=True))
        own |= {f".c{k}": z for k, z in enumerate(self.x.values[source].shape)}
        return tuple(own[d] for d in dims)

    def _piece(self, source: str, lag: int, dims: tuple[str, ...]) -> Piece:
        end = "end" if self.back == 1 else f"end{self.back}"
        name = self.x.fresh(f"d({self.state}:{end})/d({source})")
        self.x.values[name] = Value(name, "part", (self.axis,), True, self._shape(source, dims))
        self.pieces[source].append(Piece(name, lag, dims))
        return self.pieces[source][-1]

    # ---- equations

    def left(self, source: str) -> Access:
        """L of `source` at a step, its free dimensions labelled `.m`."""
        every = self.pieces[source]
        rename = dict(zip(self.labels(source, ".c"), self.labels(source), strict=True))
        if len(every) == 1:
            return self._read(every[0], (At(self.axis, every[0].lag),), rename)
        dims = self._dims(source)
        if source not in self._sums:
            name = self.x.fresh(f"d({self.state})/d({source}):all")
            self._sums[source] = name
            self.x.values[name] = Value(name, "part", (self.axis,), True, self._shape(source, dims))
            reads = tuple(self._read(p, (At(self.axis, p.lag),), {}) for p in every)
            self.x.equations[name] = Equation(name, dims, Pointwise(sum_of(len(reads))), reads)
        return Access(self._sums[source], (At(self.axis),), tuple(rename.get(d, d) for d in dims))

    def entering(self, source: str, lag: int) -> Access | None:
        """The derivative by `source` as it is `lag` steps before the block's first, its free dimensions labelled
        `.m`; where the block is shorter than a delay, of what stands before it itself."""
        rename = dict(zip(self.labels(source, ".c"), self.labels(source), strict=True))
        found = [p for p in self.pieces[source] if p.lag >= lag]
        reads = tuple(self._read(p, (At(self.axis, p.lag - lag, anchor="first"),), rename) for p in found)
        if len(reads) < 2:
            return reads[0] if reads else None
        dims = tuple(rename.get(d, d) for d in self._dims(source))
        name = self.x.add(
            f"d({self.state}:end)/d({source}:start)",
            (),
            True,
            self._shape(source, self._dims(source)),
            Pointwise(sum_of(len(reads))),
            reads,
            dims,
        )
        return Access(name, (), dims)

    def _read(self, piece: Piece, at: tuple[At, ...], rename: dict[str, str]) -> Access:
        return Access(piece.name, at, tuple(rename.get(d, d) for d in piece.dims))

    def _define(self, piece: Piece, members: tuple[Link, ...]) -> None:
        terms: list[Term] = []
        reads: list[Access] = []
        for link in members:
            if link.table is not None:
                self._define_by_table(piece, link, link.table)
                return
            own, dims = self._term(link)
            terms.append(Term(len(own), dims))
            reads.extend(own)
        self.x.equations[piece.name] = Equation(piece.name, piece.dims, Products(tuple(terms)), tuple(reads))

    def _term(self, link: Link) -> tuple[tuple[Access, ...], tuple[str, ...]]:
        """L D of one link, and the labels where it lies."""
        rename: dict[str, str] = dict(
            zip(rows_of(self.x.values[link.state].shape), self.labels(link.state), strict=True)
        )
        columns = [rename.get(c, c) for c in link.columns]
        kept = {c: f".c{k}" for k, c in reversed(tuple(enumerate(columns))) if c not in self.rows}
        rename = {a: kept.get(b, b) for a, b in rename.items()}
        left = renamed(self.left(link.state), kept)
        reads = (left, *(renamed(r, rename) for r in link.reads))
        aligned = self.aligned[link.source]
        assert all(a is None or self.rows[a] == c for a, c in zip(aligned, columns, strict=True))
        free = (kept.get(c, c) for a, c in zip(aligned, columns, strict=True) if a is None)
        return reads, (*self.rows, *free)

    def _define_by_table(self, piece: Piece, link: Link, table: Access) -> None:
        """Entries of L D put where the table says."""
        (row,) = self.labels(link.state)
        rename: dict[str, str] = {rows_of((self.x.values[link.state].shape[0],))[0]: row}
        reads = (self.left(link.state), *(renamed(r, rename) for r in link.reads))
        sizes = self.x.sizes((table,))
        shape = (*(sizes[str(d)] for d in table.dims), *self.x.values[self.state].shape)
        op = Products((Term(len(reads), (row, TABLE, *self.rows)),))
        dims = (".m0", TABLE, *self.rows)
        name = self.x.add(f"{piece.name}:taken", (self.axis,), True, shape, op, reads, dims)
        taken = (self.x.here(name, dims), Access(table.name, table.at, dims[:2]))
        self.x.equations[piece.name] = Equation(piece.name, piece.dims, Untake(), taken)

    def _end(self, plain: tuple[Piece, ...]) -> None:
        """The identity stands where the state itself is read from past the end."""
        own = [p for p in self.pieces[self.state] if p in plain and p.lag >= self.back]
        if own:
            piece = own[-1]
        else:
            piece = self._piece(self.state, self.back, self._dims(self.state))
            self.x.equations[piece.name] = Equation(piece.name, piece.dims, Products(()), ())
        one = self._identity(piece)
        away = piece.lag - self.back + 1
        if piece.lag == 1:
            self.borders.append(Border(piece.name, ("high",), one))
        else:
            self.borders.append(Border(piece.name, ("high",), None, ((away, one),)))

    def _identity(self, piece: Piece) -> str:
        shape = self._shape(self.state, piece.dims)
        free = tuple(self.rows[k] for k, a in enumerate(self.aligned[self.state]) if a is None)
        op = Products((Term(0, (*self.rows, *free)),)) if free else Pointwise(UNIT)
        return self.x.add(f"one({self.state})", (), False, shape, op, (), piece.dims)


def renamed(access: Access, names: Mapping[str, str] | Mapping[str, str | int]) -> Access:
    """The access with other labels."""
    return replace(access, dims=tuple(names.get(d, d) if isinstance(d, str) else d for d in access.dims))
