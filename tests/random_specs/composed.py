"""Networks of composed expressions: units of vectors and matrices, cells in cells, starts, one to three axes."""

from __future__ import annotations

from random_specs.composed_losses import ComposedLosses
from random_specs.reading import Known

FUNCTIONS = """fn swish(z) = z * sigmoid(z)
fn scaled(z, a) = a * swish(z / a)
fn pick(z, a) = where(z > a, z * a, max(z, 0.1) + a)
"""
CELLS = """cell knot(x, H) over {axis} {{
  gate z : H = sigmoid(full(x) + block(y[{axis}-1], 2) + bias)
  unit y : H = z * y[{axis}-1] + (1 - z) * tanh(wide + full(x[{axis}-1..{axis}], as = S_knot))
  unit wide : H = sparse(y[{axis}-2], density = 0.5)
{early}  start y = learned
  return y
}}
cell store(x, before, H, K, rate = 0.4) over {axis} {{
  param A : (K, H)
  unit m : (H, K) = rate * m[{axis}-1] + outer(tanh(full(x) + y[{axis}-1]), softmax(A @ tanh(x - y[{axis}-1])))
  start m = outer(before, softmax(A @ before))
  unit inner = knot(x * before, H){back} over {axis}
  unit y : H = tanh(inner[{axis}-1] + layer_norm(bilinear(x, y[{axis}-2]) + {first}) + transpose(A) @ (y[{axis}-1] @ m))
  start y = before
  return y
}}
cell point(x, H) {{
  fn half(a) = a / (abs(a) + 2)
  unit u : H = half(full(x) + bias)
  return u
}}
cell tower(x, before, H, K) over {axis} {{
  unit up = knot(x, H) over {axis}
  unit down = knot(up.z[{axis}-1] * up, H) backward over {axis} as tied
  unit turn = point(down, K)
  unit y : K = sin(full(turn) + diag(y[{axis}-3]) + full(before) + full(down.z, as = P_b))
  start y = tanh(full(before, as = S_before))
  return y
}}
"""


class Composed(ComposedLosses):
    """Writes networks whose parts are composed."""

    def composed(self) -> str:
        single, several = (("n",), ("time",)), (("n",), ("time",), ("i", "j"), ("s", "t"), ("b", "k", "n"))
        self.every = self.draw.choice(single if self.causal else several)
        self.given()
        inputs = list(self.known)
        parts = (self.ring, self.ring, self.ring, self.lone, self.lone, self.gathers, self.used)
        for part in self.draw.choices(parts, k=self.draw.choice((1, 2, 2, 3) if len(self.every) < 3 else (1, 2))):
            part()
        for k in inputs:
            if k.axes and k.size not in ("1", "token") and self.chance(0.2):
                self.begun(k, [x for x in inputs if not x.axes])
        for _ in range(self.draw.choice((1, 1, 2))):
            self.lost()
        axes = f"  axis {', '.join((*self.every, *self.labels))}"
        body = [axes, *self.lines]
        self.draw.shuffle(body)
        axis = self.every[0] if self.running is None else self.running
        cells = CELLS.format(
            axis=axis,
            back="" if self.causal else " backward",
            first="full(x)" if self.causal or len(self.every) > 1 else "full(x[first])",
            early="  start y[first-1] = 0.2\n" if len(self.every) == 1 else "",
        )
        return (
            FUNCTIONS
            + cells
            + "network composed(D = 3, H = 4, K = 2, V = 5, E = 2, leak = 0.3) {\n"
            + "\n".join(body)
            + "\n}\n"
        )

    def given(self) -> None:
        """The inputs."""
        self.input(self.every, "D")
        self.input((), "H")
        for axes in (self.every, self.every[-1:], self.every[:1], ()):
            if self.chance(0.5):
                self.input(axes, self.draw.choice(("token", "token", "1", "H", "K")))
        if self.chance(0.2):
            self.large("input", self.every, ("K", "D"))

    def large(self, role: str, axes: tuple[str, ...], shape: tuple[str, str], right: str = "") -> Known:
        """A value that is a matrix."""
        k = Known(self.fresh("M"), axes, f"({shape[0]}, {shape[1]})")
        index = f"[{', '.join(axes)}]" if axes else ""
        self.say(f"{role} {k.name}{index} : {k.size}{right}")
        return k

    def some(self) -> tuple[str, ...]:
        """The axes of a unit: most often all there are."""
        if self.chance(0.75):
            return self.every
        return tuple(a for a in self.every if self.chance(0.5)) or self.every[-1:]

    def ring(self) -> None:
        """One to three units, of vectors or matrices, that see what they were on the way here."""
        axes, before = self.some(), list(self.known)
        self.direction = {a: 1 if self.causal else self.draw.choice((1, -1)) for a in axes}
        members = []
        for _ in range(self.draw.choice((1, 1, 2, 3))):
            shape = (self.draw.choice("HKD"), self.draw.choice("HKE"))
            whole = self.chance(0.3)
            members.append(
                Known(
                    self.name(),
                    axes,
                    f"({shape[0]}, {shape[1]})" if whole else self.draw.choice(("H", "H", "K", "2*K", "H - 1")),
                )
            )
        self.modes = dict.fromkeys((k.name for k in members), "moved")
        self.known += [k for k in members if "(" not in k.size]
        self.matrices += [k for k in members if "(" in k.size]
        for k in members:
            self.begin(axes)
            self.unit(self.draw.choice(("unit", "unit", "output")), k, self.turning(k, members))
            self.modes[k.name] = "here"
        self.modes, self.direction = {}, {}
        for k in members:
            if self.chance(0.7):
                self.begun(k, before)

    def turning(self, k: Known, members: list[Known]) -> str:
        """The right side of one of the units of a recurrence."""
        if "(" in k.size:
            rows, columns = k.size.strip("()").split(", ")
            return f"0.4 * {self.read(k)} + 0.5 * tanh({self.matrix(rows, columns, 2)})"
        own, new = self.read(k), self.vector(k.size, self.draw.choice((1, 2, 3)))
        other = self.draw.choice(members)
        loop = f"full({self.read(other)}, as = {self.fresh('P')})"
        if k.size == "H" and self.chance(0.5):
            loop = self.draw.choice(
                (
                    f"block({own}, 2, as = {{}})",
                    f"sparse({own}, density = 0.5, as = {{}})",
                    f"bilinear({own}, {own}, as = {{}})",
                )
            ).format(self.fresh("P"))
        return self.draw.choice(
            (
                f"tanh({loop} + {new} + bias)",
                f"tanh({loop} + {new})",
                f"(1 - leak) * {own} + leak * tanh({new} + {loop})",
                f"sigmoid({self.vector(k.size, 1)}) * {own} + 0.3 * sin({new})",
                f"clip({loop} + {new}, -0.8, 0.7)",
                f"tanh(layer_norm({loop} + {new} + bias))",
                f"softmax({loop} + {new})",
                f"where({self.condition(1)}, 0.5 * {own}, tanh({new} + {loop}))",
            )
        )

    def lone(self) -> None:
        """A unit in no recurrence."""
        self.begin(self.some())
        if self.chance(0.3):
            shape = (self.draw.choice("HKD"), self.draw.choice("HKE"))
            k = Known(self.name(), self.axes, f"({shape[0]}, {shape[1]})")
            self.unit("unit", k, f"tanh({self.matrix(*shape, 3)})")
            self.matrices.append(k)
        elif self.chance(0.25):
            k = Known(self.name(), self.axes, "1")
            self.unit("unit", k, f"tanh({self.number(3)})")
            self.known.append(k)
        else:
            k = Known(self.name(), self.axes, self.size())
            self.unit(self.draw.choice(("unit", "output")), k, f"tanh({self.vector(k.size, 3)})")
            self.known.append(k)

    def gathers(self) -> None:
        """A unit that lacks some of the axes."""
        if self.causal:
            return self.lone()
        self.begin(self.draw.choice([(), self.every[1:], self.every[:-1]]))
        k = Known(self.name(), self.axes, self.size())
        self.unit("unit", k, f"tanh({self.over(lambda: self.vector(k.size, 2))} + {self.vector(k.size, 1)})")
        self.known.append(k)
        return None

    def used(self) -> None:
        """Uses of cells that hold cells."""
        self.running = self.running or self.draw.choice(self.every)
        axis, axes = self.running, self.every if self.chance(0.7) else (self.running,)
        self.begin(axes)
        same = f" as {self.fresh('both')}" if self.chance(0.5) else ""
        cell, size, parts = self.draw.choice(
            (
                ("knot(%s, H)", "H", (".z",)),
                ("store(%s, %s, H, K)", "H", (".inner", ".inner.z")),
                ("point(%s, K)", "K", ()),
                ("tower(%s, %s, H, K)", "K", (".up", ".down.z")),
            )[: 2 if self.causal else 4]
        )
        for _ in range(self.draw.choice((1, 2))):
            x = f"tanh({self.apart(lambda: self.vector('H', self.draw.choice((0, 1, 2))))})"
            if "over" in x or not self.varies(x, axis):
                x = f"{x} * 0.8 ^ {axis}"
            self.begin(())
            before = self.apart(lambda: self.vector("H", self.draw.choice((0, 1))))
            self.begin(axes)
            k = Known(self.name(), axes, size)
            way = "" if self.causal or cell.startswith("point") else self.draw.choice(("", " backward"))
            over = "" if cell.startswith("point") else f" over {axis}"
            self.say(f"unit {k.name}[{', '.join(axes)}] = {cell % ((x, before)[: cell.count('%')])}{way}{over}{same}")
            self.known += [k, *(Known(k.name + part, axes, "H") for part in parts)]

    def begun(self, k: Known, seen: list[Known]) -> None:
        """How a value begins, as what stood before it says: always, step by step, or both."""
        known, matrices, self.known, self.matrices = self.known, self.matrices, seen, []
        self.begin(())
        if "(" in k.size:
            rows, columns = k.size.strip("()").split(", ")
            value = self.draw.choice(("learned", "0.3", f"tanh({self.matrix(rows, columns, 1)})"))
            self.say(f"start {k.name} = {value}")
        elif self.chance(0.7):
            self.say(f"start {k.name} = {self.draw.choice(('learned', '0.5', self.early(k)))}")
        if len(k.axes) == 1 and "(" not in k.size:
            for before in self.draw.sample((1, 2, 3, 4), self.draw.choice((0, 1, 2, 3))):
                self.say(f"start {k.name}[first-{before}] = {self.early(k)}")
        self.known, self.matrices = known, matrices

    def early(self, k: Known) -> str:
        return f"tanh({self.vector(k.size, self.draw.choice((0, 1, 2)))})"
