"""How a block of a derivative passes from the result of an equation to each of its reads.

The labels of the result are those of the block's columns; what a read lacks is summed, unless it is a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rnnc.autodiff.blocks import Block, renumbered
from rnnc.autodiff.factors import mask, one_hot, share
from rnnc.autodiff.restructured import concat, reshape, sliced, untaken
from rnnc.autodiff.symbols import OUT, partials
from rnnc.model.forms import At
from rnnc.ops.formula import UNIT, ZERO, Extent, Formula, Operand, Operation, operands, product_of, substitute, times
from rnnc.system import forms as s

if TYPE_CHECKING:
    from rnnc.autodiff.jacobian import Jacobian

Passed = Iterator[tuple[str, Block]]


class NotWithinStep(Exception):
    """`equation` reads by `access` something learned of another step than its own, or along several axes."""

    def __init__(self, equation: s.Equation, access: s.Access) -> None:
        super().__init__(access.name)
        self.equation = equation
        self.access = access


def passes(jac: Jacobian, e: s.Equation, block: Block) -> Passed:
    """The blocks of what `e` reads, from a block of what it makes; names may come more than once."""
    reached = [k for k, r in enumerate(e.reads) if jac.reached(r.name) and jac.x.values[r.name].kind == "real"]
    for k in reached:
        _local(jac, e, e.reads[k])
    op = e.op
    if isinstance(op, s.Pointwise):
        yield from _pointwise(jac, e, op, block, reached)
    elif isinstance(op, s.Contract):
        yield from _product(jac, e, block, reached, e.reads)
    elif isinstance(op, s.Gather):
        yield from _product(jac, e, block, [0] if 0 in reached else [], (e.reads[0], one_hot(jac.x, e)))
    elif isinstance(op, s.Dropout):
        yield from _product(jac, e, block, reached, (e.reads[0], mask(jac.x, e, op)))
    elif isinstance(op, s.Extreme):
        yield from _product(jac, e, block, [0] if 0 in reached else [], (e.reads[0], share(jac.x, e)))
    elif isinstance(op, s.Softmax):
        if 0 in reached:
            yield from _softmax(jac, e, op, block)
    elif isinstance(op, s.Slice):
        yield from sliced(jac, e, op, block)
    elif isinstance(op, s.Concat):
        yield from concat(jac, e, op, block)
    elif isinstance(op, s.Reshape):
        yield from reshape(jac, e, block)
    elif isinstance(op, s.Take):
        yield from untaken(jac, e, block)
    else:
        raise AssertionError(f"no derivative of {type(op).__name__} within a step")


def within_step(e: s.Equation, read: s.Access, axes: tuple[str, ...]) -> bool:
    """Whether one position of `e`, which varies along `axes`, needs of what it reads the same position alone."""
    over = getattr(e.op, "over", ())
    whole = over if isinstance(over, tuple) else (over,)
    return all(a == At(a.axis) and a.axis in axes and a.axis not in whole for a in read.at)


def _local(jac: Jacobian, e: s.Equation, read: s.Access) -> None:
    out, root = jac.x.values[e.out], jac.x.values[jac.root]
    if not (within_step(e, read, out.axes) and set(out.axes) <= set(root.axes)):
        raise NotWithinStep(e, read)


def _renamed(access: s.Access, names: Mapping[str, str]) -> s.Access:
    return replace(access, dims=tuple(names.get(d, d) if isinstance(d, str) else d for d in access.dims))


def _names(e: s.Equation, block: Block) -> dict[str, str]:
    """The equation's labels in the block's space: the result's are its columns, others are kept apart."""
    own = dict(zip(e.dims, block.columns, strict=True))
    return {d: own.get(d, f".k{d}") for r in e.reads for d in r.dims if isinstance(d, str)} | own


def _pointwise(jac: Jacobian, e: s.Equation, op: s.Pointwise, block: Block, reached: list[int]) -> Passed:
    if len(reached) > 1 and not isinstance(block.formula, Operand) and block.formula != UNIT:
        block = replace(block, formula=Operand(0), reads=jac.coefficient(block, e.out))
    names = _names(e, block)
    v = jac.x.values[e.out]
    own = s.Access(e.out, tuple(At(a) for a in v.axes), e.dims)
    for k in reached:
        partial = partials(op.formula, len(e.reads))[k]
        if partial == ZERO or (jac.straight and {k, OUT.index} & set(operands(partial))):
            continue
        reads = list(block.reads)
        places: dict[int, Formula] = {}
        for j in operands(partial):
            access = _renamed(own if j == OUT.index else e.reads[j], names)
            if access not in reads:
                reads.append(access)
            places[j] = Operand(reads.index(access))
        plain = partial == UNIT or isinstance(partial, Operand)
        if plain and _parameter(jac, e.reads[k].name):
            coefficient = jac.coefficient(block, e.out)
            factors = () if partial == UNIT else (reads[_index(substitute(partial, places))],)
            yield from _arriving(jac, e, e.reads[k], names, coefficient, factors, block)
            continue
        formula = _scaled(block.formula, substitute(partial, places))
        yield from _formula(jac, e, e.reads[k], names, formula, tuple(reads), block)


def _index(formula: Formula) -> int:
    assert isinstance(formula, Operand)
    return formula.index


def _scaled(formula: Formula, factor: Formula) -> Formula:
    return Operation("neg", (formula,)) if factor == Operation("neg", (UNIT,)) else times(formula, factor)


def _parameter(jac: Jacobian, name: str) -> bool:
    return jac.x.values[name].role == "parameter"


def _gone(jac: Jacobian, e: s.Equation, read: s.Access, names: Mapping[str, str]) -> tuple[str, ...]:
    """The labels to be summed on the way to `read`."""
    kept = {names[d] for d in read.dims if isinstance(d, str)} | set(jac.rows)
    return tuple(dict.fromkeys(d for d in names.values() if d not in kept))


def _formula(
    jac: Jacobian,
    e: s.Equation,
    read: s.Access,
    names: Mapping[str, str],
    formula: Formula,
    reads: tuple[s.Access, ...],
    block: Block,
) -> Passed:
    """The block with another formula, arriving at `read`."""
    formula, reads = renumbered(formula, reads)
    if _gone(jac, e, read, names):
        made = jac.coefficient(replace(block, formula=formula, reads=reads, columns=tuple(names.values())), e.out)
        yield from _arriving(jac, e, read, names, made, (), block)
        return
    columns, own = _columns(jac, read, names)
    yield (
        read.name,
        replace(block, columns=columns, formula=formula, reads=tuple(_renamed(r, own) for r in reads), factors=()),
    )


def _product(jac: Jacobian, e: s.Equation, block: Block, reached: list[int], reads: tuple[s.Access, ...]) -> Passed:
    names = _names(replace(e, reads=reads), block)
    coefficient = jac.coefficient(block, e.out)
    for k in reached:
        others = tuple(_renamed(r, names) for j, r in enumerate(reads) if j != k)
        yield from _arriving(jac, e, reads[k], names, coefficient, others, block)


def _arriving(
    jac: Jacobian,
    e: s.Equation,
    read: s.Access,
    names: Mapping[str, str],
    coefficient: tuple[s.Access, ...],
    others: tuple[s.Access, ...],
    block: Block,
) -> Passed:
    """The product of `coefficient` and `others` at `read`, summed over the labels that it lacks."""
    gone = _gone(jac, e, read, names)
    columns, own = _columns(jac, read, names)
    every = (*coefficient, *others)
    sizes = {names.get(d, d): z for d, z in jac.x.sizes(e.reads).items()}
    sizes |= {names[d]: z for d, z in zip(e.dims, jac.x.values[e.out].shape, strict=True)}
    present = {d for r in every for d in r.dims}
    number: Formula = UNIT
    for label in gone:
        if label not in present:
            number = times(number, Extent(sizes[label]))
    if any(label in present for label in gone):
        labels = (*jac.rows, *(d for d in dict.fromkeys(names.values()) if d not in gone and d not in jac.rows))
        every = (jac.summed(every, labels, read.name),)
        coefficient, others = every, ()
    if number == UNIT and _parameter(jac, read.name):
        factor: Formula = Operand(0) if coefficient else UNIT
        reads = tuple(_renamed(r, own) for r in coefficient)
        yield (
            read.name,
            replace(
                block, columns=columns, formula=factor, reads=reads, factors=tuple(_renamed(r, own) for r in others)
            ),
        )
        return
    formula = times(product_of(len(every)), number)
    yield (
        read.name,
        replace(block, columns=columns, formula=formula, reads=tuple(_renamed(r, own) for r in every), factors=()),
    )


def _columns(jac: Jacobian, read: s.Access, names: Mapping[str, str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The labels of a block of what is read, and how the labels it had become its own."""
    columns: list[str] = []
    own: dict[str, str] = {}
    for k, d in enumerate(read.dims):
        label = names[d] if isinstance(d, str) else None
        if label in jac.rows and label is not None:
            columns.append(label)
        else:
            columns.append(f".c{k}")
            if label is not None:
                own[label] = f".c{k}"
    return tuple(columns), own


def _softmax(jac: Jacobian, e: s.Equation, op: s.Softmax, block: Block) -> Passed:
    """p (g - sum g p), or g - p sum g for the logarithm; where g is on the diagonal, so is p g."""
    read = e.reads[0]
    v = jac.x.values[e.out]
    names = _names(e, block)
    here = tuple(At(a) for a in v.axes)
    made = jac.coefficient(block, e.out)
    label = names[op.over]
    p = _renamed(s.Access(e.out, here, e.dims), names)
    if label in jac.rows:
        other = ".c" + str(e.dims.index(op.over))
        across = replace(p, dims=tuple(other if d == label else d for d in p.dims))
        columns = tuple(other if c == label else c for c in block.columns)
        one: Formula = Operand(0) if op.log else Operation("*", (Operand(0), Operand(1)))
        two: Formula = Operation("exp", (Operand(1),)) if op.log else Operation("*", (Operand(1), Operand(2)))
        minus: tuple[s.Access, ...] = (across,) if op.log else (p, across)
        first = made or (jac.x.here(jac.x.add("one", v.axes, v.batched, (), s.Pointwise(UNIT), (), ()), ()),)
        yield from _formula(jac, e, read, names, one, (*first, p), block)
        negative = Operation("neg", (Operation("*", (Operand(0), two)),))
        moved = replace(block, columns=columns)
        yield from _formula(jac, e, read, _names(e, moved), negative, (*first, *minus), moved)
        return
    assert made, "a coefficient that is 1 lies on the diagonal"
    labels = tuple(d for d in (*jac.rows, *dict.fromkeys(block.columns)) if d != label)
    total = jac.summed(made if op.log else (*made, p), labels, e.out)
    if op.log:
        formula: Formula = Operation("-", (Operand(0), Operation("*", (Operation("exp", (Operand(1),)), Operand(2)))))
    else:
        formula = Operation("*", (Operand(1), Operation("-", (Operand(0), Operand(2)))))
    yield from _formula(jac, e, read, names, formula, (*made, p, total), block)
