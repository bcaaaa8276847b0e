"""How the functions of the protocol take a network's inputs and targets: as keywords, by author's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

KEYWORDS = ("p", "lengths", "observe", "state", "wrt", "reduce", "seed", "batch")
"""Arguments of the protocol's own; an input called so is passed with an underscore after it."""


class Arguments(NamedTuple):
    """`signature` and `others` stand in a head; `given` is the dict of what was passed, by author's names."""

    signature: str
    others: str
    given: str


GENERATING = (*KEYWORDS, "steps", "prefix", "temperature", "made", "without")
"""Those of `generate`."""


def arguments(data: tuple[str, ...], python: Mapping[str, str], taken: tuple[str, ...] = KEYWORDS) -> Arguments:
    """The keyword arguments for `data`; what Python has no argument for comes through `**others`."""
    python = {n: f"{n}_" if n in taken else python[n] for n in data}
    own = [n for n in data if python[n] == n or n in taken]
    pairs = [f"{n!r}: {python[n]}" for n in own]
    if len(own) < len(data):
        pairs.append("**named(others)")
    signature = "".join(f", {python[n]}=None" for n in own)
    return Arguments(signature, ", **others" if len(own) < len(data) else "", "{" + ", ".join(pairs) + "}")


RESULTS = ("state",)
"""What `forward` returns of its own; a unit called so is returned with an underscore after its name."""


def returned_as(name: str) -> str:
    """The key of a unit in what `forward` returns."""
    return f"{name}_" if name in RESULTS else name


def passed_as(data: tuple[str, ...], python: Mapping[str, str]) -> dict[str, str]:
    """The keywords of those whose own name the protocol has taken."""
    return {n: python[n] for n in data if n in KEYWORDS}
