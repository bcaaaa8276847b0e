"""Products that are only summed, as one inner product: no array of them is made.

before   part[n] = square(net[n])      sum[n] = sum over its entries (part[n])
after    sum[n] = net[n] . net[n]
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.ops.formula import Operand, Operation
from rnnc.system.forms import Access, Contract, Equation, Pointwise, System

_PRODUCTS = {
    Operation("square", (Operand(0),)): (0, 0),
    Operation("*", (Operand(0), Operand(1))): (0, 1),
    Operation("*", (Operand(1), Operand(0))): (1, 0),
}


def inner_products(system: System) -> System:
    """The system with what sums the entries of a product that nothing else reads reading its factors."""
    by_out = {e.out: e for e in system.equations}
    roles = {v.name: v.role for v in system.values}
    kept = {n for b in system.borders for n in (b.name, *b.reads())}
    times: dict[str, int] = {}
    for e in system.equations:
        for r in e.reads:
            times[r.name] = times.get(r.name, 0) + 1
    gone: set[str] = set()
    made: dict[str, Equation] = {}
    for e in system.equations:
        if not isinstance(e.op, Contract) or len(e.reads) != 1:
            continue
        (r,) = e.reads
        product = by_out.get(r.name)
        if product is None or roles[r.name] != "part" or times[r.name] > 1 or r.name in kept:
            continue
        factors = _factors(product)
        if factors and product.dims == r.dims and e.dims == r.dims[:-1] and r.in_place:
            made[e.out] = replace(e, reads=factors)
            gone.add(r.name)
    return replace(
        system,
        values=tuple(v for v in system.values if v.name not in gone),
        equations=tuple(made.get(e.out, e) for e in system.equations if e.out not in gone),
    )


def _factors(e: Equation) -> tuple[Access, Access] | None:
    """What an equation multiplies, where that is all it does and every factor has all of its entries."""
    formula = e.op.formula if isinstance(e.op, Pointwise) else None
    indices = _PRODUCTS.get(formula) if isinstance(formula, Operation) else None
    if indices is None or not all(r.in_place and r.dims == e.dims for r in e.reads):
        return None
    one, other = (e.reads[k] for k in indices)
    return one, other
