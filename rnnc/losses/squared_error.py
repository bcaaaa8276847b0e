"""Half the squared distance."""

from __future__ import annotations

from rnnc.losses.terms import Logarithms, apply, choose, number, total
from rnnc.model.forms import Apply, Expr


def squared_error(loss: Apply, logarithms: Logarithms) -> Expr:
    """1/2 sum_k (t_k - y_k)^2 over the entries of t that are present."""
    y, t = loss.args
    error = choose(apply("present", t), apply("-", t, y), 0.0)
    return apply("*", number(0.5, t), total(apply("square", error)))
