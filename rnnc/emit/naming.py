"""Python names for the values of a system: the author's own where Python allows it, each used once."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

OWN = (
    *[
        "np",
        "cp",
        "p",
        "call",
        "real",
        "batch",
        "sizes",
        "given",
        "state",
        "lengths",
        "wrt",
        "reduce",
        "observe",
        "seed",
        "dtype",
        "saved",
        "work",
        "value",
        "grads",
        "out",
    ],
    *[
        "init",
        "forward",
        "bptt",
        "rtrl",
        "rtrl_start",
        "rtrl_step",
        "start",
        "step",
        "generate",
        "SPEC",
        "SIZES",
        "PARAMETERS",
        "INPUTS",
        "TARGETS",
    ],
    *["OUTPUTS", "PROTOCOL", "NAME", "AXES"],
)
"""Words of the generated code."""


def identifiers(names: Iterable[tuple[str, bool]], reserved: Iterable[str] = ()) -> dict[str, str]:
    """A Python identifier for every name; those marked True (the author's) choose first."""
    taken = {*OWN, *reserved, *keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
    result: dict[str, str] = {}
    pairs = list(names)
    for wanted in (True, False):
        for name, own in pairs:
            if own is wanted:
                base = spelled(name)
                result[name] = fresh(base, taken)
                taken.add(result[name])
    return result


def whole(text: str) -> str:
    """A size expression in Python: its divisions come out whole, except inside `ceil`."""
    parts = re.split(r"(ceil\([^()]*\))", text)
    return "".join(p if p.startswith("ceil(") else p.replace("/", "//") for p in parts)


def spelled(name: str) -> str:
    """`d(i:net)` as `d_i_net`, `stack:W_x` as `W_x`, `h1.c` as `h1_c`."""
    name = name.replace("stack:", "").replace("#", "position_").replace("|", "length_", 1)
    text = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    return text if text[:1].isalpha() else f"v_{text}"


def fresh(base: str, taken: set[str]) -> str:
    """`base`, or `base_`, `base_2`, ... if that is taken."""
    name, count = base, 1
    while name in taken or name.startswith("__"):
        count += 1
        name = f"{base}_" if count == 2 and f"{base}_" not in taken else f"{base}_{count}"
    return name
