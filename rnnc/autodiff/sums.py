"""What influences add to gradients: the adjoint of every state times the influence on it, summed over all positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from rnnc.autodiff.blocks import columns_of
from rnnc.autodiff.tangent import COLUMNS, Held
from rnnc.sizes import Shape
from rnnc.system.cut import Carried
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Contract, Part, Products, Term
from rnnc.system.influence import Aligned, Columns, Panel

Pairs = Callable[[Held], Iterable[tuple[Access, Access]]]
"""Of an influence every read of an adjoint of its state, and of the influence at the same step: first the rows of the
state (`columns_of`), of the influence then `COLUMNS`."""


def along(x: Extension, passed: Iterable[tuple[Carried, str]]) -> Pairs:
    """The adjoint of each state, now and earlier (`passed`: what is read, and the name of its adjoint), and the
    influence on it, at every step."""
    read = tuple(passed)

    def pairs(h: Held) -> Iterator[tuple[Access, Access]]:
        rows = columns_of(x.values[h.state].shape)
        for carried, adjoint in (p for p in read if p[0].source == h.state):
            for tap, at in carried.taps():
                yield x.here(adjoint, (*tap, *rows)), Access(h.name, at, (*rows, COLUMNS))

    return pairs


def sums(x: Extension, held: Iterable[Held], pairs: Pairs, shapes: Mapping[str, Shape]) -> dict[str, list[str]]:
    """For every parameter the values whose sum is what its influences add to its gradient: of all `pairs` the products,
    summed over positions and batch."""
    found: dict[str, list[str]] = {}
    groups: dict[tuple[Panel, Aligned, tuple[str, ...]], list[Held]] = {}
    for h in held:
        aligned = h.panel.of(h.state, h.panel.parameters[0]).aligned
        aligned = aligned if len(h.panel.parameters) == 1 else aligned[:1]
        groups.setdefault((h.panel, aligned, x.values[h.state].axes), []).append(h)
    for (panel, aligned, _), members in groups.items():
        terms: list[Term] = []
        reads: list[Access] = []
        lead = tuple(k for k, row in enumerate(aligned) if row is not None)
        for h in members:
            rows = columns_of(x.values[h.state].shape)
            for adjoint, influence in pairs(h):
                reads += (adjoint, influence)
                terms.append(Term(2, (*(rows[aligned[k] or 0] for k in lead), COLUMNS)))
        if not terms:
            continue
        state = members[0].state
        leading = tuple(shapes[panel.parameters[0]][k] for k in lead)
        dims = (*(f".l{k}" for k in lead), COLUMNS)
        shape = (*leading, panel.width(state, shapes))
        base = f"J:{panel.parameters[0]}"
        total = x.add(base, (), bool(lead), shape, Products(tuple(terms)), tuple(reads), dims)
        if lead:  # entry by entry, so that no step has to sum over the batch
            total = x.add(base, (), False, shape, Contract(), (x.here(total, dims),), dims)
        for c in panel.columns(state, shapes):
            found.setdefault(c.parameter, []).append(_part(x, total, dims, c, lead))
    return found


def _part(x: Extension, total: str, dims: tuple[str, ...], c: Columns, lead: tuple[int, ...]) -> str:
    """A parameter's own columns of a sum, its dimensions in their order."""
    shape = x.values[c.parameter].shape
    base = f"J:{c.parameter}"
    order = (*lead, *(k for k in range(len(shape)) if k not in lead))
    labels = tuple(f".i{k}" for k in order)
    op = Part(c.start, c.width, c.offset)
    cut = x.add(base, (), False, tuple(shape[k] for k in order), op, (x.here(total, dims),), labels)
    if order == tuple(sorted(order)):
        return cut
    whole = tuple(f".i{k}" for k in range(len(shape)))
    return x.add(base, (), False, shape, Contract(), (x.here(cut, labels),), whole)
