"""Forward mode: the influence of every parameter on every state, as equations of the system.

For a state s and a panel of parameters p, with D = d s / d (earlier states) within one step:

    J(s)[n] = sum over c of D(s, c)[n] J(c)[n-d] + (what the step reads of p itself)

Only d s / d c of one step is ever formed, folded into the weights it scales; gates and net inputs have no influence of
their own. Williams and Zipser (1989), equation 9, for any network.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace

from rnnc.autodiff.blocks import Block, Blocks, columns_of, rows_of
from rnnc.autodiff.choice import EVERY, Choice
from rnnc.autodiff.diagonals import at_rows
from rnnc.autodiff.jacobian import Jacobian, jacobian
from rnnc.ops.formula import UNIT, Operand
from rnnc.sizes import Shape, Size, number
from rnnc.system.cut import Step
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Border, Concat, Equation, Pointwise, Products, Term, Value
from rnnc.system.influence import Aligned, Columns, Dependence, Panel, influences, panels

COLUMNS = ".p"
BESIDE = ".z"


@dataclass(frozen=True)
class Held:
    """The influences of one panel on one state: the value `name` of the rows of `state` and the panel's columns."""

    name: str
    state: str
    panel: Panel

    def measured(self) -> tuple[str, ...]:
        return self.panel.parameters

    def pieces(self, shapes: Mapping[str, Shape]) -> tuple[tuple[str, Columns], ...]:
        """Of every parameter what a learner calls its influence, and where it lies (`rnnc.autodiff.kept`)."""
        found = self.panel.columns(self.state, shapes)
        return tuple((f"{self.state} by {c.parameter}", c) for c in found)


def _reads(block: Block, labels: tuple[str, ...]) -> bool:
    """Whether the block's coefficient has any of the labels."""
    return any(d in labels for r in block.reads for d in r.dims)


class Tangent:
    """Adds the equations of all influences to `extension`; `held` are their values. Raises `TooMany` where there are
    more than `most`."""

    def __init__(
        self,
        extension: Extension,
        step: Step,
        borders: Mapping[str, Border],
        parameters: tuple[str, ...],
        active: frozenset[str],
        most: int | None = None,
        choice: Choice = EVERY,
    ) -> None:
        self.x = extension
        self.choice = choice
        self.step = step
        self.starts = borders
        self.parameters = parameters
        self.carried = {c.name: c for c in (*step.carried, *step.now())}
        self.shapes = {name: extension.values[name].shape for name in parameters}
        leaves = frozenset((*parameters, *self.carried))
        self.parts: dict[str, Blocks] = {}
        # what is kept of J is said of a whole step, so that no part of one may be cut off at a state on the way
        within = leaves - frozenset(step.states()) if choice.steps is not None else leaves
        self.blocks = {s: self._blocks(s, within - {s}, active) for s in step.states()}
        self.begun = {n: self._blocks(n, leaves, active) for b in self._borders() for n in b.reads() if n in active}
        self.sources: dict[str, tuple[Access, ...]] = {}
        self.joined: dict[Hashable, str] = {}
        self.diagonals: dict[Hashable, Block] = {}
        found = influences(tuple(self._dependences()), parameters, most, choice.steps)
        self.panels = panels(found, self._bundled())
        self.held: dict[tuple[str, Panel], Held] = {}
        self.borders: list[Border] = []

    def run(self) -> tuple[Held, ...]:
        """All influences; their equations are made."""
        self.hold(along=True)
        for held in self.held.values():
            self._define(held)
            self._begin(held)
        return tuple(self.held.values())

    def hold(self, along: bool) -> None:
        """The value of every influence: `along` the steps, or one for all of them."""
        for panel in self.panels:
            for state in panel.states():
                name = self.x.fresh(f"J({state})")
                v = self.x.values[state]
                shape = (*v.shape, panel.width(state, self.shapes))
                self.x.values[name] = Value(name, "part", v.axes if along else (), True, shape)
                self.held[state, panel] = Held(name, state, panel)

    def _borders(self) -> Iterator[Border]:
        return (self.starts[s] for s in self.step.states() if s in self.starts)

    # ---- one step

    def _blocks(self, root: str, leaves: frozenset[str], active: frozenset[str]) -> Blocks:
        """The blocks of a state or a start; by each carried value there is one, and one for every table."""
        if root not in self.x.equations and root not in leaves:
            return {}  # an input that is carried
        found = self._chosen(root, leaves, active)
        self.parts[root] = found
        joined: Blocks = {}
        for name, blocks in found.items():
            if name not in self.carried:
                joined[name] = blocks
                continue
            plain = tuple(b for b in blocks if b.table is None)
            whole = (self._whole(root, name, plain),) if plain else ()
            joined[name] = (*whole, *(b for b in blocks if b.table is not None))
        return joined

    def _chosen(self, root: str, leaves: frozenset[str], active: frozenset[str]) -> Blocks:
        """The blocks that the choice keeps."""
        found = jacobian(self.x, root, leaves, active)
        if not self.choice.own:
            return found
        earlier = frozenset(c.name for c in self.step.carried) if self.choice.leak else frozenset[str]()
        straight = jacobian(self.x, root, leaves, active, True) if earlier else {}
        every = {name: straight.get(name, ()) if name in earlier else blocks for name, blocks in found.items()}
        kept = {name: tuple(b for b in blocks if self._own(root, name, b)) for name, blocks in every.items()}
        return {name: blocks for name, blocks in kept.items() if blocks}

    def _own(self, root: str, leaf: str, block: Block) -> bool:
        """Whether the block crosses no units: entry by entry of a state, by row (or as a whole) of a parameter."""
        rows = rows_of(self.x.values[root].shape)
        if leaf not in self.carried:
            sizes = self.x.values[leaf].shape
            columns = {c for c, z in zip(block.columns, sizes, strict=True) if z != Size.of(1)}
            return set(rows) <= columns or columns <= set(rows)
        taps = self.carried[leaf].windows
        return block.table is None and block.columns[taps:] == rows

    def _whole(self, root: str, leaf: str, blocks: tuple[Block, ...]) -> Block:
        """Blocks of a carried value as one, diagonal only where all of them are."""
        own = columns_of(self.x.values[leaf].shape)
        taps = self.carried[leaf].windows
        columns = tuple(
            c if len({b.columns[k] for b in blocks}) == 1 and k >= taps else own[k]
            for k, c in enumerate(blocks[0].columns)
        )
        made = Jacobian(self.x, root, frozenset(), frozenset())
        if len(blocks) == 1 and columns == blocks[0].columns:
            return Block(columns, Operand(0), made.coefficient(blocks[0], leaf))
        kept = [k for k, c in enumerate(columns) if c == own[k]]
        terms: list[Term] = []
        reads: list[Access] = []
        for b in blocks:
            factors = made.coefficient(b, leaf)
            terms.append(Term(len(factors), (*made.rows, *(b.columns[k] for k in kept))))
            reads.extend(factors)
        sizes = self.x.values[leaf].shape
        dims = (*made.rows, *(own[k] for k in kept))
        shape = (*made.shape, *(sizes[k] for k in kept))
        name = self.x.make(f"d({root})/d({leaf})", shape, Products(tuple(terms)), reads, dims)
        return Block(columns, Operand(0), (self.x.here(name, dims),))

    def _dependences(self) -> Iterator[Dependence]:
        for state, blocks in self.blocks.items():
            yield from self._linked(state, blocks)
        for b in self._borders():
            for name in b.reads():
                yield from self._linked(b.name, self.begun.get(name, {}))

    def _linked(self, state: str, blocks: Blocks) -> Iterator[Dependence]:
        rows = {label: k for k, label in enumerate(rows_of(self.x.values[state].shape))}
        for name, found in blocks.items():
            for b in found:
                aligned: Aligned = tuple(rows.get(c) for c in b.columns)
                carried = self.carried.get(name)
                if carried is not None:
                    own = aligned[carried.windows :]
                    yield Dependence(state, carried.source, own, b.table is not None, max(carried.nearest, 0))
                else:
                    yield Dependence(state, name, aligned)

    # ---- equations

    def _define(self, held: Held) -> None:
        terms: list[Term] = []
        reads: list[Access] = []
        for name, blocks in self.blocks[held.state].items():
            for b in blocks:
                made = self._passed(held, name, b) if name in self.carried else self._read(held, name, b)
                for term, own in made:
                    terms.append(term)
                    reads.extend(own)
        self._equation(held.name, held, terms, reads)

    def _equation(self, name: str, held: Held, terms: list[Term], reads: list[Access]) -> None:
        dims = (*rows_of(self.x.values[held.state].shape), COLUMNS)
        about = f"the influence on {held.state} of {', '.join(held.panel.parameters)}"
        self.x.equations[name] = Equation(name, dims, Products(tuple(terms)), tuple(reads), about)

    def _passed(self, held: Held, name: str, b: Block) -> Iterator[tuple[Term, tuple[Access, ...]]]:
        """D J: what earlier influences make of this one, tap by tap."""
        carried = self.carried[name]
        before = self.held.get((carried.source, held.panel))
        if before is None:
            return
        rows = rows_of(self.x.values[held.state].shape)
        own = b.columns[carried.windows :]
        mapped = self._diagonal(held, before, own)
        if mapped:
            b, own = self._at_rows(held.state, name, b, mapped), tuple(mapped.get(c, c) for c in own)
        columns, start, shape = self._columns(held, before, own)
        labels = columns_of(self.x.values[name].shape)[: carried.windows]
        for tap, at in carried.taps():
            earlier = Access(before.name, at, (*own, COLUMNS))
            entry: dict[str | int, int] = dict(zip(labels, tap, strict=True))
            factors = tuple(replace(r, dims=tuple(entry.get(d, d) for d in r.dims)) for r in b.reads)
            if b.table is not None:
                (taken,) = own
                yield Term(len(factors) + 2, (*rows, *columns), start, shape, taken), (*factors, b.table, earlier)
                continue
            yield Term(len(factors) + 1, (*rows, *columns), start, shape), (*factors, earlier)

    def _diagonal(self, held: Held, before: Held, own: tuple[str, ...]) -> dict[str, str]:
        """The labels of D's columns that are those of its rows, since no entries off that diagonal are held."""
        rows = rows_of(self.x.values[held.state].shape)
        parameter = held.panel.parameters[0]
        old, new = (held.panel.of(h.state, parameter).aligned for h in (before, held))
        pairs = ((own[a], rows[b]) for a, b in zip(old, new, strict=True) if a is not None and b is not None)
        return {column: row for column, row in pairs if column != row}

    def _at_rows(self, root: str, leaf: str, b: Block, mapped: dict[str, str]) -> Block:
        """A block of D at the entries where some of its columns are rows."""
        key = (root, leaf, b, tuple(mapped.items()))
        if key not in self.diagonals:
            parts = (b,) if b.table is not None else tuple(p for p in self.parts[root][leaf] if p.table is None)
            self.diagonals[key] = self._whole(root, leaf, tuple(at_rows(self.x, p, mapped) for p in parts))
        return self.diagonals[key]

    def _columns(self, held: Held, before: Held, own: tuple[str, ...]) -> tuple[tuple[str, ...], Size | None, Shape]:
        """Where the columns of an earlier influence lie in a later one, which may be aligned in fewer dimensions."""
        if len(held.panel.parameters) > 1:
            return (COLUMNS,), None, ()
        (parameter,) = held.panel.parameters
        old = held.panel.of(before.state, parameter)
        new = held.panel.of(held.state, parameter)
        if old.rest == new.rest:
            return (COLUMNS,), None, ()
        labels: list[str] = []
        shape: list[Size] = []
        for k in new.rest:
            row = old.aligned[k]
            if row is not None:
                labels.append(own[row])
                shape.append(self.shapes[parameter][k])
            elif COLUMNS not in labels:
                labels.append(COLUMNS)
                shape.append(number(tuple(self.shapes[parameter][j] for j in old.rest)))
        return tuple(labels), Size.of(0), tuple(shape)

    def _read(self, held: Held, parameter: str, b: Block) -> Iterator[tuple[Term, tuple[Access, ...]]]:
        """What the step reads of a parameter, put at its columns."""
        if parameter not in held.panel.parameters:
            return
        made = Jacobian(self.x, held.state, frozenset(), frozenset())
        reads = (*made.coefficient(b, parameter), *b.factors)
        every = held.panel.columns(held.state, self.shapes)
        own = next(c for c in every if c.parameter == parameter)
        bundle = next(names for names in held.panel.bundles if parameter in names)
        labels = tuple(b.columns[k] for k in held.panel.of(held.state, parameter).rest)
        if len(bundle) == 1:
            yield Term(len(reads), (*made.rows, *labels), own.start, own.shape), reads
        elif parameter == bundle[0]:
            width = number(tuple(self.x.values[self._beside(bundle)].shape))
            lead = labels[:1] if own.width is not None else ()
            shape = (*own.shape[: len(lead)], width)
            reads = (*made.coefficient(b, parameter), self.x.here(self._beside(bundle), (BESIDE,)))
            yield Term(len(reads), (*made.rows, *lead, BESIDE), own.start, shape), reads

    # ---- parameters that a step reads beside each other

    def _bundled(self) -> dict[str, Hashable]:
        """What a parameter's bundle is known by: where and with what coefficient the steps of all states read it, as
        `W @ a`, or plain as a bias. Those of starts are by themselves."""
        found: dict[str, Hashable] = {}
        begun = {name for blocks in self.begun.values() for name in blocks}
        for name in self.parameters:
            own = columns_of(self.shapes[name])
            sites = [(s, b) for s, blocks in self.blocks.items() for b in blocks.get(name, ())]
            if name in begun or not sites or len(own) not in (1, 2) or len({s for s, _ in sites}) < len(sites):
                continue
            factors = {b.factors for _, b in sites}
            if len(factors) > 1 or [r.dims for r in sites[0][1].factors] != [own[1:]] * (len(own) - 1):
                continue
            if all(b.columns[1:] == own[1:] and not _reads(b, own[1:]) for _, b in sites):
                found[name] = (self.shapes[name][:1], tuple((s, b.columns[0], b.formula, b.reads) for s, b in sites))
                self.sources[name] = factors.pop()
        return found

    def _beside(self, bundle: tuple[str, ...]) -> str:
        """What the parameters of a bundle are multiplied with, side by side; 1 for a bias: z in Williams and Zipser."""
        if bundle not in self.joined:
            reads: list[Access] = []
            parts: list[tuple[Size, int | None]] = []
            total = Size.of(0)
            for name in bundle:
                (source,) = self.sources[name] or (self.x.here(self._one(), (BESIDE,)),)
                size = self.shapes[name][1] if self.sources[name] else Size.of(1)
                parts.append((size, len(reads)))
                reads.append(replace(source, dims=(BESIDE,)))
                total = total + size
            name = self.x.make(f"z({bundle[0]})", (total,), Concat(tuple(parts)), reads, (BESIDE,))
            self.joined[bundle] = name
        return self.joined[bundle]

    def _one(self) -> str:
        if "" not in self.joined:
            self.joined[""] = self.x.add("one", (), False, (Size.of(1),), Pointwise(UNIT), (), (BESIDE,))
        return self.joined[""]

    # ---- starts

    def _begin(self, held: Held) -> None:
        """What an influence is before the first step: that of the start."""
        border = self.starts.get(held.state)
        if border is None:
            return
        default = self._started(held, border.default)
        early = tuple((k, self._started(held, name)) for k, name in border.early)
        if default is not None or any(name is not None for _, name in early):
            self.borders.append(Border(held.name, border.sides, default, early))

    def _started(self, held: Held, start: str | None) -> str | None:
        terms: list[Term] = []
        reads: list[Access] = []
        for parameter, blocks in self.begun.get(start or "", {}).items():
            for b in blocks:
                for term, own in self._read(held, parameter, b):
                    terms.append(term)
                    reads.extend(own)
        if not terms:
            return None
        name = self.x.fresh(f"J({start})")
        shape = self.x.values[held.name].shape
        batched = any(self.x.values[r.name].batched for r in reads)
        self.x.values[name] = Value(name, "part", (), batched, shape)
        self._equation(name, held, terms, reads)
        return name
