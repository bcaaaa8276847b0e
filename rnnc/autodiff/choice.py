"""Which terms of the influence recursion J[n] = D[n] J[n-1] + I[n] a learning rule keeps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """By default every term.

    `own`: of D what goes entry by entry from a unit's earlier state to its state, of I what a unit reads of its own
    parameters; nothing crosses units. `leak`: of that D only what passes no nonlinear function. `steps`: of J the
    entries that a parameter reaches within so many steps."""

    own: bool = False
    leak: bool = False
    steps: int | None = None


EVERY = Choice()
