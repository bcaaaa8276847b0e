"""Cross entropy of independent yes-or-no units."""

from __future__ import annotations

from rnnc.losses.terms import Logarithms, apply, choose, number, total
from rnnc.model.forms import Apply, Expr


def binary_cross_entropy(loss: Apply, logarithms: Logarithms) -> Expr:
    """-sum_k t_k log p_k + (1 - t_k) log(1 - p_k), with 0 log 0 = 0."""
    p, t = loss.args
    one = number(1.0, t)
    present = apply("present", t)
    yes = choose(present, apply("!=", t, number(0.0, t)), 0.0)
    no = choose(present, apply("!=", t, one), 0.0)
    log_yes, log_no = logarithms.log(p), logarithms.log_complement(p)
    if log_yes is None:
        log_yes = apply("log", choose(yes, p, 1.0))
    if log_no is None:
        log_no = apply("log", apply("-", one, choose(no, p, 0.0)))
    first = choose(yes, apply("*", t, log_yes), 0.0)
    second = choose(no, apply("*", apply("-", one, t), log_no), 0.0)
    return apply("neg", total(apply("+", first, second)))
