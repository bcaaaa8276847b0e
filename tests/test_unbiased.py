"""Rules that are right in the mean: over balanced signs to the last digit for every network of the library and random
ones, over drawn signs within the standard error."""

from __future__ import annotations

from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from balanced import Balanced, Paired
from estimated import CASES, PRODUCTS, Case, D, K
from oracle import data
from oracle.properties import Subject
from random_specs import random_spec

import rnnc
from rnnc.diagnostics import Reporter
from rnnc.learning.follow import follow
from rnnc.learning.forms import Estimate
from rnnc.learning.kf_rtrl import kf_rtrl
from rnnc.learning.uoro import uoro
from rnnc.system.forms import Signs

RULES = {"uoro": uoro, "kf_rtrl": kf_rtrl}
SPECS = sorted((Path(__file__).parent.parent / "specs").glob("*.rnn"))
STEPS = 3
MOST = 130


class Subjects:
    """One network with one rule, on one sequence as often as there are signs."""

    def __init__(self, text: str, rule: str, seed: int) -> None:
        self.rule = rule
        self.subject = Subject(text, seed, ("bptt", rule))
        system = self.subject.system
        self.axes = system.axes
        self.estimate: Estimate | None = follow(system, Reporter(), RULES[rule]) if system.loss is not None else None
        self.one = data.batch(system, seed, dict.fromkeys(system.axes, (STEPS + 1,)), 1)

    @property
    def entries(self) -> int:
        """How many signs one step takes."""
        assert self.estimate is not None
        system, sizes = self.estimate.system, self.subject.sizes
        shapes = {v.name: v.shape for v in system.values}
        signs = (e.out for e in system.equations if isinstance(e.op, Signs))
        return sum(prod(int(z.value(sizes)) for z in shapes[n]) for n in signs)

    def error(self, signs: Any) -> float:
        """How far the mean over all sequences is from the exact gradient."""
        count, module = signs.count, self.subject.module
        module.__dict__["signs"] = signs
        many = {n: np.repeat(a, count, axis=len(self.one.axes[n])) for n, a in self.one.arrays.items()}
        lengths = {axis: np.repeat(n, count) for axis, n in self.one.lengths.items()}
        _, exact = module.bptt(self.subject.parameters, **self.one.arrays, lengths=self.one.given(self.axes))
        run = getattr(module, self.rule)
        _, mean = run(self.subject.parameters, **many, lengths=lengths, seed=0)
        return max(float(np.abs(mean[n] - exact[n]).max() / max(1, np.abs(exact[n]).max())) for n in exact)

    def balanced(self) -> Balanced | Paired:
        return Balanced(self.entries, STEPS + 1) if self.rule == "uoro" else Paired(STEPS + 1)


@cache
def fits(path: Path, rule: str) -> bool:
    subjects = Subjects(path.read_text(encoding="utf-8"), rule, SPECS.index(path))
    return subjects.estimate is not None and (rule != "uoro" or subjects.entries <= MOST)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_mean_over_balanced_signs_is_the_gradient(path: Path, rule: str) -> None:
    if fits(path, rule):
        subjects = Subjects(path.read_text(encoding="utf-8"), rule, SPECS.index(path))
        assert subjects.error(subjects.balanced()) < 1e-11


def test_most_of_the_library_is_tested() -> None:
    assert [sum(fits(path, rule) for path in SPECS) for rule in RULES] == [33, 26]


@pytest.mark.parametrize(("rule", "seeds"), (("uoro", 16), ("kf_rtrl", 50)))
def test_random_networks(rule: str, seeds: int) -> None:
    tested = 0
    for seed in range(seeds):
        subjects = Subjects(random_spec(seed).text, rule, seed)
        if subjects.estimate is not None and (rule != "uoro" or 0 < subjects.entries <= MOST):
            assert subjects.error(subjects.balanced()) < 1e-11, seed
            tested += 1
    assert tested >= 2


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("sources", ("full(x)", "full(x) + full(g[n-1])"), ids=("input", "both"))
def test_a_gate_that_goes_into_a_net_input_of_its_own_sources(rule: str, sources: str) -> None:
    """`v` and `g` read the same, and what `g` reads is added to what `v` lets through."""
    text = f"""network gated(H = 2) {{
      axis n
      input  x[n] : H
      target t[n] : H
      unit   v[n] : H = sigmoid({sources})
      unit   g[n] : H = tanh({sources} + v * g[n-1])
      output y[n] : H = full(g)
      loss squared_error(y, t)
    }}"""
    subjects = Subjects(text, rule, 0)
    assert subjects.error(subjects.balanced()) < 1e-11


@pytest.mark.parametrize("rule", RULES)
def test_signs_drawn_once_for_all_steps_are_not_right_in_the_mean(rule: str) -> None:
    subjects = Subjects(CASES[0].spec, rule, 0)
    signs = subjects.balanced()
    signs.flips[...] = 1
    assert subjects.error(signs) > 1e-3


STATISTICAL = tuple(("uoro", c) for c in CASES if c.name in ("elman", "lstm", "gru", "stacked")) + tuple(
    ("kf_rtrl", c) for c in PRODUCTS
)


@pytest.mark.parametrize(("rule", "case"), STATISTICAL, ids=lambda v: v if isinstance(v, str) else v.name)
def test_the_mean_over_many_seeds_is_the_gradient(rule: str, case: Case) -> None:
    """Twenty batches of a thousand sequences that are one sequence: the mean within its standard error."""
    module = rnnc.compile_text(case.spec, learn=(rule,))
    rng = np.random.default_rng(1)
    x, t = rng.standard_normal((6, 1, D)), rng.standard_normal((6, 1, K))
    p = module.init(seed=2, dtype="float64")
    _, exact = module.bptt(p, x=x, t=t)
    x, t = np.repeat(x, 1000, axis=1), np.repeat(t, 1000, axis=1)
    drawn = np.stack([getattr(module, rule)(p, x=x, t=t, seed=seed)[1].flat.copy() for seed in range(20)])
    error = drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    off = (drawn.mean(axis=0) - exact.flat) / np.maximum(error, 1e-12)
    assert np.abs(off).max() < 5
    assert 0.3 < np.mean(off[error > 1e-9] ** 2) < 3
    assert error.max() < 0.05 * np.abs(exact.flat).max()
