"""All properties of one network."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

from oracle.blockwise import BLOCKWISE
from oracle.forward_in_time import ONLINE
from oracle.in_pieces import in_pieces_is_whole
from oracle.loss_check import loss_is_its_meaning
from oracle.loss_text import NotCovered
from oracle.properties import PROPERTIES, Subject
from oracle.streaming import chunks_are_forward, chunks_have_gradients, step_is_forward

ALL: tuple[Callable[[Subject], None], ...] = (
    *PROPERTIES,
    loss_is_its_meaning,
    step_is_forward,
    chunks_are_forward,
    chunks_have_gradients,
    *ONLINE,
    *BLOCKWISE,
    in_pieces_is_whole,
)


def check(text: str, seed: int, known: bool = False) -> None:
    """All properties of one network; every one that fails is told. `known`: whether the oracle of losses has to know
    what its loss means."""
    subject = Subject(text, seed)
    failures = []
    for holds in ALL:
        try:
            holds(subject)
        except NotCovered as reason:
            if known:
                failures.append(f"{holds.__name__}: {reason}")
        except AssertionError as failure:
            failures.append(f"{holds.__name__}: {failure}")
        except Exception:
            failures.append(f"{holds.__name__}: {traceback.format_exc(limit=-4)}")
    if failures:
        pytest.fail("\n\n".join([*failures, text]), pytrace=False)
