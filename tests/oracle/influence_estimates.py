"""Random estimates of the influence of all parameters on all states, dense, as the papers write them.

A network is one function of (state vector, parameter vector, input, target) to (next state vector, loss); its
derivatives are complex steps (Squire and Trapp 1998), so that nothing here is shared with the compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any
Step = Callable[[Array, Array, Array, Array], tuple[Array, Array]]
"""(state, parameters, input, target) to (next state, loss)."""
EPSILON = 1e-7
TINY = 1e-30


def derivatives(f: Callable[[Array], Array], at: Array) -> Array:
    """d f / d at, rows by the entries of f (a number: one row)."""
    columns = []
    for k in range(len(at)):
        moved = np.asarray(at, complex)
        moved[k] += 1j * TINY
        columns.append(np.atleast_1d(np.imag(f(moved)) / TINY))
    return np.stack(columns, axis=1)


def norm(a: Array) -> float:
    return float(np.sqrt(np.sum(np.square(a))))


def uoro(
    step: Step,
    start: tuple[Callable[[Array], Array], Array],
    theta: Array,
    inputs: Array,
    targets: Array,
    signs: Array,
    first: Array,
) -> tuple[list[Array], list[tuple[Array, Array]]]:
    """Tallec and Ollivier (2017), algorithm 1: the gradient of every step, and (s~, theta~) after every step. `signs`
    are zero where a state does not read parameters. `start` makes the starts of parameters, and spreads them over the
    first state by a matrix: a step of its own, whose signs are `first`."""
    made, spread = start
    s = spread @ made(theta)
    column, row = np.zeros(len(s)), np.zeros(len(theta))
    if len(first):
        pulled = first @ derivatives(made, theta)
        rho1 = np.sqrt(norm(pulled) / (norm(first) + EPSILON)) + EPSILON
        column, row = rho1 * spread @ first, pulled / rho1
    gradients, carried = [], []
    for x, t, nu in zip(inputs, targets, signs, strict=True):
        by_state = derivatives(lambda a, x=x, t=t: step(a, theta, x, t)[1], s)[0]  # type: ignore[misc]
        by_theta = derivatives(lambda a, x=x, t=t, s=s: step(s, a, x, t)[1], theta)[0]  # type: ignore[misc]
        gradients.append(by_state @ column * row + by_theta)
        column = derivatives(lambda a, x=x, t=t: step(a, theta, x, t)[0], s) @ column  # type: ignore[misc]
        pulled = nu @ derivatives(lambda a, x=x, t=t, s=s: step(s, a, x, t)[0], theta)  # type: ignore[misc]
        rho0 = np.sqrt(norm(row) / (norm(column) + EPSILON)) + EPSILON
        rho1 = np.sqrt(norm(pulled) / (norm(nu) + EPSILON)) + EPSILON
        column, row = rho0 * column + rho1 * nu, row / rho0 + pulled / rho1
        carried.append((column, row))
        s = step(s, theta, x, t)[0]
    return gradients, carried


Product = tuple[Array, int, Callable[[Array, Array, Array], Array]]
"""The places in the parameter vector of a matrix W, which of its columns is multiplied with 1, and what makes of
(state, parameters, input) the vector it is multiplied with."""


def kf_rtrl(
    step: Step, start: Array, theta: Array, inputs: Array, targets: Array, products: Sequence[Product], signs: Array
) -> list[Array]:
    """Mujika, Meier and Steger (2018), algorithm 1, for every product by itself: the gradient of every step. `signs`
    are (steps, products, 2): c1 and c2."""
    s = start
    factors = [(np.zeros((len(s), len(places))), np.zeros(places.shape[1])) for places, _, _ in products]
    gradients = []
    for n, (x, t) in enumerate(zip(inputs, targets, strict=True)):
        by_state = derivatives(lambda a, x=x, t=t: step(a, theta, x, t)[1], s)[0]  # type: ignore[misc]
        gradient = derivatives(lambda a, x=x, t=t, s=s: step(s, a, x, t)[1], theta)[0]  # type: ignore[misc]
        moved = derivatives(lambda a, x=x, t=t: step(a, theta, x, t)[0], s)  # type: ignore[misc]
        immediate = derivatives(lambda a, x=x, t=t, s=s: step(s, a, x, t)[0], theta)  # type: ignore[misc]
        for q, (places, ones, vector) in enumerate(products):
            matrix, row = factors[q]
            gradient[places] += np.outer(by_state @ matrix, row)
            c1, c2 = signs[n, q]
            carried, new, v = moved @ matrix, immediate[:, places[:, ones]], vector(s, theta, x)
            p1 = np.sqrt(norm(carried) / (norm(row) + EPSILON)) + EPSILON
            p2 = np.sqrt(norm(new) / (norm(v) + EPSILON)) + EPSILON
            factors[q] = c1 / p1 * carried + c2 / p2 * new, c1 * p1 * row + c2 * p2 * v
        gradients.append(gradient)
        s = step(s, theta, x, t)[0]
    return gradients
