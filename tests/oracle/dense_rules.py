"""Learning rules with whole matrices, written from their papers: NumPy, derivatives by complex steps, nothing of rnnc.

A network is a function of one step, `step(leak, own, others, p, x)`: the states before it three times over, as a unit's
leak reads them, as the rest of the unit itself does, and as other units do through weights. `units` says of every entry
of the state to which unit it belongs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Parameters = Mapping[str, Any]
TINY = 1e-30


def sigmoid(a: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-a))


EVERY = -2
"""The owner of a parameter that all units read."""


@dataclass(frozen=True)
class Network:
    """`step` gives the state, (S,); `loss(state, before, p, t)` a number. `back`: how many steps back are read; these
    states stand in `before` one behind the other, the latest first. `units`: (S,). `owned` says which unit
    reads an entry of a parameter itself, -1 for none."""

    step: Callable[[Array, Array, Array, Parameters, Array], Any]
    loss: Callable[[Array, Array, Parameters, Array], Any]
    start: Callable[[Parameters], Array]
    units: Array
    owned: Mapping[str, Array]
    back: int = 1


class Flat:
    """Parameters as one vector."""

    def __init__(self, p: Parameters) -> None:
        self.shapes = {name: np.shape(a) for name, a in p.items()}
        self.vector = np.concatenate([np.ravel(a) for a in p.values()])

    def named(self, vector: Array) -> dict[str, Array]:
        found, at = {}, 0
        for name, shape in self.shapes.items():
            count = int(np.prod(shape))
            found[name] = vector[at : at + count].reshape(shape)
            at += count
        return found


def by(function: Callable[[Array], Any], at: Array) -> Array:
    """The derivative of a number or a vector by the vector `at`, to rounding (Squire and Trapp 1998)."""
    columns: list[Any] = []
    for k in range(at.size):
        moved = at.astype(complex)
        moved[k] += 1j * TINY
        columns.append(np.imag(function(moved)) / TINY)
    found: Array = np.stack(columns, axis=-1)
    return found


@dataclass(frozen=True)
class Moment:
    """One step at work: the states before it, and its data."""

    net: Network
    flat: Flat
    before: Array
    x: Array
    t: Array

    def state(self, leak: Array, own: Array, others: Array, theta: Array) -> Any:
        return self.net.step(leak, own, others, self.flat.named(theta), self.x)

    def now(self) -> Any:
        return self.state(self.before, self.before, self.before, self.flat.vector)

    def loss(self, state: Array, before: Array, theta: Array) -> Any:
        return self.net.loss(state, before, self.flat.named(theta), self.t)

    def whole(self) -> tuple[Array, Array]:
        """D and I: the derivatives of the state by those before and by the parameters."""
        theta, old = self.flat.vector, self.before
        return by(lambda s: self.state(s, s, s, theta), old), by(lambda q: self.state(old, old, old, q), theta)

    def signals(self) -> tuple[Array, Array, Array]:
        """The derivatives of the loss by the state, by those before and by the parameters as the read-out has them."""
        theta, old, new = self.flat.vector, self.before, self.now()
        return (
            by(lambda s: self.loss(s, old, theta), new),
            by(lambda s: self.loss(new, s, theta), old),
            by(lambda q: self.loss(new, old, q), theta),
        )

    def inside(self, leak: bool) -> tuple[Array, Array, Array, Array]:
        """Derivatives of the state by what goes on in units (by the leak alone) and by the parameters; of the loss."""
        theta, old = self.flat.vector, self.before

        def on(s: Array, q: Array) -> Any:
            return self.state(s, old if leak else s, old, q)

        return (
            by(lambda s: on(s, theta), old),
            by(lambda q: on(old, q), theta),
            by(lambda s: self.loss(on(s, theta), s, theta), old),
            by(lambda q: self.loss(on(old, q), old, q), theta),
        )


def moments(net: Network, p: Parameters, x: Array, t: Array) -> list[Moment]:
    """All steps of one sequence: x (T, D), t (T, K)."""
    flat = Flat(p)
    before = net.start(p)
    found = []
    for n in range(len(x)):
        found.append(Moment(net, flat, before, x[n], t[n]))
        before = np.concatenate([found[-1].now(), before])[: len(before)]
    return found


def snap(net: Network, p: Parameters, x: Array, t: Array, steps: int) -> dict[str, Array]:
    """SnAp-n (Menick et al. 2021): J[n] = P (D J[n-1] + I), P the pattern of the first n steps."""
    run = moments(net, p, x, t)
    flat = run[0].flat
    theta = flat.vector
    derivatives = [m.whole() for m in run]
    influence = by(lambda q: net.start(flat.named(q)), theta)
    reads = np.any([i != 0 for _, i in derivatives], axis=0) | (influence[: len(net.units)] != 0)
    links = np.any([d != 0 for d, _ in derivatives], axis=0).astype(int)
    pattern = [reads]
    for _ in range(steps - 1):
        early = [pattern[-k] if k <= len(pattern) else np.zeros_like(reads) for k in range(1, net.back + 1)]
        pattern.append(reads | (links @ np.concatenate(early).astype(int) > 0))
    total = np.zeros(theta.size)
    for m, (d, i) in zip(run, derivatives, strict=True):
        new = pattern[-1] * (d @ influence + i)
        by_state, by_before, by_parameters = m.signals()
        total += by_state @ new + by_before @ influence + by_parameters
        influence = np.concatenate([new, influence])[: len(influence)]
    return flat.named(total)


def _owned(net: Network, flat: Flat, units: Array) -> Array:
    """Of which parameters (columns) the units of the rows are owners."""
    owners = np.concatenate([np.ravel(np.broadcast_to(net.owned[n], s)) for n, s in flat.shapes.items()])
    found: Array = (units[:, None] == owners[None, :]) | (owners == EVERY)[None, :]
    return found


def traces(net: Network, p: Parameters, x: Array, t: Array, leak: bool) -> dict[str, Array]:
    """Eligibility traces (Bellec et al. 2020; by the leak alone Murray 2019): the gradient of each step with earlier
    states given, and what goes on in each unit by itself."""
    run = moments(net, p, x, t)
    flat = run[0].flat
    theta = flat.vector
    before = np.tile(net.units, net.back)
    mine, mine_before = (_owned(net, flat, units) for units in (net.units, before))
    same = net.units[:, None] == before[None, :]
    influence = by(lambda q: net.start(flat.named(q)), theta) * mine_before
    total = np.zeros(theta.size)
    for m in run:
        own, direct, signal, now = m.inside(leak)
        total += signal @ influence + now
        new = (own * same) @ influence + direct * mine
        influence = np.concatenate([new, influence])[: len(influence)]
    return flat.named(total)
