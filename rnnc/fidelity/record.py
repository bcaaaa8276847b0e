"""The report as JSON: every figure whole, null where there is none or it is infinite."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from rnnc.fidelity.report import ALL, Figures, Report, Row


def record(report: Report) -> str:
    """One object on one line."""
    found: dict[str, Any] = {
        "network": report.network,
        "sizes": dict(report.sizes),
        "sequences": report.sequences,
        "steps": list(report.steps),
        "data": report.read,
        "weights": report.weights,
        "loss": report.loss,
        "windows": [list(pair) for pair in pairwise(report.edges[1:])],
        "sequences_in_windows": report.inside,
        "parameters": {
            name: {"shape": list(shape), "norm_of_the_exact_gradient": norm} for name, shape, norm in report.parameters
        },
        "rules": [_row(row) for row in report.rows],
        "left_out": [{"rule": rule, "code": code, "why": why} for rule, code, why in report.left_out],
    }
    if not report.edges:
        found["no_windows"] = report.without
    return json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n"


def _row(row: Row) -> dict[str, Any]:
    found = {
        "rule": row.rule,
        "title": row.title,
        "exact": row.exact,
        "drops": row.drops,
        "draws": row.draws,
        "whole": _span(row.whole),
    }
    if row.windows is None:
        return {**found, "windows": None, "no_windows": row.without}
    return {**found, "windows": _span(row.windows)}


def _span(figures: Mapping[str, Figures]) -> dict[str, Any]:
    by_name = {name: _figures(one) for name, one in figures.items() if name != ALL}
    return {"all": _figures(figures[ALL]), "by_parameter": by_name}


def _figures(one: Figures) -> dict[str, float | None]:
    found: dict[str, float | None] = {
        "error": _number(one.error),
        "cosine": one.cosine if one.cosine is None else _number(one.cosine),
    }
    if one.mean_error is not None and one.standard_error is not None:
        found |= {
            "error_of_the_mean": _number(one.mean_error),
            "standard_error_of_the_mean": _number(one.standard_error),
        }
    return found


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
