"""Where the parameters of a step enter it: as a matrix times a vector, added up in net inputs.

net = W v + U w + b        the derivative of anything by W is that by net, times v
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rnnc.autodiff.factors import one_hot
from rnnc.autodiff.symbols import partials
from rnnc.model.forms import At
from rnnc.ops.formula import UNIT
from rnnc.sizes import ONE, Size
from rnnc.system.extension import Extension
from rnnc.system.forms import Access, Contract, Equation, Gather, Pointwise, System
from rnnc.system.reach import downstream, upstream


class NotAProduct(Exception):
    """A step reads `parameter` by `equation` other than in one product with a vector; None: the value `name` starts
    with it."""

    def __init__(self, parameter: str, equation: Equation | None, name: str = "") -> None:
        super().__init__(parameter)
        self.parameter = parameter
        self.equation = equation
        self.name = name


@dataclass(frozen=True)
class Entry:
    """`parameter` times `source` (None: 1) is added to the value `net`; `row` is the parameter's dimension that `net`
    has."""

    parameter: str
    net: str
    source: Access | None
    row: int


@dataclass(frozen=True)
class Product:
    """One matrix times one vector: net inputs below each other, sources below each other, and which parameter is the
    block of which net input and source."""

    nets: tuple[str, ...]
    sources: tuple[Access | None, ...]
    entries: tuple[Entry, ...]


def products(x: Extension, within: System, states: Iterable[str], parameters: Iterable[str]) -> tuple[Product, ...]:
    """The products of a step that its states depend on: net inputs that read the same vectors are one, unless one goes
    into the other. Raises `NotAProduct`. What tables are multiplied with is added to `x`."""
    inside = upstream(within, states)
    equations = tuple(e for e in within.equations if e.out in inside)
    uses: dict[str, list[tuple[Equation, int]]] = {}
    for e in equations:
        for k, r in enumerate(e.reads):
            uses.setdefault(r.name, []).append((e, k))
    entries = []
    for name in parameters:
        if name in uses:
            (equation, index), *others = uses[name]
            if others:
                raise NotAProduct(name, others[0][0])
            entries.append(_entry(x, name, equation, index, uses, frozenset(states)))
    return _grouped(entries, within)


def _entry(
    x: Extension,
    name: str,
    e: Equation,
    index: int,
    uses: dict[str, list[tuple[Equation, int]]],
    states: frozenset[str],
) -> Entry:
    read = e.reads[index]
    source: Access | None = None
    if len(e.dims) != 1 or e.dims[0] not in read.dims or len(set(read.dims)) != len(x.values[name].shape):
        raise NotAProduct(name, e)
    if isinstance(e.op, Contract) and len(e.reads) == 2:
        source = e.reads[1 - index]
    elif isinstance(e.op, Gather) and index == 0:
        source = one_hot(x, e)
    elif not (isinstance(e.op, Pointwise) and partials(e.op.formula, len(e.reads))[index] == UNIT):
        raise NotAProduct(name, e)
    others = tuple(d for d in read.dims if d != e.dims[0])
    if others != (() if source is None else source.dims) or len(others) != (0 if source is None else 1):
        raise NotAProduct(name, e)
    return Entry(name, _net(e, uses, states), source, read.dims.index(e.dims[0]))


def _net(e: Equation, uses: dict[str, list[tuple[Equation, int]]], states: frozenset[str]) -> str:
    """What the result of `e` is added to, and that, as long as nothing else becomes of it."""
    while e.out not in states and len(uses.get(e.out, ())) == 1:
        ((reader, index),) = uses[e.out]
        read = reader.reads[index]
        plain = isinstance(reader.op, Pointwise) and partials(reader.op.formula, len(reader.reads))[index] == UNIT
        if not plain or read.dims != reader.dims or any(a != At(a.axis) for a in read.at):
            break
        e = reader
    return e.out


def _grouped(entries: list[Entry], within: System) -> tuple[Product, ...]:
    by_net: dict[str, list[Entry]] = {}
    for entry in entries:
        by_net.setdefault(entry.net, []).append(entry)
    by_sources: dict[frozenset[Access | None], list[str]] = {}
    for net, read in by_net.items():
        by_sources.setdefault(frozenset(_unlabelled(e.source) for e in read), []).append(net)
    found = []
    for nets in (group for alike in by_sources.values() for group in _apart(alike, within)):
        members = tuple(e for net in nets for e in by_net[net])
        sources = tuple(dict.fromkeys(_unlabelled(e.source) for e in members))
        own = tuple(replace(e, source=_unlabelled(e.source)) for e in members)
        found.append(Product(tuple(nets), sources, own))
    return tuple(found)


def _apart(nets: list[str], within: System) -> list[list[str]]:
    """Net inputs in groups of which none goes into another within the step: what is known of both at once is the
    derivative of the state by each with the other given."""
    after = {net: downstream(within, (net,)) for net in nets}
    groups: list[list[str]] = []
    for net in nets:
        free = (g for g in groups if not any(net in after[other] or other in after[net] for other in g))
        group = next(free, None)
        if group is None:
            groups.append([net])
        else:
            group.append(net)
    return groups


LABEL = ".s"


def _unlabelled(source: Access | None) -> Access | None:
    """A source at one label, whatever the equation calls it."""
    return None if source is None else replace(source, dims=(LABEL,), span=None)


def length(x: Extension, source: Access | None) -> Size:
    """How many entries a source has."""
    return ONE if source is None else x.sizes((source,))[LABEL]
