"""Expressions put together from templates to any depth: vectors, scalars, matrices, conditions, reductions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random

from random_specs.corners import Corners
from random_specs.reading import Known

# {a} {b} vectors of this size, {r} one that is read, {v} a new one, {i} {j} where a connection has no shape, {o} {p} of
# another size, {x} {y} the source of a connection, {s} {z} scalars, {c} a condition, {n} a position, {w} a token, {t} a
# target, {P} a new weight, {Q} one whose shape is its own, {S} one that is shared, {W} a window, {T} a table, {Mso} a
# matrix of this size by the other
VECTORS = (
    *(
        "clip({a}, {s}, 0.4)",
        "clip({a}, -0.3, {b})",
        "clip({r}, {a}, {b})",
        "clip({r}, {s}, {b})",
        "clip({s}, {a}, {r})",
    ),
    *("sign({r}) * {a}", "step({r}) * {a}", "round(3 * {r}) * {a}", "floor(2 * {r} + 0.371)", "ceil({r}) * {a}"),
    *("sign({a} - 0.0371)", "step({a} + 0.0173) * {b}", "abs({a})"),
    *("full({x}, as = {P})", "full({x}, {y}, as = {P})", "full({x}, {s}, as = {P})", "full({S})", "full({S}) * {a}"),
    *("diag({i}, as = {Q})", "bias(as = {P}) + {a}", "{a} * bias(as = {P}, init = ones)", "{r} + {s}"),
    *("bilinear({x}, {y}, as = {P})", "bilinear({W}, {y}, as = {P})", "bilinear({i}, {i}, as = {P})"),
    *("sparse({x}, density = 0.5, as = {P})", "sparse({W}, density = 0.3, as = {P})", "full({W}, as = {P})"),
    *("{T}[{w}]", "{T}[{w}] * {a}", "embedding({w}, {size}, as = {Q})", "full(embedding({w}, E, as = {Q}), as = {P})"),
    *("{Mso} @ {o}", "{o} @ {Mos}", "transpose({Mos}) @ {o}", "{Mso} @ {Mos} @ {i}", "outer({i}, {o}) @ {p}"),
    *("{o} @ transpose(outer({i}, {p}))", "({i} @ {Mso}) @ {Mos}", "full({Mso}, as = {P})", "full({Moo}, as = {P})"),
    *(
        "softmax({a})",
        "log_softmax({a}) / 4",
        "layer_norm({a} + {v})",
        "diag(layer_norm({i} + {v}), init = ones, as = {Q})",
    ),
    *("where({c}, {a}, {b})", "where({i} > 0.0371, {b}, {r})", "min({a}, {b}, 0.1)", "max({a}, {s}, {b})"),
    *("forced({a}, {t})", "present({t}) * {a}", "{there}", "forced({a}, {t}) * {b}"),
    *(
        "{s} * {a}",
        "{a} / (abs({s}) + 1)",
        "exp(-abs({a}))",
        "tanh({a} * {b})",
        "sqrt({a} ^ 2 + 0.3)",
        "({a} + {b}) / 2",
    ),
    *("swish({a})", "scaled({a}, leak)", "pick({a}, {b})", "{a} * ({n} + 1) / 5", "0.8 ^ {n} * {a}", "{a} - {r}"),
    *("{over}", "{over} * {a}", "tanh({over})", "{kept}", "{kept} * {a}", "{r}", "{taps}", "{taps}"),
)
SCALARS = (
    *(
        "dot({o}, {p})",
        "{o} @ {p}",
        "sum({o})",
        "mean({o} ^ 2)",
        "max({o})",
        "min({o})",
        "norm({o} + 0.5)",
        "{s} * {z}",
    ),
    *("dot(slice({o}, 0, 2), slice({p}, 0, 2))", "sum(slice({Mop}, 1, 2) @ {q})", "sum(concat({s}, {o}))"),
    *("sum({Mop})", "({o} @ {Mop}) @ {q}", "dot({o}, {Mop} @ {q})", "log(sum(exp({o})))", "max({Mop})", "tanh({s})"),
    *("{n} / 3", "where({c}, {s}, {z})", "min({s}, {z})", "clip({s}, -0.2, {z})", "mean({W})", "norm({W} + 1)", "leak"),
    *("sum({over})", "max({over})", "{overone}", "{overone}", "{keptone}", "{T1}[{w}]", "round(2 * {read})", "{read}"),
)
MATRICES = (
    *(
        "outer({a}, {b})",
        "transpose({Mcr})",
        "{Mro} @ {Moc}",
        "tanh({M})",
        "{M} * {N}",
        "{s} * {M}",
        "{leaf}",
        "{leaf}",
    ),
    *(
        "softmax({M})",
        "layer_norm({M} + {new})",
        "log_softmax({M}) / 4",
        "where({c}, {M}, {N})",
        "max({M}, {N})",
        "{s} + {M}",
    ),
    *("clip({M}, -0.3, {s})", "sign({leaf}) * {M}", "where({M} > 0.0371, {M}, {N})", "{leaf} + {M}", "{overmany}"),
    *("diag({M}, as = {Q})", "transpose(outer({b}, {a}))"),
)
CONDITIONS = (*("{s} > 0.0371", "{s} < {z} + 0.0173", "{n} == 1", "{n} < 2", "{w} == 2", "{w} != {w}", "{s} >= 0.271"),)
VERBS = ("sum", "mean", "max", "min")
OTHERS = ("D", "H", "K", "E")


class Composing(Corners):
    """Writes right sides of any depth."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.draw = Random(f"composed {seed}")
        self.ends = Random(f"composed ends {seed}")
        self.causal = self.chance(0.4)
        self.every: tuple[str, ...] = ()
        self.matrices: list[Known] = []
        self.tied: dict[tuple[str, str], str] = {}
        # within a reduction or a start nothing of the block being written is seen
        self.closed = False
        # whether the shape of what is being written is the unit's
        self.shaped = True

    def sources(self, size: str | None = None, axes: Sequence[str] | None = None) -> list[Known]:
        seen = super().sources(size, axes)
        return [k for k in seen if k.name not in self.modes] if self.closed else seen

    def fill(self, templates: tuple[str, ...], fill: Mapping[str, Callable[[], str]]) -> str:
        """One of the templates that can be filled, filled from left to right."""
        while True:
            template = self.draw.choice(templates)
            try:
                return re.sub(r"\{(\w+)\}", lambda found: fill[found[1]](), template)
            except LookupError:
                continue

    def everywhere(self, depth: int) -> dict[str, Callable[[], str]]:
        """What every template may hold."""
        return {
            "s": lambda: self.number(depth),
            "z": lambda: self.number(depth),
            "c": lambda: self.condition(depth),
            "n": lambda: self.draw.choice(self.axes),
            "w": self.token,
            "P": self.weight,
            "Q": lambda: self.fresh("P"),
            "x": lambda: self.sourced(depth),
            "y": lambda: self.sourced(depth),
            "W": lambda: self.windowed()[0],
            "T1": lambda: self.array("T", "(V, 1)"),
        }

    def array(self, prefix: str, shape: str) -> str:
        """The name of a new array of this shape, trained or drawn once."""
        name = self.fresh(prefix)
        fixed = self.chance(0.2)
        self.say(f"fixed {name} : {shape} = normal(0.4)" if fixed else f"param {name} : {shape}")
        return name

    def vector(self, size: str, depth: int) -> str:
        """A vector of this size; of depth 0 one that is read."""
        if depth <= 0:
            return self.leaf(size)
        other = self.draw.choice([o for o in OTHERS if o != size])
        deeper = depth - self.draw.choice((1, 1, 2))
        fill = self.everywhere(deeper) | {
            "a": lambda: self.vector(size, deeper),
            "b": lambda: self.vector(size, deeper),
            "r": lambda: self.leaf(size),
            "v": lambda: self.array("v", size),
            "i": lambda: self.apart(lambda: self.vector(size, deeper)),
            "o": lambda: self.apart(lambda: self.vector(other, deeper)),
            "p": lambda: self.apart(lambda: self.vector(other, deeper)),
            "S": lambda: self.shared_source(size),
            "T": lambda: self.array("T", f"(V, {size})"),
            "Mso": lambda: self.matrix(size, other, deeper),
            "Mos": lambda: self.matrix(other, size, deeper),
            "Moo": lambda: self.matrix(other, other, deeper),
            "t": lambda: self.targeted(size),
            "there": lambda: self.where_there(size, deeper),
            "size": lambda: size,
            "over": lambda: self.over(lambda: self.vector(size, deeper)),
            "kept": lambda: self.kept(lambda: self.vector(size, deeper)),
            "taps": lambda: self.taps(size),
        }
        text = self.fill(VECTORS, fill)
        return f"({text})" if " " in text else text

    def number(self, depth: int) -> str:
        """A scalar."""
        return self.apart(lambda: self.scalar_of(depth))

    def scalar_of(self, depth: int) -> str:
        if depth <= 0:
            k = self.draw.choice(self.sources())
            return (
                self.read(k) if k.size == "1" else self.draw.choice(("sum", "mean", "max", "min")) + f"({self.read(k)})"
            )
        one, two = self.draw.choice(OTHERS), self.draw.choice(OTHERS)
        deeper = depth - self.draw.choice((1, 1, 2))
        fill = self.everywhere(deeper) | {
            "o": lambda: self.vector(one, deeper),
            "p": lambda: self.vector(one, deeper),
            "q": lambda: self.vector(two, deeper),
            "Mop": lambda: self.matrix(one, two, deeper),
            "over": lambda: self.over(lambda: self.vector(one, deeper)),
            "overone": lambda: self.over(lambda: self.number(deeper)),
            "keptone": lambda: self.kept(lambda: self.number(deeper)),
            "read": lambda: self.number(0),
        }
        text = self.fill(SCALARS, fill)
        return f"({text})" if " " in text else text

    def matrix(self, rows: str, columns: str, depth: int) -> str:
        """A matrix of this shape; of depth 0 a unit that is read, or an array."""
        return self.apart(lambda: self.matrix_of(rows, columns, depth))

    def matrix_of(self, rows: str, columns: str, depth: int) -> str:
        if depth <= 0:
            return self.whole(rows, columns)
        other = self.draw.choice(OTHERS)
        deeper = depth - self.draw.choice((1, 2))
        fill = self.everywhere(deeper) | {
            "a": lambda: self.vector(rows, deeper),
            "b": lambda: self.vector(columns, deeper),
            "M": lambda: self.matrix(rows, columns, deeper),
            "N": lambda: self.matrix(rows, columns, deeper),
            "Mcr": lambda: self.matrix(columns, rows, deeper),
            "Mro": lambda: self.matrix(rows, other, deeper),
            "Moc": lambda: self.matrix(other, columns, deeper),
            "leaf": lambda: self.whole(rows, columns),
            "new": lambda: self.array("A", f"({rows}, {columns})"),
            "overmany": lambda: self.over(lambda: self.matrix(rows, columns, deeper)),
        }
        return f"({self.fill(MATRICES, fill)})"

    def whole(self, rows: str, columns: str) -> str:
        shape = f"({rows}, {columns})"
        seen = [k for k in self.matrices if k.size == shape and self.visible(k)]
        if seen and self.chance(0.7):
            return self.read(self.draw.choice(seen))
        return self.array("A", shape)

    def visible(self, k: Known) -> bool:
        free = self.modes.get(k.name, "free") == "free"
        return free or (not self.closed and set(k.axes) <= set(self.axes))

    def leaf(self, size: str) -> str:
        same = self.sources(size)
        if same and self.chance(0.85):
            return self.read(self.draw.choice(same), ends=0.1)
        k = self.draw.choice(self.sources())
        if self.shaped or k.size == "1":
            return f"full({self.read(k, ends=0.1)}, as = {self.weight()})" if self.shaped else self.array("v", size)
        return f"({self.array('A', f'({size}, {k.size})')} @ {self.read(k, ends=0.1)})"

    def weight(self) -> str:
        """The name of a new weight; `LookupError` where its shape would follow from nothing."""
        if not self.shaped:
            raise LookupError
        return self.fresh("P")

    def apart(self, write: Callable[[], str]) -> str:
        """What stands where the unit's shape does not say its own."""
        outside, self.shaped = self.shaped, False
        try:
            return write()
        finally:
            self.shaped = outside

    def sourced(self, depth: int) -> str:
        """What a connection multiplies: read, or made for it."""
        return self.apart(lambda: self.source_of(depth))

    def source_of(self, depth: int) -> str:
        roll = self.draw.random()
        one, two = self.draw.choice(OTHERS), self.draw.choice(OTHERS)
        if roll < 0.15:
            low = self.draw.choice((0, 1))
            return f"slice({self.vector(one, depth)}, {low}, 2)"
        if roll < 0.3:
            return f"concat({self.vector(one, depth)}, {self.vector(two, depth - 1)})"
        if roll < 0.4:
            return f"concat({self.number(depth)}, slice({self.vector(one, depth)}, 1, 2), 0.5)"
        if roll < 0.45:
            return f"slice(concat({self.vector(one, depth)}, {self.leaf('H')}), 1, 4)"
        return self.read(self.draw.choice(self.sources())) if roll < 0.7 else self.vector(one, depth)

    def shared_source(self, size: str) -> str:
        """A source and the one weight of all its like."""
        if not self.shaped:
            raise LookupError
        k = self.draw.choice(self.sources())
        name = self.tied.setdefault((size, k.size), f"S{len(self.tied)}")
        return f"{self.read(k)}, as = {name}"

    def windowed(self) -> tuple[str, int]:
        """A window of a value of one axis; `LookupError` where none is in sight."""
        found = [seen for k in self.sources() if k.size != "1" and (seen := self.window(k)) is not None]
        return self.draw.choice(found)

    def taps(self, size: str) -> str:
        found = [seen for k in self.sources(size) if size != "1" and (seen := self.window(k)) is not None]
        text, count = self.draw.choice(found)
        return f"{self.array('d', str(count))} @ {text}"

    def token(self) -> str:
        """A token at a place, near or at an end."""
        return self.read(self.draw.choice([k for k in self.known if k.size == "token"]), ends=0.15)

    def targeted(self, size: str) -> str:
        """A target that the equation reads, now or before."""
        here = [t for t in self.targets if t.size == size and set(t.axes) <= set(self.axes)]
        t = self.draw.choice(here) if here and self.chance(0.6) else self.target(self.axes, size)
        return self.read(t)

    def where_there(self, size: str, depth: int) -> str:
        t = self.targeted(size)
        return f"where(present({t}) > 0.5, {t}, {self.vector(size, depth)})"

    def condition(self, depth: int) -> str:
        return self.fill(CONDITIONS, self.everywhere(depth))

    def over(self, body: Callable[[], str]) -> str:
        """A reduction; `LookupError` where nothing may look over a whole axis."""
        if self.causal or not self.every:
            raise LookupError
        gone = self.draw.sample(self.every, self.draw.choice((1, 1, len(self.every))))
        gone = [a for a in self.every if a in gone]
        return self.within(gone, f"{self.draw.choice(VERBS)} over {', '.join(gone)}", body)

    def kept(self, body: Callable[[], str]) -> str:
        if self.causal or not self.axes:
            raise LookupError
        axis = self.draw.choice(self.axes)
        return self.within([axis], f"{self.draw.choice(('softmax', 'log_softmax'))} over {axis}", body)

    def within(self, axes: list[str], verb: str, body: Callable[[], str]) -> str:
        outside, closed = self.axes, self.closed
        self.axes, self.closed = tuple(a for a in self.every if a in (*outside, *axes)), True
        try:
            if not all(any(a in k.axes for k in self.sources()) for a in axes):
                raise LookupError
            mask = f", where = {self.condition(1)}" if self.chance(0.4) else ""
            text = body()
            for a in axes:
                if "over" in text or not self.varies(text, a):
                    text = f"{text} * 0.8 ^ {a}"
            return f"({verb} ({text}{mask}))" + (" / 4" if verb.startswith("sum") else "")
        finally:
            self.axes, self.closed = outside, closed

    def varies(self, text: str, axis: str) -> bool:
        """Whether an expression says something of an axis."""
        bare = [k.name for k in (*self.known, *self.matrices, *self.targets) if axis in k.axes]
        return any(re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.\[])", text) for name in (axis, *bare))
