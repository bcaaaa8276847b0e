"""The optimisers as CUDA kernels, for parameters that lie on a GPU: one launch an update, one thread a number.

Each rule is the one its NumPy form states, in the same order of operations; what it remembers has the same names, so
that a run may go on on the other side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from rnnc.runtime.device import brought, cupy_of
from rnnc.runtime.optim.adadelta import Adadelta
from rnnc.runtime.optim.adagrad import Adagrad
from rnnc.runtime.optim.adam import Adam
from rnnc.runtime.optim.adamax import Adamax
from rnnc.runtime.optim.adamw import AdamW
from rnnc.runtime.optim.nadam import NAdam
from rnnc.runtime.optim.optimiser import Optimiser, Slot
from rnnc.runtime.optim.rmsprop import RMSprop
from rnnc.runtime.optim.rprop import Rprop
from rnnc.runtime.optim.sgd import SGD


@dataclass(frozen=True)
class Rule:
    """What an update does to one number: `slots` it remembers and what they start as, `numbers` of this step, C
    statements that move `value` by the gradient `g`."""

    slots: tuple[tuple[str, float], ...]
    numbers: tuple[tuple[str, float], ...]
    body: str


MEAN = "mean = mean * keep + g * other;\n"
SQUARES = "squares = squares * keep_square + g * g * other_square;\n"


def means(keep: float, keep_square: float) -> tuple[tuple[str, float], ...]:
    return (
        *(("keep", keep), ("other", 1.0 - keep)),
        *(("keep_square", keep_square), ("other_square", 1.0 - keep_square)),
    )


def sgd(rule: SGD, slot: Slot) -> Rule:
    numbers, slots, body, move = [("lr", rule.lr)], [], "", "g"
    if rule.momentum:
        slots.append(("momentum", 0.0))
        first = "momentum" not in slot.arrays
        if not first or rule.nesterov:
            numbers.append(("held", rule.momentum))
        if not first:
            numbers.append(("share", 1.0 - rule.dampening))
        body = "momentum = g;\n" if first else "momentum = momentum * held + g * share;\n"
        move = "(momentum * held + g)" if rule.nesterov else "momentum"
    return Rule(tuple(slots), tuple(numbers), f"{body}value -= {move} * lr;")


def adagrad(rule: Adagrad, slot: Slot) -> Rule:
    rate = rule.lr / (1.0 + (rule.steps - 1) * rule.lr_decay)
    body = "sum += g * g;\nvalue -= g / (sqrt(sum) + eps) * rate;"
    return Rule((("sum", rule.start),), (("eps", rule.eps), ("rate", rate)), body)


def adadelta(rule: Adadelta, slot: Slot) -> Rule:
    body = """squares = squares * rho + g * g * other;
const T move = sqrt(moves + eps) / sqrt(squares + eps) * g;
moves = moves * rho + move * move * other;
value -= move * lr;"""
    numbers = (("rho", rule.rho), ("other", 1.0 - rule.rho), ("eps", rule.eps), ("lr", rule.lr))
    return Rule((("squares", 0.0), ("moves", 0.0)), numbers, body)


def rmsprop(rule: RMSprop, slot: Slot) -> Rule:
    slots, numbers = [("squares", 0.0)], [("alpha", rule.alpha), ("other", 1.0 - rule.alpha), ("eps", rule.eps)]
    body, variance, move = "squares = squares * alpha + g * g * other;\n", "squares", "move"
    if rule.centered:
        slots.append(("mean", 0.0))
        body += "mean = mean * alpha + g * other;\nT variance = squares - mean * mean;\n"
        body += "variance = variance < T(0) ? T(0) : variance;\n"
        variance = "variance"
    body += f"const T move = g / (sqrt({variance}) + eps);\n"
    if rule.momentum:
        slots.append(("momentum", 0.0))
        numbers.append(("held", rule.momentum))
        body += "momentum = momentum * held + move;\n"
        move = "momentum"
    return Rule(tuple(slots), (*numbers, ("lr", rule.lr)), f"{body}value -= {move} * lr;")


def adam(rule: Adam, slot: Slot) -> Rule:
    keep, keep_square = rule.betas
    slots, body, root = [("mean", 0.0), ("squares", 0.0)], MEAN + SQUARES, "squares"
    if rule.amsgrad:
        slots.append(("largest", 0.0))
        body += "largest = largest > squares || largest != largest ? largest : squares;\n"
        root = "largest"
    numbers = (
        *means(keep, keep_square),
        ("corrected", math.sqrt(1.0 - keep_square**rule.steps)),
        ("eps", rule.eps),
        ("rate", rule.lr / (1.0 - keep**rule.steps)),
    )
    return Rule(tuple(slots), numbers, f"{body}value -= mean / (sqrt({root}) / corrected + eps) * rate;")


def adamax(rule: Adamax, slot: Slot) -> Rule:
    body = (
        MEAN
        + """const T size = fabs(g) + eps, kept = largest * decay;
largest = kept > size || kept != kept ? kept : size;
value -= mean / largest * rate;"""
    )
    keep, decay = rule.betas
    numbers = (("keep", keep), ("other", 1.0 - keep), ("eps", rule.eps), ("decay", decay))
    return Rule((("mean", 0.0), ("largest", 0.0)), (*numbers, ("rate", rule.lr / (1.0 - keep**rule.steps))), body)


def nadam(rule: NAdam, slot: Slot) -> Rule:
    keep, keep_square = rule.betas
    of_gradient, of_mean = rule.rates()
    body = f"{MEAN}{SQUARES}const T root = sqrt(squares / corrected) + eps;\n"
    body += "value -= g / root * of_gradient;\nvalue -= mean / root * of_mean;"
    numbers = (
        *means(keep, keep_square),
        *(("corrected", 1.0 - keep_square**rule.steps), ("eps", rule.eps)),
        *(("of_gradient", of_gradient), ("of_mean", of_mean)),
    )
    return Rule((("mean", 0.0), ("squares", 0.0)), numbers, body)


def rprop(rule: Rprop, slot: Slot) -> Rule:
    body = """const T turn = g * before;
size *= turn > T(0) ? larger : turn < T(0) ? smaller : T(1);
size = size < least ? least : size > most ? most : size;
before = turn < T(0) ? T(0) : g;
value -= (before > T(0) ? T(1) : before < T(0) ? T(-1) : before) * size;"""
    (smaller, larger), (least, most) = rule.etas, rule.step_sizes
    numbers = (("smaller", smaller), ("larger", larger), ("least", least), ("most", most))
    return Rule((("before", 0.0), ("size", rule.lr)), numbers, body)


RULES: tuple[tuple[type[Optimiser], Callable[[Any, Slot], Rule]], ...] = (
    (SGD, sgd),
    (Adagrad, adagrad),
    (Adadelta, adadelta),
    (RMSprop, rmsprop),
    (Adam, adam),
    (AdamW, adam),
    (Adamax, adamax),
    (NAdam, nadam),
    (Rprop, rprop),
)


def update(optimiser: Optimiser, value: Any, grad: Any, slot: Slot) -> None:
    """Move one CuPy array by its gradient. TypeError for an optimiser of the user's own."""
    chosen = next((made for kind, made in RULES if kind is type(optimiser)), None)
    if chosen is None:
        raise TypeError(f"{type(optimiser).__name__} has no kernel for arrays on a GPU")
    rule = chosen(optimiser, slot)
    gradient, decay = _gradient(optimiser)
    slots = []
    for name, fill in rule.slots:
        slot.arrays[name] = brought(slot.array(name, fill), value)
        slots.append(slot.arrays[name])
    numbers = (*decay, *rule.numbers)
    kernel = _built(
        cupy_of(value),
        ", ".join(("T grad", *(f"T {name}" for name, _ in numbers))),
        ", ".join(("T value", *(f"T {name}" for name, _ in rule.slots))),
        f"{gradient}\n{rule.body}",
        f"{type(optimiser).__name__.lower()}_update",
    )
    kernel(grad, *(number for _, number in numbers), value, *slots)


def _gradient(optimiser: Optimiser) -> tuple[str, tuple[tuple[str, float], ...]]:
    """The line that makes `g` of `grad`, with `maximize` and the decay of weights worked in, and its numbers."""
    own = "-grad" if optimiser.maximize else "grad"
    if optimiser.decouples:
        return f"value *= shrink;\nconst T g = {own};", (("shrink", 1.0 - optimiser.lr * optimiser.weight_decay),)
    if not optimiser.weight_decay:
        return f"const T g = {own};", ()
    sign = "-" if optimiser.maximize else "+"
    return f"const T g = value * weight_decay {sign} grad;", (("weight_decay", optimiser.weight_decay),)


@cache
def _built(cupy: Any, inputs: str, outputs: str, body: str, name: str) -> Any:
    return cupy.ElementwiseKernel(inputs, outputs, body, name, no_return=True)
