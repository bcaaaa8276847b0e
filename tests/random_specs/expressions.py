"""Random connections, net inputs and bounded functions of them."""

from __future__ import annotations

from random_specs.reading import Known, Reading

SMOOTH = ("tanh", "sigmoid", "sin", "atan", "erf", "softsign")
GROWING = ("softplus", "swish")


class Expressions(Reading):
    """Writes right sides."""

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
            return f"diag({self.read(k, ends=0.05)}{self.keyed('w', (k.name,))})"
        if roll < 0.16 and same:
            return self.read(self.draw.choice(same))
        if roll < 0.22:
            pair = (self.draw.choice(self.sources()), self.draw.choice(self.sources()))
            names = tuple(dict.fromkeys(k.name for k in pair))
            return f"bilinear({self.read(pair[0], ends=0.1)}, {self.read(pair[1])}{self.keyed('W', names)})"
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
                f"max(sin({a} + bias(as = {self.fresh('P')})))" if k.size == "D" and self.chance(0.3) else f"sum({a})",
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
        function = self.draw.choice((*SMOOTH, *GROWING))
        return f"{function}(2 * tanh({net}))" if function in GROWING else f"{function}({net})"
