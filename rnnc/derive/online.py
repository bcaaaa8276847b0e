"""Derivations that go forward in time: real-time recurrent learning, and its truncated gradient.

Williams and Zipser (1989, 1995): the influence of every weight is carried from step to step, and meets at each step
what is passed back from its loss. What lies between the carried values and the loss passes back within the step.
"""

from __future__ import annotations

from dataclasses import replace

from rnnc.autodiff.adjoint import active_values
from rnnc.derive import algebra
from rnnc.derive import expression as x
from rnnc.derive.backward import backward
from rnnc.derive.bound import moved
from rnnc.derive.carried import Carrying, carrying
from rnnc.derive.derivation import Line, Section
from rnnc.derive.expand import Expansion
from rnnc.derive.influence import Influence
from rnnc.derive.keep import Keep
from rnnc.derive.names import RATE, change
from rnnc.derive.rewrite import exchange, exchange_ref
from rnnc.derive.shorten import shortened
from rnnc.system.forms import System


def online(system: System, keep: Keep, wanted: tuple[str, ...], truncated: bool) -> tuple[Section, ...]:
    """What is passed back within a step; then for each weight its influences, its gradient and its change."""
    expansion = Expansion(system, keep.names)
    carried = carrying(system, keep, expansion, wanted)
    frozen = _frozen(system, carried)
    active = active_values(frozen, (*carried.names, *wanted))
    reached = tuple(n for n in carried.names if n in active)
    direct = tuple(n for n in wanted if n in active)
    deltas, last = backward(frozen, keep, (*reached, *direct)) if reached or direct else ((), ())
    last = tuple(_at_the_end(line) for line in last)
    errors = {line.left.name[2:-1]: line for line in last if line.left.name[2:-1] in reached}
    given = {line.left.name[2:-1]: line for line in last if line.left.name[2:-1] in direct}
    passed = (*deltas, *(line for line in errors.values() if not _short(line)))
    sections = [Section("Within a step", passed)] if passed else []
    plain: list[Line] = []
    for name in wanted:
        weight = Influence(system, expansion, carried, name, given.get(name), truncated=truncated)
        lines = _gradient(system, name, weight, errors, given.get(name))
        own = weight.lines()
        if own:
            sections.append(Section(f"Influence of {name}", (*own, *lines)))
        else:
            plain.extend(lines)
    return (
        (
            *shortened(tuple(sections)),
            Section("Gradients" if len(sections) < 2 else "Gradients of the other weights", tuple(plain)),
        )
        if plain
        else shortened(tuple(sections))
    )


def _frozen(system: System, carried: Carrying) -> System:
    """The network with what carries an influence as given: the rest is a network without memory."""
    names = set(carried.names)
    return replace(
        system,
        values=tuple(replace(v, role="input") if v.name in names else v for v in system.values),
        equations=tuple(e for e in system.equations if e.out not in names),
        borders=tuple(b for b in system.borders if b.name not in names),
    )


def _at_the_end(line: Line) -> Line:
    """An error that only the last step has, at the last step."""
    number, factors = algebra.scaled(line.right)
    for p in line.left.at:
        last = x.Place(p.axis, "last")
        only = x.Bracket(x.Compare("==", x.Position(p), x.Position(last)))
        if only in factors:
            rest = algebra.mul((x.Num(number), *(f for f in factors if f != only)))
            left = replace(line.left, at=tuple(last if q == p else q for q in line.left.at))
            return _at_the_end(Line(left, moved(rest, p.axis, last)))
    return line


def _short(line: Line) -> bool:
    """Whether an error can stand in its place: a value or its negative."""
    _, factors = algebra.scaled(line.right)
    return len(factors) <= 1 and all(isinstance(f, x.Ref) for f in factors)


def _gradient(
    system: System, name: str, weight: Influence, errors: dict[str, Line], given: Line | None
) -> tuple[Line, ...]:
    """The gradient of a weight, summed over the steps, and the change that a step makes."""
    left = x.Ref(f"d({name})", (), weight.indices)
    terms = [_met(weight, unit, line) for unit, line in errors.items() if unit in weight.active]
    if given is not None:
        terms.append(at_once(weight, given))
    gradient = weight.line(left, algebra.add(terms))
    return gradient, changed(gradient)


def changed(gradient: Line, whole: bool = False) -> Line:
    """The change of a weight: against its gradient, at every step where the gradient is a sum over the steps and is not
    taken as a `whole`."""
    rate, name = x.Ref(RATE, (), ()), gradient.left.name[2:-1]
    step = None if whole else _step_of(gradient.right)
    if step is None:
        return Line(x.Ref(change(name), (), gradient.left.indices), algebra.mul((x.MINUS, rate, gradient.left)))
    axis, body = step
    left = x.Ref(change(name), (x.Place(axis, axis),), gradient.left.indices)
    return Line(left, algebra.mul((x.MINUS, rate, body)))


def _met(weight: Influence, unit: str, line: Line) -> x.Expr:
    """sum_n sum_k dL/du_k(n) p^k_ij(n)."""
    symbols = {s: weight.fresh() for s in x.symbols(line.left) if s.startswith("@")}
    split = {s: x.Index.symbol(new) for s, new in symbols.items()}
    left = exchange_ref(line.left, split)
    error = exchange(line.right, split) if _short(line) else left
    met = weight.of(x.Ref(unit, left.at, left.indices))
    bound = (*(p.base for p in left.at if p.base != "last"), *symbols.values())
    return algebra.total(bound, algebra.mul((error, met)))


def at_once(weight: Influence, given: Line) -> x.Expr:
    """What a weight does to the loss without any influence, at the weight's own indices."""
    split: dict[str, x.Index] = {}
    for index, own in zip(given.left.indices, weight.indices, strict=True):
        assert isinstance(index, x.Index)
        if len(index.terms) == 1:
            split[index.terms[0][0]] = own
        else:
            split.update({s: x.Index.symbol(new) for (s, _), (new, _) in zip(index.terms, own.terms, strict=True)})
    return exchange(given.right, split)


def _step_of(e: x.Expr) -> tuple[str, x.Expr] | None:
    """The axis that all terms of a gradient are summed over, and what is summed at one step."""
    terms = e.terms if isinstance(e, x.Add) else (e,)
    found = []
    for term in terms:
        number, factors = algebra.scaled(term)
        sums = [f for f in factors if isinstance(f, x.Reduce) and f.kind == "sum"]
        if len(sums) != 1 or sums[0].bound[0].startswith("@"):
            return None
        axis, rest = sums[0].bound[0], sums[0].bound[1:]
        others = tuple(f for f in factors if f is not sums[0])
        found.append((axis, algebra.mul((x.Num(number), *others, algebra.total(rest, sums[0].body)))))
    if len({axis for axis, _ in found}) != 1 or "'" in found[0][0]:
        return None
    if any(isinstance(n, x.Reduce) and not n.bound[0].startswith("@") for _, body in found for n in x.walk(body)):
        return None
    return found[0][0], algebra.add(body for _, body in found)
