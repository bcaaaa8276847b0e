"""Text drawn from a trained network, one character at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.network import Arrays, TextNetwork, UnfitNetwork
from rnnc.runtime.text import UNKNOWN, decode, encode

Floats = NDArray[np.float64]


def sample_text(
    network: TextNetwork,
    p: Arrays,
    vocabulary: tuple[str, ...],
    *,
    length: int,
    temperature: float = 1.0,
    seed: int = 0,
    prime: str = "\n",
) -> str:
    """`length` characters that follow `prime`, which is read first and not returned.

    Each is drawn from the output's probabilities to the power 1/temperature; temperature 0 takes the
    most probable. The unknown character is never drawn. Equal seeds give equal text. ValueError for a
    negative temperature or an empty prime, UnfitNetwork where no output is a distribution over the
    vocabulary.
    """
    if not (np.isfinite(temperature) and temperature >= 0.0):
        raise ValueError(f"temperature is {temperature}; it must be a number of at least 0")
    if not prime:
        raise ValueError("prime is empty; the network needs a character to begin with")
    draw = np.random.default_rng(seed)
    state = network.module.start(p, batch=1)
    out: Mapping[str, NDArray[Any]] = {}
    for number in encode(prime, vocabulary):
        out, state = network.module.step(p, state, **{network.input: np.array([number])})
    drawn = np.zeros(length, dtype=np.int64)
    for place in range(length):
        drawn[place] = _draw(distribution(out, len(vocabulary)), temperature, draw)
        out, state = network.module.step(p, state, **{network.input: drawn[place : place + 1]})
    return decode(drawn, vocabulary)


def distribution(out: Mapping[str, NDArray[Any]], size: int) -> Floats:
    """The one output of a step that is a distribution over `size` characters, float64, (size,)."""
    found = [np.asarray(value, dtype=np.float64).ravel() for value in out.values() if np.shape(value) == (1, size)]
    found = [value for value in found if value.min() >= 0.0 and abs(value.sum() - 1.0) < 1e-3]
    if len(found) != 1:
        raise UnfitNetwork(
            f"sampling needs one output that is a softmax over the {size} characters; there are {len(found)}"
        )
    return found[0]


def _draw(probabilities: Floats, temperature: float, draw: np.random.Generator) -> int:
    with np.errstate(divide="ignore"):
        scores = np.log(probabilities)
    scores[UNKNOWN] = -np.inf
    if temperature == 0.0:
        return int(scores.argmax())
    weights = np.exp((scores - scores.max()) / temperature)
    # The inverse of the distribution function at one uniform number: one draw a character.
    edges = np.cumsum(weights)
    return int(min(np.searchsorted(edges, draw.random() * edges[-1], side="right"), len(edges) - 1))
