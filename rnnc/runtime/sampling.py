"""Text that a trained network makes, by the `generate` of its module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnc.runtime.data.read_words import join_tokens, split_tokens
from rnnc.runtime.network import Arrays, UnfitNetwork
from rnnc.runtime.text import UNKNOWN


def writes_text(module: Any) -> str | None:
    """The input that a module feeds back as one token a step, which makes text of it; None where it does not."""
    feedback = getattr(module, "FEEDBACK", {})
    if len(feedback) == 1 and len(module.INPUTS) == 1:
        [(name, (kind, _))] = feedback.items()
        return str(name) if kind == "token" else None
    return None


def beginning(vocabulary: Sequence[str]) -> str:
    """What a text begins with that is not told: a line end, or else the first token that the network has learnt."""
    learnt = [token for number, token in enumerate(vocabulary) if number != UNKNOWN]
    if not learnt:
        raise ValueError("the vocabulary is empty: no token of the text came twice")
    return "\n" if "\n" in learnt else learnt[0]


def sample_text(
    module: Any,
    p: Arrays,
    vocabulary: Sequence[str],
    *,
    length: int,
    temperature: float = 1.0,
    seed: int = 0,
    prime: str | None = None,
    unit: str = "characters",
) -> str:
    """`length` characters (or words) that follow `prime` (None: `beginning`), which is read first and not returned.

    Drawn as `generate` does; what stands for unknown ones is never drawn. ValueError for a temperature that is
    negative, an empty prime, or one of characters that are not in the vocabulary; UnfitNetwork where the module does
    not feed one token back.
    """
    name = writes_text(module)
    if name is None:
        raise UnfitNetwork(
            "making text needs a network of one input, a token, that it feeds back: `feedback w[n+1] = sample(p[n])`"
        )
    if prime is None:
        prime = beginning(vocabulary)
    if not prime:
        raise ValueError("prime is empty; the network needs something to begin with")
    numbers = {token: number for number, token in enumerate(vocabulary)}
    tokens = split_tokens(prime, unit)
    strange = next((t for t in tokens if numbers.get(t, UNKNOWN) == UNKNOWN), None)
    if strange is not None:
        raise ValueError(f"the prime holds {strange!r}, which the network has not learnt")
    if not length:
        return ""
    given = {"prefix": np.array([numbers[t] for t in tokens]), "seed": seed, "temperature": temperature}
    # A network may have more tokens than its text had.
    _, size = module.data_shapes(**p.sizes)[name]  # type: ignore[attr-defined]
    without = (UNKNOWN, *range(len(vocabulary), size))
    drawn = module.generate(p, length, without=without, **given)[name]
    return join_tokens([vocabulary[int(number)] for number in drawn], unit)
