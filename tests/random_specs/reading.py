"""What a random network reads: values in sight, at positions that its order of computing allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Mode = Literal["free", "here", "moved"]
"""How the unit being written may read a name: at any offset, here and behind, or only behind."""

ENDS = ("last", "first", "last-1", "first+1")
UNIT_NAMES = (
    *("h", "z", "r", "s1", "c", "u", "f", "g", "x0", "O", "Q", "beta", "out_", "v_", "T_"),
    # names of Python, numpy, sympy and of generated code
    *(
        "lambda",
        "np",
        "S",
        "N1",
        "I",
        "E1",
        "out",
        "B",
        "dh",
        "grads",
        "seed",
        "self",
        "range",
        "gamma",
        "None",
    ),
    *("def", "len", "lengths", "p", "mask", "values", "forward", "W", "import"),
)


@dataclass(frozen=True)
class Known:
    """A value in sight: its size is a size expression, "1" for a scalar."""

    name: str
    axes: tuple[str, ...]
    size: str


class Reading:
    """The network being written, and how it reads."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)
        # draws of its own: what else a seed gives does not hang on how many ends are read
        self.ends = Random(f"ends {seed}")
        self.lines: list[str] = []
        self.known: list[Known] = []
        self.targets: list[Known] = []
        self.names = list(UNIT_NAMES)
        self.draw.shuffle(self.names)
        self.count = 0
        # nothing looks ahead: these networks also run step by step
        self.causal = seed % 8 == 1
        # of the unit being written
        self.axes: tuple[str, ...] = ()
        self.modes: dict[str, Mode] = {}
        self.direction: dict[str, int] = {}
        self.keys: set[tuple[str, ...]] = set()

    def chance(self, p: float) -> bool:
        return self.draw.random() < p

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def say(self, line: str) -> None:
        self.lines.append("  " + line)

    def size(self) -> str:
        return self.draw.choice(("D", "H", "H", "K"))

    def sources(self, size: str | None = None, axes: Sequence[str] | None = None) -> list[Known]:
        """What the unit being written may read."""
        return [
            k
            for k in self.known
            if (size is None or k.size == size)
            and k.size != "token"
            and (axes is None or set(k.axes) <= set(axes))
            and not (self.modes.get(k.name, "free") != "free" and not set(k.axes) <= set(self.axes))
        ]

    def offset(self, axis: str, mode: Mode) -> int:
        behind = -self.direction.get(axis, 1) * self.draw.choice((1, 1, 1, 2, 3))
        if mode == "moved":
            return behind
        if mode == "here":
            return self.draw.choice((0, 0, behind))
        if self.causal:
            return self.draw.choice((0, 0, -1, -2, -3))
        return self.draw.choice((0, 0, 0, 1, -1, behind))

    def read(self, k: Known, still: bool = False, ends: float = 0.0) -> str:
        """`k` at some position that the unit being written may see; `still`: here where it may; `ends`: how likely at
        an end of an axis that the unit goes along."""
        mode = self.modes.get(k.name, "free")
        inside = [a for a in k.axes if a in self.axes]
        mover = self.draw.choice(inside) if inside else ""
        entries = []
        for axis in k.axes:
            if axis not in self.axes:
                entries.append(self.draw.choice(ENDS))
                continue
            own: Mode = mode if axis == mover or mode != "moved" else "here"
            move = 0 if still and own != "moved" else self.offset(axis, own)
            if mode == "free" and not self.causal and self.ends.random() < ends:
                entries.append(self.ends.choice(ENDS))
            else:
                entries.append(axis + (f"{move:+d}" if move else ""))
        if not entries or (entries == list(k.axes) and self.chance(0.5)):
            return k.name
        return f"{k.name}[{', '.join(entries)}]"

    def window(self, k: Known) -> tuple[str, int] | None:
        """A window on a value of one axis, and how many taps it has."""
        if len(k.axes) != 1 or k.axes[0] not in self.axes:
            return None
        axis, mode = k.axes[0], self.modes.get(k.name, "free")
        way = self.direction.get(axis, 1)
        near = {"moved": 1, "here": 0, "free": self.draw.choice((0, 1) if self.causal else (-1, 0))}[mode]
        far = near + self.draw.choice((1, 2))
        low, high = sorted((-way * near, -way * far))
        ends = tuple(axis + (f"{x:+d}" if x else "") for x in (low, high))
        return f"{k.name}[{ends[0]}..{ends[1]}]", far - near + 1

    def source(self) -> tuple[str, tuple[str, ...]]:
        """The argument of a connection and the names it reads."""
        k = self.draw.choice(self.sources())
        roll = self.draw.random()
        if roll < 0.2 and (found := self.window(k)) is not None:
            return found[0], (k.name,)
        if roll < 0.3:
            other = self.draw.choice(self.sources(k.size))
            return f"{self.read(k, ends=0.1)} * {self.read(other)}", tuple(dict.fromkeys((k.name, other.name)))
        if roll < 0.36 and k.size == "H":
            start = self.draw.choice((0, 1))
            return f"slice({self.read(k)}, {start}, 3)", (k.name,)
        if roll < 0.42:
            other = self.draw.choice(self.sources())
            if other.size != "1" and k.size != "1":
                names = tuple(dict.fromkeys((k.name, other.name)))
                return f"concat({self.read(k, ends=0.1)}, {self.read(other)})", names
        if roll < 0.48:
            return f"tanh({self.read(k)})", (k.name,)
        return self.read(k, ends=0.05), (k.name,)

    def keyed(self, kind: str, names: tuple[str, ...]) -> str:
        """`, as = NAME` where the parameter's own key is taken, and now and then elsewhere."""
        key = (kind, *names)
        if key in self.keys or self.chance(0.1):
            return f", as = {self.fresh('P')}"
        self.keys.add(key)
        return ""
