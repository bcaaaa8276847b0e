"""A NumPy module and the CuPy module of the same network on the stand-in: every call is made of both, and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module
from inspect import signature
from types import ModuleType
from typing import Any

import numpy as np
from every_rule import NAMES
from oracle.forward_in_time import rtrl_in_single_precision, steps_are_rtrl
from oracle.properties import Subject, close, single_precision_is_near
from oracle.streaming import chunks, step_is_forward

import rnnc

CALLS: tuple[str, ...] = ("forward", "bptt", "start", "step", "generate")
CALLS += tuple(f"{rule}{part}" for rule in NAMES for part in ("", "_start", "_step"))
TOLERANCE = {np.dtype("float64"): 1e-12, np.dtype("float32"): 2e-4}


class Mirrored:
    """Looks like the NumPy module; `calls` counts the calls that were compared, with tolerances by dtype."""

    def __init__(
        self, module: ModuleType, device: ModuleType, gpu: Any, tolerance: Mapping[Any, float] = TOLERANCE
    ) -> None:
        self.module, self.device, self.gpu, self.tolerance = module, device, gpu, tolerance
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        own = getattr(self.module, name)
        return self._both(name, own) if name in CALLS else own

    def _both(self, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def call(p: Mapping[str, Any], *given: Any, **data: Any) -> Any:
            expected = own(p, *given, **data)
            real = next(np.asarray(a).dtype for a in p.values() if np.asarray(a).dtype.kind == "f")
            found = getattr(self.device, name)(dict(p), *given, **data)
            self.same(found, expected, self.tolerance[real], name)
            self.calls += 1
            return expected

        call.__signature__ = signature(own)  # type: ignore[attr-defined]
        return call

    def same(self, found: Any, expected: Any, tolerance: float, what: str) -> None:
        """Equal trees of arrays; what was found lies on the GPU in the dtype that was expected."""
        if isinstance(expected, tuple):
            assert len(found) == len(expected)
            for k, (a, b) in enumerate(zip(found, expected, strict=True)):
                self.same(a, b, tolerance, f"{what}, result {k}")
            return
        if isinstance(expected, Mapping):
            assert set(found) == set(expected), f"{what}: {sorted(found)}, not {sorted(expected)}"
            for key in expected:
                self.same(found[key], expected[key], tolerance, f"{what}, {key}")
            if hasattr(expected, "state"):
                self.same(found.state, expected.state, tolerance, f"{what}, state")
            return
        host = np.asarray(self.gpu.asnumpy(found))
        assert host.dtype == np.asarray(expected).dtype, f"{what} is {host.dtype}"
        close(host, expected, tolerance, what)


class OnBoth(Subject):
    """A subject whose module is both; what `sys.modules` has as `cupy` is the device."""

    tolerance = TOLERANCE

    @cached_property
    def module(self) -> Any:
        device = rnnc.compile_text(self.text, target="cupy", learn=self.rules)
        return Mirrored(super().module, device, import_module("cupy"), self.tolerance)


def ragged(subject: OnBoth) -> None:
    """A batch of four lengths with NaN in the padding: every unit, the loss, all gradients, those of inputs too."""
    assert subject.forward and subject.gradients


def alone(subject: OnBoth) -> None:
    """One sequence without a batch, the mean over it."""
    lengths, arrays = subject.short.alone(0)
    own = dict(lengths) if len(subject.system.axes) > 1 else next(iter(lengths.values()), None)
    subject.module.forward(subject.parameters, **arrays, lengths=own)
    subject.module.bptt(subject.parameters, **arrays, lengths=own)


def forward_in_time(subject: OnBoth) -> None:
    if hasattr(subject.module, "rtrl"):
        lengths = subject.ragged.given(subject.system.axes)
        subject.module.rtrl(subject.parameters, **subject.ragged.arrays, lengths=lengths)


def later_chunk(subject: OnBoth) -> None:
    """What goes on from a state, back-propagated."""
    if hasattr(subject.module, "step"):
        two = chunks(subject)
        state = subject.module.forward(subject.parameters, **two.first)["state"]
        subject.module.bptt(subject.parameters, **two.second, state=state)


DRIVERS: tuple[Callable[[Any], None], ...] = (
    *(ragged, alone, step_is_forward, later_chunk, forward_in_time, steps_are_rtrl),
)
"""Every call of the protocol but `generate`, in float64."""

IN_SINGLE: tuple[Callable[[Any], None], ...] = (single_precision_is_near, rtrl_in_single_precision)


def in_single(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: a.astype("float32") if a.dtype.kind == "f" else a for name, a in arrays.items()}


def learn(subject: OnBoth, rule: str) -> None:
    """A ragged batch in both precisions, two chunks, three steps online; `hybrid` in blocks of several sizes,
    `truncated_bptt` over several windows."""
    module, p, two = subject.module, subject.parameters, chunks(subject)
    run, batch = getattr(module, rule), subject.ragged
    seed = {"seed": 3} if "seed" in signature(run).parameters else {}
    several: dict[str, tuple[dict[str, Any], ...]] = {
        "hybrid": ({}, {"block": 1}, {"block": 3}),
        "truncated_bptt": ({}, {"k1": 1, "k2": 1}, {"k1": 2, "k2": 3}),
    }
    sizes = several.get(rule, ({},))
    for size in sizes:
        run(p, **batch.arrays, lengths=batch.given(subject.system.axes), **seed, **size)
        _, grads = run(p, **two.first, **seed, **size)
        run(p, **two.second, state=grads.state, **seed, **size)
    run(in_single(p), **in_single(batch.arrays), lengths=batch.given(subject.system.axes), **seed)
    if hasattr(module, f"{rule}_step"):
        learner = getattr(module, f"{rule}_start")(p, 3, **seed)
        for n in range(3):
            now = {name: np.concatenate((two.first[name], two.second[name]))[n] for name in ("x", "t")}
            _, _, learner = getattr(module, f"{rule}_step")(p, learner, **now, **seed)
