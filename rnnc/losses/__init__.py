"""Losses: one file each, as the expression of the language a loss stands for at one position.

A loss is written with ordinary operations, so that its gradient is derived like everything else and softmax,
sigmoid and exp fuse with the logarithm where the network is lowered. A missing entry of a target carries no error.
"""

from __future__ import annotations

from collections.abc import Callable

from rnnc.losses.binary_cross_entropy import binary_cross_entropy
from rnnc.losses.cross_entropy import cross_entropy
from rnnc.losses.ctc import ctc
from rnnc.losses.mixture_density import mixture_density
from rnnc.losses.squared_error import squared_error
from rnnc.losses.terms import Logarithms
from rnnc.model.forms import Apply, Expr

Expand = Callable[[Apply, Logarithms], Expr]

LOSSES: tuple[tuple[str, Expand], ...] = (
    ("squared_error", squared_error),
    ("cross_entropy", cross_entropy),
    ("binary_cross_entropy", binary_cross_entropy),
    ("mixture_density", mixture_density),
    ("ctc", ctc),
)
