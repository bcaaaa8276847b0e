"""Learning rules by name: whatever a module computes gradients with, over a piece of a sequence or a step."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnc.runtime.network import UnfitNetwork, why_whole


class Rule:
    """A module's function that gives (loss, gradients), or, `online`, its three for one step after the other. `more`:
    arguments that it takes beside the data."""

    def __init__(
        self, module: Any, name: str, *, window: bool, online: bool, more: Mapping[str, Any] | None = None
    ) -> None:
        if not hasattr(module, "bptt"):
            raise UnfitNetwork("the network has no loss to train with")
        have = module.RULES
        if name not in have:
            raise UnfitNetwork(
                f"the module has no learning rule `{name}`; it has {', '.join(have)}; "
                "`learn=` of rnnc.compile_file and rnnc.compile_text adds others"
            )
        if (window or online) and not (hasattr(module, "start") and len(module.AXES) == 1):
            steps = "step to step (--online)" if online else "window to window (--window)"
            raise UnfitNetwork(f"the network {why_whole(module)}, so it cannot carry its state from {steps}")
        self._module, self._name, self._more = module, name, dict(more or {})
        self.steps = online and name != "bptt"
        if self.steps and not hasattr(module, f"{name}_step"):
            raise UnfitNetwork(
                f"the learning rule `{name}` goes by many steps at once, or the loss reads a later step, so it cannot "
                "change weights at every one (--online); with --window N it learns N steps at a time"
            )
        self._whole = getattr(module, name)
        self._seeded = "seed" in inspect.signature(self._whole).parameters

    def gradients(
        self, p: Any, given: Mapping[str, Any], carried: Any, *, batch: int, seed: int
    ) -> tuple[float, Any, Any]:
        """(mean loss, gradients, what the next window goes on from); `carried` is None at a sequence's start."""
        extra = self._more | ({"seed": seed} if self._seeded else {})
        if not self.steps:
            given = self._passed(self._whole, given)
            value, grads = self._whole(p, **given, **extra, **({} if carried is None else {"state": carried}))
            return float(value), grads, getattr(grads, "state", None)
        if carried is None:
            carried = self._start(p, {**given, **extra}, batch)
        step = getattr(self._module, f"{self._name}_step")
        stepped = {name: array[0] if self._moves(name) else array for name, array in given.items() if name != "lengths"}
        value, grads, carried = step(p, carried, **self._passed(step, stepped), **extra)
        return float(value), grads, carried

    def _start(self, p: Any, given: Mapping[str, Any], batch: int) -> Any:
        begin = getattr(self._module, f"{self._name}_start")
        takes = inspect.signature(begin).parameters
        return begin(p, batch=batch, **{name: array for name, array in given.items() if name in takes})

    def _passed(self, function: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """Data by keyword, with an underscore after those that are an argument of this function's own, as `k1` is."""
        takes, records = inspect.signature(function).parameters, self._records()
        own = {name for name in given if name in records and f"{name}_" not in records and f"{name}_" in takes}
        return {f"{name}_" if name in own else name: array for name, array in given.items()}

    def _moves(self, keyword: str) -> bool:
        name = keyword if keyword in self._records() else keyword.removesuffix("_")
        return bool(self._records()[name]["axes"])

    def _records(self) -> Mapping[str, Any]:
        return {**self._module.INPUTS, **self._module.TARGETS}


def first_sequences(module: Any, state: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The state of the first `count` sequences of a batch: those that have not ended."""
    facts = getattr(module, "STATES", {})
    arrays = {name: np.asarray(value) for name, value in state.items()}
    return {name: a[:, :count] if facts.get(name, 1) > 1 else a[:count] for name, a in arrays.items()}
