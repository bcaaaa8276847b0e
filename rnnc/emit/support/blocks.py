"""What only a rule that goes block by block needs: the sum over all blocks, and what is handed on behind the last."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnc.emit.support.block import Block
from rnnc.emit.support.facts import HANDED_ON, STATES
from rnnc.emit.support.influences import piece
from rnnc.emit.support.parameters import Parameters

# ---- copied from here


def in_blocks(call: Any, axis: str, size: int, reduce: str, opening: Any, run: Any) -> tuple[Any, Any]:
    """Value and gradients of a checked call, `size` steps after `size` steps: `opening` makes what the first is given,
    `run` the losses of a block, its gradients, what it leaves as a state, and what the next is given."""
    total: Any = Parameters(call.sizes, call.real)
    grads = Parameters(call.sizes, call.real)
    share = np.full(call.batch, 1.0 / call.batch if reduce == "mean" else 1.0, call.real)
    loss = np.zeros(call.batch, call.real)
    call.draws = {}
    state: Any = None
    with np.errstate(all="ignore"):  # an infinity or NaN says so itself; padding must not
        given, follows = opening(call)
        for first in range(0, call.length[axis], size):
            block = Block(call, axis, first, size, state if first else call.state, given, follows or first > 0)
            part, left, behind = run(block, share, grads)
            loss += part
            total.flat += grads.flat
            state = {name: a if STATES[name] > 1 else a[None] for name, a in left.items()}
            given = given | behind
    total.state = handed_on(call, axis, left, given)
    return loss.mean() if reduce == "mean" else loss.sum(), total


def handed_on(call: Any, axis: str, left: Any, given: Any) -> dict[str, Any]:
    """The learner after the last step: what it left as a state, and the influences."""
    learner = dict(left)
    if axis in STATES:
        learner[axis] = call.begin + call.lengths[axis]
    if not call.batched:
        learner = {name: a[:, 0] if STATES[name] > 1 else a[0] for name, a in learner.items()}
    for name, before in HANDED_ON.items():
        for key, where in call.places[name]:
            rows = np.stack([piece(given[k], *where) for k in reversed(before)])
            rows = rows if call.batched else rows[:, 0]
            learner[key] = rows[0] if call.steps[key] == 1 else rows
    return learner


# ---- copied to here
