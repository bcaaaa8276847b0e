"""The figures of `rnnc plan` for every specification of the library, against counts and measurements of the modules."""

from __future__ import annotations

from pathlib import Path

import pytest
from library import SPECS, small

from rnnc.plan.plan import REAL

every = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


PYTHON = 48_000
"""The bytes of Python's own that the pieces of a sequence take, more than a twentieth of a small network's."""


@every
def test_figures_are_those_of_a_run(path: Path) -> None:
    """Multiply-adds within 2 %, bytes within 5 %, of back-propagation, with checkpoints, of `rtrl` and of `hybrid`."""
    one = small(path)
    found, given = one.planned, one.given()
    assert found.costs[0].rule.name == "bptt"
    for cost in found.costs:
        assert found.value(cost.call) == pytest.approx(one.counted(cost.rule, given), rel=0.02), cost.rule.name
        aside = PYTHON if cost.rule.form_of else 0
        held = found.value(cost.held) * REAL
        assert held == pytest.approx(one.held(cost.rule, given), rel=0.05, abs=aside), cost.rule.name


def test_the_library_is_all_there() -> None:
    assert len(SPECS) == 44
