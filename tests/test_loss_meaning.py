"""Losses of modules are what docs/language.md says: loops over positions that know nothing of how rnnc lowers a loss.

`test_properties` holds the library's specs, random and composed ones to the same oracle, as one property among others.
"""

from __future__ import annotations

import pytest
from oracle.check import check
from oracle.loss_check import loss_is_its_meaning, loss_without_a_target, meanings
from oracle.loss_text import NotCovered
from oracle.properties import Subject
from random_specs import composed_spec, loss_spec

SILENT = 0.15
"""Of composed specs: the share of which the oracle may know nothing, since a loss reads the start of a recurrence."""


def test_losses(loss_seed: int) -> None:
    """Losses in losses, of which the oracle knows all; now and then with dropout, which `forward` leaves out."""
    subject = Subject(loss_spec(loss_seed).text, loss_seed, ("bptt",))
    loss_is_its_meaning(subject)
    if "dropout" not in subject.text:
        loss_without_a_target(subject)


@pytest.mark.parametrize("seed", range(3))
def test_every_property_holds(seed: int) -> None:
    check(loss_spec(seed, drops=False).text, seed, known=True)


def test_few_composed_losses_are_left_out() -> None:
    silent = 0
    for seed in range(200, 220):
        subject = Subject(composed_spec(seed).text, seed, ("bptt",))
        try:
            meanings(subject, subject.short)
        except NotCovered:
            silent += 1
    assert silent <= SILENT * 20


def test_the_generator_is_a_function_of_its_seed() -> None:
    assert [loss_spec(seed) for seed in range(40)] == [loss_spec(seed) for seed in range(40)]
