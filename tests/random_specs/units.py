"""Random units: recurrent blocks, plain units, reductions over an axis, uses of cells, and how they start."""

from __future__ import annotations

from random_specs.expressions import Expressions
from random_specs.reading import Known

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


class Units(Expressions):
    """Writes units."""

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
        elif roll < 0.4 and any(set(s.axes) & set(axes) for s in pair):
            k = Known(self.name(), axes, "1")
            seen = self.draw.choice([s for s in pair if set(s.axes) & set(axes)])
            axis = self.draw.choice([a for a in seen.axes if a in axes])
            right = f"softmax over {axis} ({self.attended(seen)}{self.mask(axis)})"
        else:
            k = Known(self.name(), axes, size)
            right = self.bounded(size)
        self.unit("unit", k, right)
        self.known.append(k)

    def attended(self, k: Known) -> str:
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
        # no sum comes out as this number but for rounding
        return f", where = {value} > 0.0371"

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
