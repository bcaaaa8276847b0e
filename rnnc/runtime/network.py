"""What the runtime asks of a module that was compiled for text: the protocol's functions, and two names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = Mapping[str, Array]
State = Mapping[str, Array]


class Gradients(Protocol):
    """Gradients by name, with the state after the last position as `state`."""

    @property
    def state(self) -> State: ...


class Network(Protocol):
    """A module that meets the protocol, as far as training on text needs it."""

    INPUTS: Mapping[str, Mapping[str, Any]]
    TARGETS: Mapping[str, Mapping[str, Any]]

    def init(self, *, seed: int, dtype: str, **sizes: int) -> Mapping[str, Array]: ...

    def forward(self, p: Arrays, **given: Any) -> Mapping[str, Any]: ...

    def bptt(self, p: Arrays, **given: Any) -> tuple[Any, Any]: ...

    def start(self, p: Arrays, *, batch: int) -> State: ...

    def step(self, p: Arrays, state: State, **given: Any) -> tuple[Mapping[str, Array], State]: ...


class UnfitNetwork(ValueError):
    """The network cannot be trained on a text; the message says what it would need."""


@dataclass(frozen=True)
class TextNetwork:
    """A network that reads one token a step and is told the next: its module, and what they are called."""

    module: Network
    input: str
    target: str
    sizes: tuple[str, ...]

    def given(self, ids: Array, following: Array) -> dict[str, Array]:
        """Input and target as keyword arguments; both (N, B)."""
        return {self.input: ids, self.target: following}


def text_network(module: object) -> TextNetwork:
    """Check that a module fits a text; UnfitNetwork says why it does not."""
    for name in ("INPUTS", "TARGETS", "init", "forward"):
        if not hasattr(module, name):
            raise UnfitNetwork(f"the module has no `{name}`; compile the spec with this version of rnnc")
    if not hasattr(module, "bptt"):
        raise UnfitNetwork("the network has no loss to train with")
    if not hasattr(module, "step"):
        raise UnfitNetwork("the network looks ahead, so it cannot run character by character")
    network = cast(Network, module)
    name, size = _only_token("input", network.INPUTS)
    target, target_size = _only_token("target", network.TARGETS)
    if network.INPUTS[name]["axes"] != network.TARGETS[target]["axes"]:
        raise UnfitNetwork(f"input `{name}` and target `{target}` run over different axes")
    sizes = (size,) if size == target_size else (size, target_size)
    return TextNetwork(network, name, target, sizes)


def _only_token(kind: str, records: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    if len(records) != 1:
        names = ", ".join(f"`{name}`" for name in records) or "none"
        raise UnfitNetwork(f"training on text needs one {kind}, a token at every position; the network has {names}")
    [(name, record)] = records.items()
    size = record["token"]
    if size is None or len(record["axes"]) != 1 or tuple(record["shape"]):
        raise UnfitNetwork(f"{kind} `{name}` is not one token at every position of one axis, as `{name}[n] : token(V)`")
    if not str(size).isidentifier():
        raise UnfitNetwork(f"{kind} `{name}` is a token of {size}; write a size's name there, as `token(V)`")
    return name, str(size)


def averages(network: TextNetwork, p: Arrays) -> bool:
    """Whether the loss is a mean over positions (True) or a sum over them (False).

    Read off two positions with one target missing at a time: a missing target costs nothing and does
    not count in a mean. UnfitNetwork for a loss that is neither.
    """
    ids = np.zeros((2, 1), dtype=np.int64)

    def loss(first: int, second: int) -> float:
        out = network.module.forward(p, **network.given(ids, np.array([[first], [second]], dtype=np.int64)))
        return float(np.asarray(out["loss"]).reshape(()))

    apart, both = loss(0, -1) + loss(-1, 0), loss(0, 0)
    for mean, wanted in ((False, apart), (True, apart / 2.0)):
        if np.isclose(both, wanted, rtol=1e-3, atol=1e-6):
            return mean
    raise UnfitNetwork("the loss is neither the sum nor the mean of what each character costs")


def why_whole(module: Any) -> str:
    """What a network does, or has, that cannot go on from a state."""
    if not module.AXES:
        return "has no axis"
    if len(module.AXES) - len(module.LABEL_AXES) > 1:
        return "has several axes"
    return "looks ahead or needs the whole sequence"
