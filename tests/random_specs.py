"""Random valid specs from a seed: layers of recurrent and plain units over one or two axes.

Every kind of reference, connection, start, reduction and loss of the language comes up. What is drawn stays
bounded (the outermost function nearly always is), so that derivatives are well scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Mode = Literal["free", "here", "moved"]
"""How the unit being written may read a name: at any offset, here and behind, or only behind."""

SMOOTH = ("tanh", "sigmoid", "softplus", "sin", "atan", "erf", "softsign", "swish")
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
CELLS = """
cell gated(x, H) over {axis} {{
  gate z : H = sigmoid(full(x) + full(y[{axis}-1]) + bias)
  unit c : H = tanh(full(x[{axis}-1..{axis}]) + diag(z * y[{axis}-1]) + bias)
  unit y : H = z * y[{axis}-1] + (1 - z) * c
  return y
}}
cell peep(x, before, H) over {axis} {{
  gate i : H = sigmoid(full(x) + full(y[{axis}-1]) + diag(c[{axis}-1]) + bias(init = ones))
  unit c : H = (1 - i) * c[{axis}-2] + i * tanh(full(x, y[{axis}-1]) + full(x[first]))
  start c = before
  unit y : H = i * tanh(c)
  return y
}}
"""


@dataclass(frozen=True)
class Known:
    """A value in sight: its size is a size expression, "1" for a scalar."""

    name: str
    axes: tuple[str, ...]
    size: str


@dataclass(frozen=True)
class Spec:
    """A random network as text."""

    seed: int
    text: str


class Writer:
    """The network being written."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)
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

    # ---- choices

    def chance(self, p: float) -> bool:
        return self.draw.random() < p

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def say(self, line: str) -> None:
        self.lines.append("  " + line)

    def size(self) -> str:
        return self.draw.choice(("D", "H", "H", "K"))

    # ---- reading

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

    def read(self, k: Known, still: bool = False) -> str:
        """`k` at some position that the unit being written may see; `still`: here where it may."""
        mode = self.modes.get(k.name, "free")
        inside = [a for a in k.axes if a in self.axes]
        mover = self.draw.choice(inside) if inside else ""
        entries = []
        for axis in k.axes:
            if axis not in self.axes:
                entries.append(self.draw.choice(("last", "first", "last-1", "first+1")))
                continue
            own: Mode = mode if axis == mover or mode != "moved" else "here"
            move = 0 if still and own != "moved" else self.offset(axis, own)
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
            return f"{self.read(k)} * {self.read(other)}", tuple(dict.fromkeys((k.name, other.name)))
        if roll < 0.36 and k.size == "H":
            start = self.draw.choice((0, 1))
            return f"slice({self.read(k)}, {start}, 3)", (k.name,)
        if roll < 0.42:
            other = self.draw.choice(self.sources())
            if other.size != "1" and k.size != "1":
                names = tuple(dict.fromkeys((k.name, other.name)))
                return f"concat({self.read(k)}, {self.read(other)})", names
        if roll < 0.48:
            return f"tanh({self.read(k)})", (k.name,)
        return self.read(k), (k.name,)

    def keyed(self, kind: str, names: tuple[str, ...]) -> str:
        """`, as = NAME` where the parameter's own key is taken, and now and then elsewhere."""
        key = (kind, *names)
        if key in self.keys or self.chance(0.1):
            return f", as = {self.fresh('P')}"
        self.keys.add(key)
        return ""

    # ---- expressions

    def full(self) -> str:
        text, names = self.source()
        if self.chance(0.2):
            other, more = self.source()
            text, names = f"{text}, {other}", tuple(dict.fromkeys((*names, *more)))
        return f"full({text}{self.keyed('W', names)})"

    def term(self, size: str) -> str:
        """A vector of the given size, one summand of a net input."""
        same = self.sources(size)
        roll = self.draw.random()
        if roll < 0.1 and same:
            k = self.draw.choice(same)
            return f"diag({self.read(k)}{self.keyed('w', (k.name,))})"
        if roll < 0.16 and same:
            return self.read(self.draw.choice(same))
        if roll < 0.22:
            pair = (self.draw.choice(self.sources()), self.draw.choice(self.sources()))
            names = tuple(dict.fromkeys(k.name for k in pair))
            return f"bilinear({self.read(pair[0])}, {self.read(pair[1])}{self.keyed('W', names)})"
        if roll < 0.27 and size == "H" and (wide := self.sources("H")):
            k = self.draw.choice(wide)
            return f"block({self.read(k)}, 2{self.keyed('W', (k.name,))})"
        if roll < 0.32:
            k = self.draw.choice(self.sources())
            if k.size != "1":
                weight = self.fresh("W")
                self.say(f"param {weight} : ({size}, {k.size})")
                return f"{weight} @ {self.read(k)}"
        if roll < 0.36 and size != "1":
            k = self.draw.choice(self.sources())
            if k.size not in ("1", size):
                weight = self.fresh("M")
                self.say(f"param {weight} : ({k.size}, {size})")
                return f"transpose({weight}) @ {self.read(k)}"
        if roll < 0.4 and (taps := [seen for k in same if (seen := self.window(k)) is not None]):
            delays = self.fresh("d")
            self.say(f"param {delays} : {taps[0][1]}")
            return f"softmax({delays}) @ {taps[0][0]}"
        if roll < 0.44:
            k = self.draw.choice(self.sources())
            if k.size == "H":
                return f"sparse({self.read(k)}, density = 0.5{self.keyed('W', (k.name,))})"
        if roll < 0.5 and (tokens := self.embeddable()):
            w = self.draw.choice(tokens)
            return f"full(embedding({w.name}, E{self.keyed('E', (w.name,))}){self.keyed('W', (w.name,))})"
        if roll < 0.56 and same:
            return f"{self.scalar()} * {self.read(self.draw.choice(same))}"
        if roll < 0.6 and same and self.axes:
            return self.choice_by_position(self.read(self.draw.choice(same)))
        return self.full()

    def embeddable(self) -> list[Known]:
        return [k for k in self.known if k.size == "token" and set(k.axes) <= set(self.axes)]

    def choice_by_position(self, text: str) -> str:
        axis = self.draw.choice(self.axes)
        return self.draw.choice(
            (
                f"where({axis} == 0, {text}, 0.5 * {text})",
                f"where({axis} < 2, 0, {text})",
                f"{text} / ({axis} + 1)",
                f"where({axis} >= 1, {text}, 0.25)",
            )
        )

    def scalar(self) -> str:
        k = self.draw.choice(self.sources())
        if k.size == "1":
            return self.read(k)
        a = self.read(k)
        other = self.draw.choice(self.sources(k.size))
        return self.draw.choice(
            (
                f"dot({a}, {self.read(other)})",
                f"sum({a})",
                f"mean({a} ^ 2)",
                f"norm({a} + 0.5)",
                "leak",
                f"sum({a}) / sqrt({k.size})" if k.size in "DHK" else "0.5",
                f"max(sin({a} + bias(as = {self.fresh('P')})))"
                if k.size == "D" and self.chance(0.3)
                else f"sum({a})",
            )
        )

    def net(self, size: str, first: str = "") -> str:
        terms = [first] if first else []
        terms += [self.term(size) for _ in range(self.draw.choice((1, 2, 2, 3)))]
        if ("b",) not in self.keys and self.chance(0.7):
            self.keys.add(("b",))
            terms.append("bias")
        return " + ".join(terms)

    def bounded(self, size: str, first: str = "") -> str:
        """The right side of a unit: some bounded function of a net input."""
        net = self.net(size, first)
        roll = self.draw.random()
        if roll < 0.06 and size != "1":
            return f"softmax({net})"
        if roll < 0.12 and size != "1":
            return f"tanh(layer_norm({net}))"
        if roll < 0.16:
            return f"clip({net}, -0.9, 0.8)"
        if roll < 0.2:
            return f"tanh(max({net}, 0.1 * ({self.net(size)})))"
        if roll < 0.24:
            return f"relu(tanh({net})) ^ 2 / 0.7"
        if roll < 0.3:
            return f"exp(-softplus({net}))"
        function = self.draw.choice(SMOOTH)
        return f"{function}({net})"

    # ---- units

    def unit(self, role: str, k: Known, right: str) -> None:
        axes = f"[{', '.join(k.axes)}]" if k.axes else ""
        self.say(f"{role} {k.name}{axes} : {k.size} = {right}")

    def begin(self, axes: tuple[str, ...]) -> None:
        self.axes, self.keys = axes, set()

    def name(self) -> str:
        return self.names.pop() if self.names and self.chance(0.8) else self.fresh("u")

    def input(self, axes: tuple[str, ...], size: str) -> Known:
        k = Known(self.fresh("x"), axes, size)
        index = f"[{', '.join(axes)}]" if axes else ""
        self.say(f"input {k.name}{index} : {'token(V)' if size == 'token' else size}")
        self.known.append(k)
        return k

    def target(self, axes: tuple[str, ...], size: str) -> Known:
        k = Known(self.fresh("t"), axes, size)
        index = f"[{', '.join(axes)}]" if axes else ""
        self.say(f"target {k.name}{index} : {'token(K)' if size == 'token' else size}")
        self.targets.append(k)
        return k

    def block(self, axes: tuple[str, ...], backward: bool = False) -> None:
        """One to three units that see each other's past (or future)."""
        self.direction = dict.fromkeys(axes, -1 if backward else 1)
        members = [Known(self.name(), axes, self.size()) for _ in range(self.draw.choice((1, 1, 2, 3)))]
        self.modes = dict.fromkeys((k.name for k in members), "moved")
        self.known += members
        for i, k in enumerate(members):
            self.begin(axes)
            before = self.read(members[i - 1])
            loop = f"full({before}{self.keyed('W', (members[i - 1].name,))})"
            own = self.read(k)
            roll = self.draw.random()
            if roll < 0.2:
                right = f"(1 - leak) * {own} + leak * {self.bounded(k.size, loop)}"
            elif roll < 0.35:
                gate = Known(self.name(), axes, k.size)
                self.unit("gate", gate, f"sigmoid({self.net(k.size)})")
                self.begin(axes)
                loop = f"full({before}{self.keyed('W', (members[i - 1].name,))})"
                right = f"{gate.name} * {own} + (1 - {gate.name}) * {self.bounded(k.size, loop)}"
            elif roll < 0.45 and axes == k.axes and len(axes) == 1:
                t = self.target(axes, k.size)
                inner = Known(self.fresh("y"), axes, k.size)
                self.unit("unit", inner, self.bounded(k.size, loop))
                right = f"forced({inner.name}, {t.name})"
                self.say(f"loss squared_error({inner.name}, {t.name})")
            else:
                right = self.bounded(k.size, loop)
            self.unit(self.draw.choice(("unit", "unit", "output")), k, right)
            self.modes[k.name] = "here"
        self.modes, self.direction = {}, {}
        for k in members:
            if self.chance(0.6):
                self.start(k, backward)

    def start(self, k: Known, backward: bool) -> None:
        """How a value begins."""
        self.begin(())
        constant = self.sources(k.size, ())
        roll = self.draw.random()
        if roll < 0.2:
            self.say(f"start {k.name} = learned")
        elif roll < 0.3:
            self.say(f"start {k.name} = 0.5")
        elif roll < 0.5 and self.sources(None, ()):
            source = self.draw.choice(self.sources(None, ()))
            self.say(f"start {k.name} = tanh(full({source.name}, as = {self.fresh('P')}) + 0.1)")
        elif roll < 0.8 and len(k.axes) == 1 and not backward:
            early = constant[0].name if constant else "0.25"
            self.say(f"start {k.name}[first-1] = {early}")
            if self.chance(0.5):
                self.say(f"start {k.name}[first-2] = sin({early} + 0.3)")
        else:
            h0 = self.input((), k.size)
            self.say(f"start {k.name} = {h0.name}")

    def plain(self, axes: tuple[str, ...]) -> None:
        """A unit outside every recurrence."""
        self.begin(axes)
        size = self.size()
        tokens = self.embeddable()
        pair = self.sources(None, axes)
        roll = self.draw.random()
        if roll < 0.15 and tokens:
            w = self.draw.choice(tokens)
            k = Known(self.name(), axes, "E")
            right = f"embedding({w.name}, E)"
        elif roll < 0.3 and len(pair) > 1:
            a, b = self.draw.sample(pair, 2)
            k = Known(self.name(), axes, f"{a.size} + {b.size}")
            right = f"concat({self.read(a)}, {self.read(b)})"
        elif roll < 0.4 and axes:
            k = Known(self.name(), axes, "1")
            axis = self.draw.choice(axes)
            right = f"softmax over {axis} ({self.attended(axes)}{self.mask(axis)})"
        else:
            k = Known(self.name(), axes, size)
            right = self.bounded(size)
        self.unit("unit", k, right)
        self.known.append(k)

    def attended(self, axes: tuple[str, ...]) -> str:
        k = self.draw.choice([s for s in self.sources() if s.axes] or self.sources())
        weight = self.fresh("v")
        self.say(f"param {weight} : {k.size}")
        seen = f"{self.read(k, still=True)} + full({self.source()[0]}, as = {self.fresh('P')})"
        return f"dot({weight}, tanh({seen}))"

    def mask(self, axis: str) -> str:
        scalars = [k for k in self.known if k.size != "token" and axis in k.axes and set(k.axes) <= {axis}]
        if not scalars or self.chance(0.5):
            return self.draw.choice(("", "", f", where = {axis} > 0"))
        k = self.draw.choice(scalars)
        value = k.name if k.size == "1" else f"sum({k.name})"
        return f", where = {value} > 0"

    def gathered(self, axis: str, rest: tuple[str, ...]) -> None:
        """A unit without `axis`: a sum, a mean, a maximum, or an end of a value that has it."""
        self.begin((*rest, axis))
        bodies = [k for k in self.sources(None, (*rest, axis)) if axis in k.axes and k.size != "1"]
        if not bodies:
            return
        k = self.draw.choice(bodies)
        out = Known(self.name(), rest, k.size)
        scalars = [a for a in self.sources("1", (*rest, axis)) if axis in a.axes]
        roll = self.draw.random()
        body = self.read(k, still=self.chance(0.7))
        if roll < 0.25:
            weight = f"{self.read(scalars[0])} * " if scalars else ""
            right = f"tanh(sum over {axis} ({weight}{body}{self.mask(axis)}))"
        elif roll < 0.5:
            right = f"mean over {axis} ({body}{self.mask(axis)})"
        elif roll < 0.65:
            seen = f"full({self.read(k, still=True)}, as = {self.fresh('P')}) + {axis}"
            right = f"tanh(max over {axis} (tanh({seen}){self.mask(axis)}))"
        else:
            self.begin(rest)
            right = self.bounded(k.size, f"full({self.read(k)}{self.keyed('W', (k.name,))})")
        self.unit("unit", out, right)
        self.known.append(out)

    def use(self, axis: str) -> None:
        """One or two uses of a cell."""
        self.begin((axis,))
        inside = [k for k in self.sources(None, (axis,)) if axis in k.axes and k.size != "1"]
        constant = self.sources("H", ())
        if not inside:
            return
        k = self.draw.choice(inside)
        shared = f" as {self.fresh('both')}" if self.chance(0.4) else ""
        cell = "peep" if constant and self.chance(0.5) else "gated"
        begin = f", {constant[0].name}" if cell == "peep" else ""
        ways = ("", " backward") if shared or self.chance(0.3) else (self.draw.choice(("", " backward")),)
        for way in ways:
            out = Known(self.name(), (axis,), "H")
            argument = self.read(k) if self.chance(0.5) else f"tanh({self.read(k)} + 0.1)"
            self.say(f"unit {out.name}[{axis}] = {cell}({argument}{begin}, H){way} over {axis}{shared}")
            self.known.append(out)

    # ---- losses

    def losses(self, axes_choices: Sequence[tuple[str, ...]]) -> None:
        for _ in range(self.draw.choice((1, 1, 2, 3))):
            self.loss(self.draw.choice(axes_choices))

    def loss(self, axes: tuple[str, ...]) -> None:
        self.begin(axes)
        out = Known(self.name(), axes, "K")
        kind = self.draw.choice(
            ("squared", "squared", "cross", "token", "token", "binary", "expression", "plain", "looked")
        )
        net = self.net("K", self.full())
        function = {"cross": "softmax", "token": "softmax", "binary": "sigmoid", "looked": "exp"}.get(
            kind, ""
        )
        self.unit("output", out, f"{function}({net})" if function else f"tanh({net})")
        t = self.target(axes, "token" if kind in ("token", "looked") else "K")
        value = {
            "squared": f"squared_error({out.name}, {t.name})",
            "cross": f"cross_entropy({out.name}, {t.name})",
            "token": f"cross_entropy({out.name}, {t.name})",
            "looked": f"cross_entropy({out.name}, {t.name})",
            "binary": f"binary_cross_entropy({out.name}, {t.name})",
            "expression": f"dot({out.name} - {t.name}, {out.name} - {t.name})",
            "plain": f"squared_error({out.name}, {t.name}) + 0.1 * dot({out.name}, {out.name})",
        }[kind]
        if len(axes) == 1 and kind != "plain" and self.chance(0.35):
            value = f"mean over {axes[0]} ({value})"
        elif self.chance(0.2):
            value = f"0.5 * {value}"
        self.say(f"loss {value}")
        self.known.append(out)

    # ---- networks

    def sequence(self, axis: str, layers: int) -> None:
        """Layers over one axis."""
        for _ in range(layers):
            roll = self.draw.random()
            if roll < 0.45:
                self.block((axis,), backward=self.chance(0.35))
            elif roll < 0.6:
                self.use(axis)
            elif roll < 0.8:
                self.plain((axis,))
            else:
                self.gathered(axis, ())

    def forward_only(self) -> str:
        """Layers over one axis of which none looks ahead."""
        self.say("axis n")
        x = self.input(("n",), "D")
        if self.chance(0.5):
            self.input(("n",), "token")
        for _ in range(self.draw.choice((1, 2, 3))):
            if self.chance(0.6):
                self.block(("n",))
            else:
                k = Known(self.name(), ("n",), self.size())
                self.begin(("n",))
                self.unit("unit", k, self.bounded(k.size))
                self.known.append(k)
        if self.chance(0.4):
            self.start(x, False)
        for _ in range(self.draw.choice((1, 2))):
            self.loss(("n",))
        return "n"

    def one_axis(self) -> str:
        axis = self.draw.choice(("n", "n", "n", "t", "k", "time", "b"))
        self.say(f"axis {axis}")
        self.inputs(axis)
        self.sequence(axis, self.draw.choice((1, 2, 2, 3, 4)))
        self.losses(((axis,), (axis,), (axis,), ()))
        return axis

    def inputs(self, axis: str) -> None:
        x = self.input((axis,), self.draw.choice(("D", "D", "H")))
        if self.chance(0.4):
            self.input((axis,), "token")
        if self.chance(0.4):
            self.input((), self.draw.choice(("D", "H")))
        if self.chance(0.2):
            self.input((axis,), "1")
        if self.chance(0.2):
            self.start(x, False)

    def attention(self) -> str:
        """A source over s, looked at from every step of t."""
        self.say("axis s, t")
        self.inputs("s")
        self.input(("t",), self.draw.choice(("D", "token")))
        if not any("t" in k.axes and k.size != "token" for k in self.known):
            self.input(("t",), "D")
        self.sequence("s", self.draw.choice((1, 2)))
        encoded = self.draw.choice(
            [k for k in self.known if k.axes == ("s",) and k.size not in ("1", "token")]
        )
        q = Known(self.name(), ("t",), "H")
        inside = self.chance(0.7)
        earlier = (
            f"{q.name}[t-1]"
            if inside
            else next(k.name for k in self.known if k.axes == ("t",) and k.size != "token")
        )
        v, e, a, c = self.fresh("v"), self.fresh("e"), self.fresh("a"), self.fresh("c")
        self.say(f"param {v} : H")
        self.say(f"unit {e}[t, s] : 1 = dot({v}, tanh(full({earlier}) + full({encoded.name}[s])))")
        self.say(f"unit {a}[t, s] : 1 = softmax over s ({e}[t, s]{self.mask('s')})")
        self.say(f"unit {c}[t] : {encoded.size} = sum over s ({a}[t, s] * {encoded.name}[s])")
        self.known += [Known(c, ("t",), encoded.size)]
        self.begin(("t",))
        loop = f"full({q.name}[t-1], {c})" if inside else f"full({c})"
        self.unit("unit", q, f"tanh({loop} + bias)")
        self.known.append(q)
        if inside and self.chance(0.5):
            self.say(f"start {q.name} = tanh(full({encoded.name}[last], as = {self.fresh('P')}))")
        self.losses((("t",), ("t",), ()))
        return self.draw.choice(("s", "t"))

    def plane(self) -> str:
        """Recurrence on two axes, gathered to one and to none."""
        self.say("axis i, j")
        self.input(("i", "j"), "D")
        if self.chance(0.5):
            self.input((), "H")
        if self.chance(0.5):
            self.input(("j",), "D")
        for _ in range(self.draw.choice((1, 1, 2))):
            self.block(("i", "j"), backward=self.chance(0.3))
        if self.chance(0.3):
            self.plain(("i", "j"))
        if self.chance(0.6):
            self.gathered("i", ("j",))
            self.block(("j",), backward=self.chance(0.5))
        if self.chance(0.5):
            self.gathered("j", ())
        self.losses((("i", "j"), ("j",), ()))
        return "j"

    def network(self) -> str:
        roll = self.draw.random()
        if self.causal:
            axis = self.forward_only()
        else:
            axis = self.one_axis() if roll < 0.7 else self.attention() if roll < 0.85 else self.plane()
        body = self.lines
        if self.chance(0.5):
            self.draw.shuffle(body)
        head = "network drawn(D = 3, H = 4, K = 2, V = 5, E = 2, leak = 0.3) {\n"
        return "fn swish(z) = z * sigmoid(z)\n" + CELLS.format(axis=axis) + head + "\n".join(body) + "\n}\n"


def random_spec(seed: int) -> Spec:
    """The random network of a seed: the same text for the same seed, always."""
    return Spec(seed, Writer(seed).network())
