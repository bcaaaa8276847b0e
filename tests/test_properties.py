"""Module, interpreter, unrolled graph and differences agree, on the library and on random networks."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle.check import check
from random_specs import composed_spec, random_spec

SPECS = sorted((Path(__file__).parent.parent / "specs").glob("*.rnn"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_library(path: Path) -> None:
    check(path.read_text(encoding="utf-8"), SPECS.index(path), known=True)


def test_random(random_seed: int) -> None:
    check(random_spec(random_seed).text, random_seed, known=True)


def test_composed(composed_seed: int) -> None:
    check(composed_spec(composed_seed).text, composed_seed)


def test_the_generator_is_a_function_of_its_seed() -> None:
    assert [random_spec(seed) for seed in range(40)] == [random_spec(seed) for seed in range(40)]
    assert [composed_spec(seed) for seed in range(40)] == [composed_spec(seed) for seed in range(40)]
