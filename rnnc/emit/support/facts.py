"""What a generated module says of its network; here an example, in a module the real thing."""

from __future__ import annotations

from typing import Any

NAME = "elman"
SIZES: dict[str, int] = {"D": 3, "H": 4}
PINNED: tuple[str, ...] = ()
AXES: tuple[str, ...] = ("n",)
LABEL_AXES: tuple[str, ...] = ()
PARAMETERS: dict[str, dict[str, Any]] = {}
INPUTS: dict[str, dict[str, Any]] = {}
TARGETS: dict[str, dict[str, Any]] = {}
SIZES_FROM: dict[str, tuple[tuple[str, int], ...]] = {}
UNITS: tuple[str, ...] = ()
FEEDBACK: dict[str, tuple[str, tuple[str, ...]]] = {}
STATES: dict[str, int] = {}
RULES: tuple[str, ...] = ("bptt", "rtrl")
INFLUENCES: dict[str, dict[str, int]] = {}
HANDED_ON: dict[str, tuple[str, ...]] = {}
CARRIED: dict[str, dict[str, Any]] = {}
SUMS: dict[str, tuple[str, bool]] = {}
STARTS: tuple[str, ...] = ()
ENDS: tuple[str, ...] = ()
LOSS = "loss"
KEPT: dict[str, tuple[int, int | None]] = {}
MASKS: dict[str, bool] = {}


def shapes(**sizes: int) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter."""
    raise NotImplementedError


def data_shapes(**sizes: int) -> dict[str, tuple[tuple[int, ...], int]]:
    """For every input, target and value of a state its unit shape and its vocabulary (0: real numbers)."""
    raise NotImplementedError


def places(rule: str, sizes: dict[str, int]) -> dict[str, tuple[tuple[str, tuple[Any, ...]], ...]]:
    """The influences of a rule that lie side by side in one array: (name, where of `piece`)."""
    raise NotImplementedError


def carried_shapes(**sizes: int) -> dict[str, tuple[int, ...]]:
    """Of what a piece reads of the steps before it the unit shape."""
    raise NotImplementedError


def kept_parts(**sizes: int) -> dict[str, tuple[str, tuple[Any, ...]]]:
    """Of what lies in other things that are kept: in which, and its index there."""
    raise NotImplementedError


def _begin(call: Any) -> dict[str, Any]:
    """What stands before the first step."""
    raise NotImplementedError


def _piece(call: Any) -> dict[str, Any]:
    """What the steps of a piece make."""
    raise NotImplementedError


def _end(call: Any) -> dict[str, Any]:
    """The loss."""
    raise NotImplementedError


def _begin_back(call: Any, saved: Any, seed: Any, wrt: tuple[str, ...], grads: Any) -> dict[str, Any]:
    """The gradients of `_begin`."""
    raise NotImplementedError


def _piece_back(call: Any, saved: Any, seed: Any, wrt: tuple[str, ...], grads: Any) -> dict[str, Any]:
    """The gradients of `_piece`."""
    raise NotImplementedError


def _end_back(call: Any, saved: Any, seed: Any, wrt: tuple[str, ...], grads: Any) -> dict[str, Any]:
    """The gradients of `_end`."""
    raise NotImplementedError
