"""Cross entropy with a distribution or a token."""

from __future__ import annotations

from rnnc.losses.terms import Logarithms, apply, choose, number, total
from rnnc.model.forms import Apply, Expr, Type


def cross_entropy(loss: Apply, logarithms: Logarithms) -> Expr:
    """-sum_k t_k log p_k with 0 log 0 = 0; for a token t, -log p_t."""
    p, t = loss.args
    logs = logarithms.log(p)
    if t.type.kind == "token":
        axes = apply("+", p, t).type.axes
        picked = Apply("row", (p if logs is None else logs, t), Type(axes, ()), loss.span)
        if logs is not None:
            return apply("neg", picked)
        return apply("neg", apply("log", choose(apply("present", t), picked, 1.0)))
    live = choose(apply("present", t), apply("!=", t, number(0.0, t)), 0.0)
    if logs is None:
        logs = apply("log", choose(live, p, 1.0))
    return apply("neg", total(choose(live, apply("*", t, logs), 0.0)))
