"""What a learning rule makes of a network, beside back-propagation: all that the later rooms know of it."""

from __future__ import annotations

from dataclasses import dataclass

from rnnc.autodiff.ending import Across
from rnnc.autodiff.kept import Kept
from rnnc.autodiff.tangent import Held
from rnnc.system.forms import System
from rnnc.system.pieces import Pieces


@dataclass(frozen=True)
class Forward:
    """`system` gives the loss and the gradients; `held` are the influences it carries from step to step. The values in
    `refined` have their first dimension as two (`rnnc.system.refine`)."""

    system: System
    held: tuple[Held, ...]
    refined: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Blockwise:
    """`system` gives the loss of a block of steps, the gradients, and the influences `across` it, by what is `passed`
    back through it; `opening` what the first block is given, None where the whole sequence is the only one. The
    values in `refined` have their first dimension as two."""

    system: System
    opening: System | None
    across: tuple[Across, ...]
    passed: tuple[str, ...] = ()
    refined: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Estimate:
    """`system` gives the loss and random estimates of the gradients; `held` is what it carries from step to step,
    `loop` all else that is made step by step."""

    system: System
    held: tuple[Kept, ...]
    loop: tuple[str, ...]
    refined: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Edge:
    """The row `back` rows before the end of a block (1: its last) of `state`; `before` names it as the next block is
    given it. `adjoint` is the derivative of a block's loss by it; `by` those of all entries that the block hands on;
    `one` and `last` are given: which of these entries are its own, and where along the rows it lies."""

    state: str
    back: int
    before: str
    adjoint: str = ""
    by: str | None = None
    one: str = ""
    last: str = ""


@dataclass(frozen=True)
class Rowwise:
    """`block` gives the loss of a block of rows along `axis`, its gradients, and its derivatives by the rows before it;
    `ending` the derivatives of the rows that the next block is given, None where it is given nothing learned; `opening`
    sums over the whole sequence. `edges` are those rows, in the order of the entries in influences; `own` says of every
    parameter that moves them the value of `ending` by it; `rows` are all values of which a block reads rows before its
    first, with their number."""

    block: System
    ending: System | None
    opening: System | None
    axis: str
    edges: tuple[Edge, ...]
    own: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, int], ...]
    refined: frozenset[str] = frozenset()


Learned = Forward | Blockwise | Rowwise | Estimate | Pieces
"""One class for every kind of program that a rule needs; `rnnc.program.learner` and `rnnc.emit.learners` know them
all."""


@dataclass(frozen=True)
class Asked:
    """How a rule is asked for: `number` is that in its name (the 2 of `snap2`), `most` the influences (of one parameter
    on one state) beyond which it is not wanted; None: any number."""

    number: int = 0
    most: int | None = None
