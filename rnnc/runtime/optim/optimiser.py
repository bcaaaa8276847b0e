"""What all optimisers share: the walk over the arrays, the memory of each, the checks before any change."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.arrays import Arrays, check_gradient, check_value, flat_buffer, inside, same_view
from rnnc.runtime.device import cupy_of, filled, on_host

Array = NDArray[np.floating[Any]]

# Written before it is read in every step.
SCRATCH = ("spare", "gradient", "together", "root", "move", "factor")

# The slot of the one buffer; no spec can hold a parameter of this name.
_FLAT = "(flat)"


class Slot:
    """What an optimiser remembers of one array: named arrays of its shape and dtype, made at first use."""

    def __init__(self, like: Array) -> None:
        self._like = like
        self.arrays: dict[str, Array] = {}

    def fits(self, value: Array) -> bool:
        """Whether the slot was made for an array of this shape and dtype."""
        return self._like.shape == value.shape and self._like.dtype == value.dtype

    def array(self, name: str, fill: float = 0.0) -> Array:
        """The array of that name; filled when it is asked for the first time."""
        found = self.arrays.get(name)
        if found is None:
            found = self.arrays[name] = filled(self._like, fill)
        return found


class Optimiser(ABC):
    """Changes parameters in place, from their gradients; `lr` may be set anew between steps.

    `weight_decay` adds that multiple of the parameter to its gradient, or, where the rule `decouples` it, takes lr
    times that off the parameter itself; `maximize` climbs instead. Arrays may be NumPy's or CuPy's.
    """

    def __init__(self, lr: float, weight_decay: float = 0.0, maximize: bool = False) -> None:
        self.lr = at_least_zero("lr", lr)
        self.weight_decay = at_least_zero("weight_decay", weight_decay)
        self.maximize = bool(maximize)
        self.decouples = False
        self.steps = 0
        self.slots: dict[str, Slot] = {}

    def step(self, p: Arrays, grads: Arrays) -> None:
        """Make one step: every array of `p` moves in place, by the gradient of its name.

        Where `p` has a buffer `flat`, all views of it move in one go and arrays outside it (those a spec
        declares `fixed`) need no gradient; otherwise each array needs one. Gradients of other names are
        left alone. ValueError, before anything changes, for a gradient that is missing or has another
        shape and for a parameter that is no writable floating point array.
        """
        work = list(self._pairs(p, grads))
        for name, value, _ in work:
            if name in self.slots and not self.slots[name].fits(value):
                raise ValueError(f"parameter `{name}` has changed its shape or dtype since the first step")
        self.steps += 1
        self._advance()
        for name, value, grad in work:
            slot = self.slots.get(name)
            if slot is None:
                slot = self.slots[name] = Slot(value)
            if cupy_of(value) is None:
                self._update(value, self._wanted(value, grad, slot), slot)
            else:
                from rnnc.runtime.optim.fused import update

                update(self, value, grad, slot)

    def memory(self) -> tuple[dict[tuple[str, str], Array], dict[str, float]]:
        """What a later run needs to go on: arrays by (parameter, what it is), and numbers by name."""
        arrays = {
            (name, kind): on_host(array)
            for name, slot in self.slots.items()
            for kind, array in slot.arrays.items()
            if kind not in SCRATCH
        }
        return arrays, {"steps": self.steps}

    def restore(self, arrays: dict[tuple[str, str], Array], numbers: dict[str, float]) -> None:
        """Go on from what `memory` gave, to the last bit."""
        self.steps = int(numbers["steps"])
        self.slots = {}
        for (name, kind), array in arrays.items():
            self.slots.setdefault(name, Slot(array)).arrays[kind] = array.copy()

    def _advance(self) -> None:
        """Bring what changes with the step, and not with the array, up to `steps`."""
        return

    @abstractmethod
    def _update(self, value: Array, grad: Array, slot: Slot) -> None:
        """Move one array; `grad` is not to be written to."""

    def _wanted(self, value: Array, grad: Array, slot: Slot) -> Array:
        """The gradient with `maximize` and `weight_decay` worked in."""
        if self.decouples:
            value *= 1.0 - self.lr * self.weight_decay
            return np.negative(grad, out=slot.array("gradient")) if self.maximize else grad
        if not self.maximize and not self.weight_decay:
            return grad
        total = slot.array("gradient")
        np.multiply(value, self.weight_decay, out=total)
        return np.subtract(total, grad, out=total) if self.maximize else np.add(total, grad, out=total)

    def _pairs(self, p: Arrays, grads: Arrays) -> Iterator[tuple[str, Array, Array]]:
        flat, flat_grad = flat_buffer(p), flat_buffer(grads)
        if flat is None:
            for name, value in p.items():
                check_value(name, value)
                yield name, value, check_gradient(name, value, grads)
            return
        views = {name: value for name, value in p.items() if inside(value, flat)}
        check_value("flat", flat)
        if flat_grad is not None and flat_grad.shape == flat.shape:
            for name in grads:
                if name in views:
                    check_gradient(name, views[name], grads)
            yield _FLAT, flat, flat_grad
        else:
            yield _FLAT, flat, self._gathered(views, flat, grads)
        for name, value in p.items():
            if name not in views and name in grads:
                check_value(name, value)
                yield name, value, check_gradient(name, value, grads)

    def _gathered(self, views: Arrays, flat: Array, grads: Arrays) -> Array:
        """Separate gradients laid out as the buffer is, so that either form finds the same memory."""
        found = {name: check_gradient(name, value, grads) for name, value in views.items()}
        slot = self.slots.get(_FLAT)
        together = filled(flat, 0.0) if slot is None else slot.array("together")
        for name, value in views.items():
            same_view(value, flat, together)[...] = found[name]
        return together


def at_least_zero(name: str, value: float) -> float:
    """The number; ValueError unless it is finite and not negative."""
    if not (math.isfinite(value) and value >= 0.0):
        raise ValueError(f"{name} is {value}; it must be a number of at least 0")
    return float(value)


def share(name: str, value: float) -> float:
    """The number; ValueError unless 0 <= value < 1."""
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{name} is {value}; it must be at least 0 and below 1")
    return float(value)


def two_shares(name: str, values: tuple[float, float]) -> tuple[float, float]:
    """A pair of numbers; ValueError unless both are at least 0 and below 1."""
    if len(values) != 2:
        raise ValueError(f"{name} must be two numbers, not {len(values)}")
    return share(f"{name}[0]", values[0]), share(f"{name}[1]", values[1])


def running_mean(mean: Array, value: Array, keep: float, spare: Array) -> None:
    """mean = keep*mean + (1-keep)*value, in place."""
    np.multiply(value, 1.0 - keep, out=spare)
    mean *= keep
    mean += spare


def running_square(mean: Array, value: Array, keep: float, spare: Array) -> None:
    """mean = keep*mean + (1-keep)*value**2, in place."""
    np.multiply(value, value, out=spare)
    spare *= 1.0 - keep
    mean *= keep
    mean += spare
