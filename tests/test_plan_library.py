"""The figures of `rnnc plan` for every specification of the library, against counts and measurements of the modules."""

from __future__ import annotations

from pathlib import Path

import pytest
from library import SPECS, small

every = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


@every
def test_multiply_adds_are_those_that_are_made(path: Path) -> None:
    one = small(path)
    found, given = one.planned, one.given()
    assert found.costs[0].rule.name == "bptt"
    for cost in found.costs:
        assert found.value(cost.call) == pytest.approx(one.counted(cost.rule, given), rel=0.02), cost.rule.name


def test_the_library_is_all_there() -> None:
    assert len(SPECS) == 44
