"""A case of `estimated` with parameters, data and signs drawn, by the dense oracles and by a system interpreted."""

from __future__ import annotations

from typing import Any

import numpy as np
from estimated import Case, D, H, K
from oracle import influence_estimates

from rnnc.compiler import build_text
from rnnc.system.forms import System
from rnnc.system.interpret import interpret

Array = Any
SIZES = {"D": D, "H": H, "K": K}
STEPS = 7


class Drawn:
    """One case with data, in which some targets are missing, all of one step among them."""

    def __init__(self, case: Case, steps: int = STEPS) -> None:
        rng = np.random.default_rng(7)
        self.case = case
        self.system: System = build_text(case.spec)
        shapes = {v.name: v.shape for v in self.system.values if v.role == "parameter"}
        self.parameters = {
            name: 0.6 * rng.standard_normal(tuple(int(z.value(SIZES)) for z in shape)) for name, shape in shapes.items()
        }
        self.x, self.t = rng.standard_normal((steps, D)), rng.standard_normal((steps, K))
        self.t[2, 0] = self.t[steps - 3] = np.nan
        self.signs = rng.choice([-1.0, 1.0], (steps, len(case.entries), H))
        self.signs[:, [e is None for e in case.entries]] = 0
        self.first = rng.choice([-1.0, 1.0], H if case.learned else 0)
        self.pairs = rng.choice([-1.0, 1.0], (steps, len(case.products), 2))

    def flat(self) -> Array:
        return np.concatenate([a.ravel() for a in self.parameters.values()])

    def named(self, flat: Array) -> dict[str, Array]:
        ends = np.cumsum([a.size for a in self.parameters.values()])[:-1]
        parts = np.split(flat, ends)
        return {n: a.reshape(b.shape) for (n, b), a in zip(self.parameters.items(), parts, strict=True)}

    def step(self, s: Array, theta: Array, x: Array, t: Array) -> tuple[Array, Array]:
        return self.case.step(self.named(theta), s, x, t)

    def uoro(self) -> tuple[list[Array], list[tuple[Array, Array]]]:
        """The paper's, by steps."""
        case = self.case
        spread = np.tile(np.eye(H), (len(case.entries), 1))[:, : len(self.first)]
        return influence_estimates.uoro(
            self.step,
            (lambda theta: self.named(theta)[case.learned] if case.learned else np.zeros(0), spread),
            self.flat(),
            self.x,
            self.t,
            self.signs.reshape(len(self.x), -1),
            self.first,
        )

    def kf_rtrl(self) -> list[Array]:
        """The paper's, by steps."""
        places = self.named(np.arange(len(self.flat())))
        products = []
        for product in self.case.products:
            rows = [[places[n].reshape(len(places[n]), -1) for n in row] for row in product.blocks]
            whole = np.block(rows)
            vector = product.vector
            products.append((whole, whole.shape[1] - 1, lambda s, p, x, v=vector: v(self.named(p), s, x)))
        start = np.zeros(len(self.case.entries) * H)
        return influence_estimates.kf_rtrl(self.step, start, self.flat(), self.x, self.t, products, self.pairs)

    def given(self) -> dict[str, Array]:
        """Signs by the names of a system's values."""
        found = {f"signs({name})": self.signs[:, k] for k, name in enumerate(self.case.entries) if name is not None}
        if self.case.learned:
            found[f"signs({self.case.learned})"] = self.first
        for q, product in enumerate(self.case.products):
            found |= {f"signs({name})": self.pairs[:, q] for row in product.blocks for name in row}
        return found

    def by_steps(self, system: System) -> list[dict[str, Array]]:
        """The gradient of every step by the system, interpreted."""
        found: list[dict[str, Array]] = []
        before: dict[str, Array] = dict.fromkeys(self.parameters, 0.0)
        for n in range(1, len(self.x) + 1):
            given = {**self.given(), "x": self.x, "t": self.t}
            given = {k: a[:n] if len(a) == len(self.x) else a for k, a in given.items()}
            evaluation = interpret(system, SIZES, {"n": n}, {**self.parameters, **given})
            whole = {name: evaluation.read(gradient) for name, gradient in system.gradients}
            found.append({name: whole[name] - before[name] for name in whole})
            before = whole
        return found
