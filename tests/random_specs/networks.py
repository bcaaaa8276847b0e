"""Random networks: layers over one axis, attention, a plane; their losses."""

from __future__ import annotations

from collections.abc import Sequence

from random_specs.reading import Known
from random_specs.units import CELLS, Units


class Network(Units):
    """Writes a whole network."""

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
        function = {"cross": "softmax", "token": "softmax", "binary": "sigmoid", "looked": "exp"}.get(kind, "")
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
        if kind != "looked":
            # what is bounded
            self.known.append(out)

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
        encoded = self.draw.choice([k for k in self.known if k.axes == ("s",) and k.size not in ("1", "token")])
        q = Known(self.name(), ("t",), "H")
        inside = self.chance(0.7)
        earlier = (
            f"{q.name}[t-1]" if inside else next(k.name for k in self.known if k.axes == ("t",) and k.size != "token")
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
