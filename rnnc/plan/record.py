"""A plan as JSON: every polynomial whole, every number for the sizes given."""

from __future__ import annotations

import json
from typing import Any

from rnnc.plan.advice import advice, cheapest
from rnnc.plan.plan import REAL, Cost, Plan
from rnnc.plan.spell import polynomial
from rnnc.sizes import Size, show_shape


def record(plan: Plan) -> str:
    """One object on one line."""
    found: dict[str, Any] = {
        "network": plan.name,
        "sizes": dict(plan.sizes),
        "steps": {axis: plan.at[letter] for axis, letter in plan.letters.steps},
        "sequences": plan.at[plan.letters.batch],
        "letters": dict(plan.at),
        "parameters": _both(plan, plan.parameters),
        "rules": [_cost(plan, c) for c in plan.costs],
        "impossible": [{"rule": rule.name, "code": why.code, "why": why.message()} for rule, why in plan.refused],
        "cheapest": cheapest(plan).rule.name,
        "why": advice(plan),
    }
    if plan.pattern is not None:
        found["influences"] = [
            {"of": c.parameter, "on": c.state, "form": c.form, "kept": plan.value(c.kept), "there": plan.value(c.there)}
            for c in plan.pattern.cells
        ]
        found["states"] = {name: show_shape(shape) for name, shape in plan.pattern.states}
    return json.dumps(found, ensure_ascii=False) + "\n"


def _both(plan: Plan, size: Size) -> dict[str, Any]:
    return {"formula": polynomial(size, plan.at, len(size.terms)), "value": plan.value(size)}


def _cost(plan: Plan, c: Cost) -> dict[str, Any]:
    return {
        "rule": c.rule.name,
        "title": c.rule.title,
        "exact": c.rule.exact,
        "multiply_adds_a_step": None if c.step is None else _both(plan, c.step),
        "multiply_adds_a_call": _both(plan, c.call),
        "numbers_held": _both(plan, c.held),
        "bytes_held": plan.value(c.held) * REAL,
    }
