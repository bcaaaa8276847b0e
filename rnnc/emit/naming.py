"""Python names for the values of a system: the author's own where Python allows it, each used once."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from rnnc.emit.support_text import support_names

_WORDS = """
np cp math Iterable Mapping Any annotations
p call real batch sizes given state lengths wrt reduce observe seed dtype saved value grads out share data needs
spared complete name others named stepping lead ragged units further carries
init forward bptt rtrl rtrl_start rtrl_step start step generate shapes data_shapes
learner places key first shape loss rule INFLUENCES RULES STRIP
left behind HANDED_ON hybrid hybrid_block TURNED
SPEC SIZES PARAMETERS INPUTS TARGETS OUTPUTS UNITS FEEDBACK CTC STATES PROTOCOL NAME AXES LABEL_AXES PINNED SIZES_FROM
"""
OWN = tuple(_WORDS.split())
"""Words of the generated code beside what the support files define."""

MADE = re.compile(r"(work|number)\d*|one|half|two|minus_one|(edge|past|absent)_\w*")
"""The form of names that are made while a module is written."""

OF_AXIS = ("len", "length", "last", "inside", "position", "row", "strip", "first", "stop", "count")
"""What a module derives from an axis `n`: `len_n`, ..."""


class Taken(set[str]):
    """The names that a new one may not have."""

    def __init__(self, *more: str) -> None:
        super().__init__((*OWN, *more, *support_names(), *keyword.kwlist, *keyword.softkwlist, *dir(builtins)))

    def new(self, name: str) -> str:
        """A Python identifier for an author's (or a made) name, as close to it as can be."""
        base = spelled(name)
        found = fresh(f"v_{base}" if MADE.fullmatch(base) else base, self)
        self.add(found)
        return found


def axis_names(axes: Iterable[str], taken: Taken) -> dict[str, str]:
    """A loop variable for every axis, such that what is derived from it is free as well."""
    result = {}
    for axis in axes:
        name, count = axis, 1
        while any(n in taken for n in (name, *(f"{of}_{name}" for of in OF_AXIS))) or MADE.fullmatch(name):
            count += 1
            name = f"axis{count}_{axis}"
        taken.update((name, *(f"{of}_{name}" for of in OF_AXIS)))
        result[axis] = name
    return result


def identifiers(names: Iterable[tuple[str, bool]], taken: Taken) -> dict[str, str]:
    """A Python identifier for every name; those marked True (the author's) choose first."""
    result: dict[str, str] = {}
    pairs = list(names)
    for wanted in (True, False):
        for name, own in pairs:
            if own is wanted:
                result[name] = taken.new(name)
    return result


def whole(text: str) -> str:
    """A size expression in Python: its divisions come out whole, except inside `round`."""
    result, depth, rounding = "", 0, 0
    for k, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if text.endswith("round", 0, k) and letter == "(" and not rounding:
            rounding = depth
        rounding = 0 if depth < rounding else rounding
        result += "//" if letter == "/" and not rounding else letter
    return result


def spelled(name: str) -> str:
    """`d(i:net)` as `d_i_net`, `stack:W_x` as `W_x`, `h1.c` as `h1_c`."""
    name = name.replace("stack:", "").replace("#", "position_").replace("|", "length_", 1)
    text = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    return text if text[:1].isalpha() else f"v_{text}"


def fresh(base: str, taken: set[str]) -> str:
    """`base`, or `base_`, `base_2`, ... if that is taken."""
    name, count = base, 1
    while name in taken:
        count += 1
        name = f"{base}_" if count == 2 and f"{base}_" not in taken else f"{base}_{count}"
    return name
