"""Properties of a module that learns in blocks of steps: of any size, `hybrid` is `bptt` and goes on as `rtrl`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from oracle.forward_in_time import same
from oracle.properties import Subject, close
from oracle.streaming import chunks
from rnnc.system.piecewise import piecewise

SIZES = (None, 1, 2, 3, 7, 17, 40)
"""Of blocks, for sequences of at most 17 steps."""


def hybrid_is_bptt(subject: Subject) -> None:
    """On a ragged batch with NaN in the padding, without a batch, and in float32."""
    if not hasattr(subject.module, "rtrl"):
        return
    own, batch, axes = _with_hybrid(subject), subject.ragged, subject.system.axes
    run, given = own.module.hybrid, batch.given(axes)
    for size in SIZES:
        found = run(own.parameters, **batch.arrays, lengths=given, reduce="sum", block=size)
        same(found, subject.gradients, 1e-10, f"hybrid on a ragged batch, block {size}")
    assert set(found[1]) == {p.name for p in subject.system.parameters if p.trained}, "names of the gradients"
    lengths, arrays = subject.short.alone(0)
    extra = dict(lengths) if len(axes) > 1 else lengths[axes[0]] if axes else None
    for size in (None, 1, 3):
        one = run(own.parameters, **arrays, lengths=extra, block=size)
        same(one, subject.learn(subject.short), 1e-10, f"hybrid without a batch, block {size}")
    single, parameters = own.single
    near = run(parameters, **single.arrays, lengths=given, reduce="sum", block=3)
    same(near, subject.gradients, subject.single_bound, "hybrid in float32")
    assert all(array.dtype == np.float32 for array in near[1].values())


def hybrid_goes_on(subject: Subject) -> None:
    """Two chunks of a longer sequence, each in blocks, are the whole of it; what is handed on is what `rtrl` hands on,
    so that one can go on where the other stopped."""
    if not hasattr(subject.module, "rtrl_step") or piecewise(subject.system) is None:
        return
    own, two = _with_hybrid(subject), chunks(subject)
    runs: dict[str, Any] = {"hybrid": own.module.hybrid, "rtrl": own.module.rtrl}
    for size in (1, 2, 3, 40):
        value, grads = runs["hybrid"](own.parameters, **two.first, reduce="sum", block=size)
        expected = runs["rtrl"](own.parameters, **two.first, reduce="sum")
        same((value, grads), expected, 1e-10, f"the first chunk, block {size}")
        assert list(grads.state) == list(expected[1].state)
        for name, array in expected[1].state.items():
            close(grads.state[name], array, 1e-10, f"`{name}` behind the first chunk, block {size}")
        rest = runs["rtrl"](own.parameters, **two.second, reduce="sum", state=expected[1].state)
        for rule, state in (("hybrid", expected[1].state), ("rtrl", grads.state)):
            extra = {"block": size} if rule == "hybrid" else {}
            late = runs[rule](own.parameters, **two.second, reduce="sum", state=state, **extra)
            same(late, rest, 1e-10, f"the second chunk by {rule}, block {size}")


def _with_hybrid(subject: Subject) -> Subject:
    return replace(subject, rules=("rtrl", "hybrid"))


BLOCKWISE = (hybrid_is_bptt, hybrid_goes_on)
