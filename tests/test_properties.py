"""Module, interpreter, unrolled graph and differences agree, on the library and on random networks."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from oracle.properties import PROPERTIES, Subject
from oracle.streaming import chunks_are_forward, step_is_forward
from random_specs import random_spec

SPECS = sorted((Path(__file__).parent.parent / "specs").glob("*.rnn"))
ALL: tuple[Callable[[Subject], None], ...] = (*PROPERTIES, step_is_forward, chunks_are_forward)


def check(text: str, seed: int) -> None:
    """All properties of one network; every one that fails is told."""
    subject = Subject(text, seed)
    failures = []
    for holds in ALL:
        try:
            holds(subject)
        except AssertionError as failure:
            failures.append(f"{holds.__name__}: {failure}")
        except Exception:
            failures.append(f"{holds.__name__}: {traceback.format_exc(limit=-4)}")
    if failures:
        pytest.fail("\n\n".join([*failures, text]), pytrace=False)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_library(path: Path) -> None:
    check(path.read_text(encoding="utf-8"), SPECS.index(path))


def test_random(random_seed: int) -> None:
    check(random_spec(random_seed).text, random_seed)


def test_the_generator_is_a_function_of_its_seed() -> None:
    assert [random_spec(seed) for seed in range(40)] == [random_spec(seed) for seed in range(40)]
