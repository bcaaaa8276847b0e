"""A network with its influences as one system: the gradients are what a step gives itself and what influences add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnc.autodiff.tangent import Held, Tangent
from rnnc.learning.forms import Forward
from rnnc.ops.formula import sum_of
from rnnc.system.cut import Step
from rnnc.system.extension import Extension
from rnnc.system.forms import Equation, Pointwise, System
from rnnc.system.hoist import hoist
from rnnc.system.lowering import labels_of
from rnnc.system.prune import prune
from rnnc.system.refine import Refined


def learned_parameters(system: System) -> tuple[str, ...]:
    """The parameters that something reads."""
    read = {r.name for e in system.equations for r in e.reads} | {n for b in system.borders for n in b.reads()}
    return tuple(v.name for v in system.values if v.role == "parameter" and v.name in read)


def closed(
    blocks: Refined,
    step: Step,
    tangent: Tangent,
    held: tuple[Held, ...],
    direct: Mapping[str, str],
    added: Mapping[str, list[str]],
) -> Forward:
    """All of `tangent`'s extension as one system, and which of the influences `held` it needs."""
    final = prune(hoist(prune(whole(blocks.system, step, tangent, direct, added))))
    there = {v.name for v in final.values}
    return Forward(final, tuple(h for h in held if h.name in there), blocks.names)


def whole(
    system: System, step: Step, tangent: Tangent, direct: Mapping[str, str], added: Mapping[str, list[str]]
) -> System:
    """All of `tangent`'s extension of `system`, with for every parameter the sum of its `direct` gradient and of what
    its influences have `added`."""
    x = tangent.x
    gradients = tuple((n, total(x, n, direct.get(n), added.get(n, []))) for n in tangent.parameters)
    return replace(
        system,
        values=tuple(x.values.values()),
        equations=tuple(step.restored(e) for e in x.equations.values()),
        borders=(*system.borders, *tangent.borders),
        gradients=gradients,
    )


def total(x: Extension, name: str, direct: str | None, parts: list[str]) -> str:
    """d(loss)/d(parameter): the step's own and what its influences add."""
    if direct and not parts:
        return direct
    if len(parts) == 1 and not direct:
        x.values[parts[0]] = replace(x.values[parts[0]], role="gradient")
        return parts[0]
    names = [*([direct] if direct else []), *parts]
    v = x.values[name]
    labels = labels_of(v.shape)
    own = x.fresh(f"gradient({name})")
    x.values[own] = replace(v, name=own, role="gradient")
    reads = tuple(x.here(n, labels) for n in names)
    x.equations[own] = Equation(own, labels, Pointwise(sum_of(len(names))), reads, f"derivative by {name}")
    return own
