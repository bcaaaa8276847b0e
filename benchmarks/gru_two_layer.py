"""How far each learning rule's gradient is from the exact one, by parameter: a gated network, and two stacked layers.

    python benchmarks/gru_two_layer.py [--steps 50] [--sequences 4] [--draws 20] [--seed 0]

A GRU with 3 inputs and 6 units (Cho et al. 2014) and a linear read-out, whose reset gate acts before the product, so
that its gradient goes through a matrix and a product of states; and two layers of tanh units one above the other, of
which the lower reaches the loss through the upper alone. Every rule that the network allows, on whole sequences of
random data, in float64. Of rules that draw at random the error is that of one draw (root of the mean square), with
that of the mean of all draws below it. The exact rules must agree with back-propagation to 1e-10.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

SPECS = {
    "GRU 3-6": """use "gru"
network gated(D = 3, H = 6, K = 2) {
  axis n
  input  x[n] : D
  target t[n] : K
  unit   h[n] = gru(x, H)
  output y[n] : K = full(h[n]) + bias
  loss squared_error(y, t)
}
""",
    "two tanh layers": """network stacked(D = 3, H = 6, G = 6, K = 2) {
  axis n
  input  x[n] : D
  target t[n] : K
  unit   h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
  unit   g[n] : G = tanh(full(h[n]) + full(g[n-1]) + bias)
  output y[n] : K = full(g[n]) + bias
  loss squared_error(y, t)
}
""",
}
SAME = 1e-10


def main(
    *, steps: int = 50, sequences: int = 4, draws: int = 20, seed: int = 0
) -> dict[str, dict[str, dict[str, float]]]:
    """Prints a table a network; returns the errors by network, rule and parameter. Raises where an exact rule fails."""
    from rnnc.compiler import emit, load_module, understand
    from rnnc.frontend.read import read_text
    from rnnc.learning.rules import rule
    from rnnc.plan.plan import plan
    from rnnc.runtime.fidelity.measure import ALL, measure
    from rnnc.runtime.fidelity.reading import random_sequences

    found: dict[str, dict[str, dict[str, float]]] = {}
    for title, text in SPECS.items():
        understood = understand(read_text(text))
        costs = plan(understood, {"n": steps}, sequences).costs
        names = [cost.rule.name for cost in costs if not cost.rule.form_of]
        module = load_module(emit(understood, learn=names), understood.model.name)
        data = random_sequences(module, module.SIZES, {"n": steps}, (), sequences, seed)
        p = module.init(seed=seed, dtype="float64")
        made = measure(module, p, data, names, count=0, draws=draws, seed=seed)
        found[title] = {one.rule: {n: f.error for n, f in one.whole.items() if n != ALL} for one in made.rules}
        print(f"{title}: relative error of the gradient, {sequences} sequences of {steps} steps")
        print("\n".join(_table(found[title], {one.rule: one.whole[ALL].mean_error for one in made.rules}, draws)))
        worst = max(max(found[title][name].values()) for name in names if rule(name).exact)
        assert worst < SAME, f"{title}: an exact rule is off by {worst:.1e}"
        print(f"the exact rules are off by {worst:.0e} at most\n")
    return found


def _table(errors: dict[str, dict[str, float]], means: dict[str, float | None], draws: int) -> Iterator[str]:
    names = list(next(iter(errors.values())))
    left = max(len(rule) for rule in errors) + 2
    yield " " * left + "".join(f"{name:>10}" for name in names)
    for rule, by_name in errors.items():
        yield f"{rule:<{left}}" + "".join(f"{_short(by_name[name]):>10}" for name in names)
        if means[rule] is not None:
            yield f"{'':<{left}}{f'all parameters, mean of {draws} draws: {means[rule]:.3f}':>10}"


def _short(error: float) -> str:
    return "0" if error == 0.0 else f"{error:.0e}" if error < 1e-6 else f"{error:.3f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--sequences", type=int, default=4)
    parser.add_argument("--draws", type=int, default=20, help="of the rules that draw at random")
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
