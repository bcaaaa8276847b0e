"""Random valid specs from a seed: layers of recurrent and plain units over one or two axes, and the language's corners.

Every kind of reference, connection, start, reduction and loss of the language comes up. What is drawn stays
bounded (the outermost function nearly always is), so that derivatives are well scaled.
"""

from __future__ import annotations

from dataclasses import dataclass

from random_specs.composed import Composed
from random_specs.corners import Corners
from random_specs.losses import Lossy


@dataclass(frozen=True)
class Spec:
    """A random network as text."""

    seed: int
    text: str


def random_spec(seed: int) -> Spec:
    """The random network of a seed: the same text for the same seed, always."""
    network = Corners(seed)
    return Spec(seed, network.corner() if seed % 3 == 2 else network.network())


def composed_spec(seed: int) -> Spec:
    """Another, of expressions inside expressions, with seeds of its own."""
    return Spec(seed, Composed(seed).composed())


def loss_spec(seed: int, drops: bool = True) -> Spec:
    """A small network with composed losses, with seeds of its own; `drops`: now and then with dropout."""
    return Spec(seed, Lossy(seed, drops).spec())
