"""Which rule to take, in one sentence."""

from __future__ import annotations

from rnnc.plan.plan import REAL, Cost, Plan
from rnnc.plan.spell import short, times


def cheapest(plan: Plan) -> Cost:
    """The exact rule with the fewest multiply-adds; among equals the one that holds less."""
    exact = [c for c in plan.costs if c.rule.exact]
    return min(exact, key=lambda c: (plan.value(c.call), plan.value(c.held)))


def advice(plan: Plan) -> str:
    """The cheapest exact rule, and why."""
    best = cheapest(plan)
    others = [c for c in plan.costs if c.rule.exact and c is not best]
    name = f"cheapest exact rule: {best.rule.name}"
    if not others:
        return f"{name}, the only one that this network allows"
    second = min(others, key=lambda c: plan.value(c.call))
    ratio = plan.value(second.call) / max(1, plan.value(best.call))
    work = f"{name}; {second.rule.name} takes {times(ratio)} as many multiply-adds"
    if ratio < 1.05:
        work = f"{name}; {second.rule.name} takes as many multiply-adds"
    mine, theirs = (plan.value(c.held) * REAL for c in (best, second))
    if theirs > mine:
        return f"{work} and holds {short(theirs, 'B')} instead of {short(mine, 'B')}"
    return f"{work}, but holds {short(theirs, 'B')} instead of {short(mine, 'B')}"
