"""Random losses of small networks: every form of a loss inside every other, targets of every shape along every axis.

The networks under them are one layer deep, so that many can be tried; what is drawn in full is the loss.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from random import Random

HEADS = {
    "tanh": "tanh({})",
    "plain": "{}",
    "softmax": "softmax({})",
    "sigmoid": "sigmoid({})",
    "peaked": "exp(log_softmax({}))",
    "logs": "exp({})",
    "other": "0.1 + 0.8 * sigmoid({})",
}
SQUARED, SHARES, FLAGS = (
    ("tanh", "plain", "sigmoid"),
    ("softmax", "peaked", "sigmoid", "other", "logs"),
    ("sigmoid", "other", "sigmoid"),
)
Axes = tuple[str, ...]


class Lossy:
    """Writes a network for its losses."""

    def __init__(self, seed: int, drops: bool) -> None:
        self.drops = drops
        self.draw = Random(f"losses {seed}")
        self.lines: list[str] = []
        self.made: dict[tuple[str, Axes, str], list[str]] = {}
        self.count = 0
        self.every: Axes = ()
        self.labels = False
        # nothing looks ahead: these networks also run step by step
        self.causal = self.chance(0.25)

    def chance(self, p: float) -> bool:
        return self.draw.random() < p

    def pick(self, *choices: Callable[[], str]) -> str:
        return self.draw.choice(choices)()

    def spec(self) -> str:
        self.every = (
            ("n",) if self.causal else self.draw.choice((("n",), ("n",), ("i", "j"), ("i", "j"), ("s", "t", "k")))
        )
        for k in range(len(self.every) + 1):
            for axes in combinations(self.every, k):
                self.say(f"input x{''.join(axes)}{index(axes)} : D")
        self.say(
            f"output h{index(self.every[:1])} : H = tanh(full(x{self.every[0]}) + full(h[{self.every[0]}-1]) + bias)"
        )
        self.say("param G : (H, K) = normal(0.3)")
        for _ in range(self.draw.choice((1, 1, 1, 2, 3))):
            value = self.whole()
            self.say(f"loss {value}")
        axes = self.every + (("m",) if self.labels else ())
        self.lines.insert(0, f"  axis {', '.join(axes)}")
        head = "fn swish(z) = z * sigmoid(z)\nfn huber(z, d) = where(abs(z) < d, 0.5 * z ^ 2, d * (abs(z) - 0.5 * d))\n"
        return head + "network losses(D = 3, H = 4, K = 2, M = 3, leak = 0.3) {\n" + "\n".join(self.lines) + "\n}\n"

    def say(self, line: str) -> None:
        self.lines.append("  " + line)

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def some(self, axes: Axes) -> Axes:
        """Most often all of these axes."""
        return axes if self.chance(0.7) else tuple(a for a in axes if self.chance(0.5))

    def predicted(self, kind: str, axes: Axes, size: str) -> str:
        """The name of an output along these axes."""
        known = self.made.setdefault((kind, axes, size), [])
        if not known or self.chance(0.4):
            name = self.fresh("y")
            a = self.every[0]
            seen = f"full(x{''.join(axes)}) + " + (f"full(h[{a}]) + " if a in axes else "")
            if size.startswith("("):
                rows, columns = size.strip("()").split(", ")
                right = f"outer(full(x{''.join(axes)}, as = {self.fresh('P')}), {self.vector_of(columns)})"
                self.say(f"unit {name}w{index(axes)} : {rows} = full(x{''.join(axes)})")
                right = f"outer({name}w, {self.vector_of(columns)})"
                right = HEADS[kind].format(right)
            else:
                right = HEADS[kind].format(seen + "bias")
            role = self.draw.choice(("unit", "output", "output")) if axes else "output"
            self.say(f"{role} {name}{index(axes)} : {size} = {right}")
            known.append(name)
        return self.draw.choice(known)

    def vector_of(self, size: str) -> str:
        name = self.fresh("v")
        self.say(f"param {name} : {size} = normal(0.5)")
        return name

    def target(self, axes: Axes, size: str) -> str:
        """The name of a target along these axes."""
        known = self.made.setdefault(("target", axes, size), [])
        if not known or self.chance(0.5):
            known.append(self.fresh("t"))
            self.say(f"target {known[-1]}{index(axes)} : {size}")
        return self.draw.choice(known)

    def at(self, name: str, axes: Axes, started: str = "") -> str:
        """A value here, nearby or at an end; with `started` something stands before its first step."""
        if not axes or self.chance(0.65):
            return name if self.chance(0.8) else name + index(axes)
        entries = []
        for a in axes:
            move = self.draw.choice((0, 0, -1, -2) if self.causal or started else (0, 0, -1, 1, -2))
            entries.append(a + (f"{move:+d}" if move else ""))
            if self.chance(0.2) and not self.causal:
                entries[-1] = self.draw.choice(("first", "last") if started else ("first", "last", "last-1", "first+1"))
        if started and f"  start {name} = {started}" not in self.lines:
            self.say(f"start {name} = {started}")
        return f"{name}[{', '.join(entries)}]"

    def size(self) -> str:
        return self.draw.choice(("K", "K", "K", "1", "H", "(K, M)"))

    def whole(self) -> str:
        """A loss of the network."""
        if self.chance(0.06) and not self.labels:
            self.labels = True
            along = self.draw.choice(self.every)
            p, t = self.predicted("softmax", (along,), "H"), self.fresh("t")
            self.say(f"target {t}[m] : token(H)")
            value = f"ctc({p}, {t}{self.draw.choice(('', ', blank = H - 1'))})"
            return self.draw.choice((value, f"0.5 * {value}", f"{value} + {self.number(self.every, 1)}"))
        axes = self.some(self.every)
        value = self.number(axes, self.draw.choice((0, 1, 1, 2, 2, 3)))
        over = self.draw.sample(axes, self.draw.randint(0, len(axes)))
        if over and self.chance(0.6):
            value = self.reduced(
                self.draw.choice(("mean", "mean", "mean", "sum", "max", "min")), tuple(over), value, axes
            )
            return self.draw.choice((value, value, f"0.5 * {value}", f"sqrt(1 + {value} ^ 2)", f"{value} / K"))
        return value

    def number(self, axes: Axes, depth: int) -> str:
        """A number at every position along these axes."""
        if depth <= 0:
            return self.named(axes) if self.chance(0.6) else self.plain(axes)

        def deeper() -> str:
            return self.number(axes, depth - 1)

        return self.pick(
            lambda: f"{self.draw.choice(('0.3', 'leak', '2', 'H'))} * {deeper()}",
            lambda: f"({deeper()} + {deeper()})",
            lambda: f"({deeper()} + {deeper()} - 0.2 * {self.number(self.some(axes), depth - 1)})",
            lambda: f"({deeper()} + 0.1 * sum(G ^ 2))",
            lambda: f"({self.quiet(axes)} * {deeper()})",
            lambda: f"({deeper()} * {deeper()} / 4)",
            lambda: f"sqrt(1 + {deeper()} ^ 2)",
            lambda: f"{self.draw.choice(('tanh', 'swish', 'sin', 'abs', 'square', 'softplus'))}({deeper()})",
            lambda: f"huber({deeper()}, 0.5)",
            lambda: f"dropout({deeper()}, 0.25)" if self.drops else f"({deeper()})",
            lambda: f"{self.draw.choice(('min', 'max'))}({deeper()}, {self.draw.choice((deeper(), '0.4'))})",
            lambda: f"where({self.condition(axes)}, {deeper()}, {self.draw.choice((deeper(), '0.2'))})",
            lambda: f"sum(concat({deeper()}, {deeper()}, 0.5))",
            lambda: self.inner(axes, depth - 1),
            lambda: self.inner(axes, depth - 1),
            lambda: self.inner(axes, depth - 1),
        )

    def inner(self, axes: Axes, depth: int) -> str:
        """A reduction over axes that the position has, or has not."""
        free = [a for a in self.every if a not in axes] if self.chance(0.8) else list(self.every)
        if not free:
            return f"(-{self.number(axes, depth)})"
        over = tuple(self.draw.sample(free, self.draw.randint(1, len(free))))
        body_axes = tuple(a for a in self.every if a in (*axes, *over))
        verb = self.draw.choice(("sum", "mean", "mean", "max", "min"))
        return self.reduced(verb, over, self.number(body_axes, depth), body_axes)

    def reduced(self, verb: str, over: Axes, body: str, axes: Axes) -> str:
        weights = "".join(f" * ({a} + 1) / 2" for a in over)
        mask = f", where = {self.condition(axes, over)}" if self.chance(0.35) else ""
        weights = weights if self.chance(0.2) or not self.varies(body, over) else ""
        return f"{verb} over {', '.join(over)} ({body}{weights}{mask})"

    def varies(self, body: str, over: Axes) -> bool:
        """Whether a body surely says something of the axes: they are named in it."""
        return "over" not in body and all(re.search(rf"(?<![\w.]){a}(?!\w)", body) for a in over)

    def condition(self, axes: Axes, over: Axes = ()) -> str:
        a = self.draw.choice(over or axes or self.every)
        if not axes:
            return f"sum(x{self.draw.choice(self.every)}[last]) > 0.1" if not self.causal else "sum(x) > 0.1"
        x = f"x{''.join(axes)}"
        if self.chance(0.15):
            theirs = self.some(axes)
            t = self.at(self.target(theirs, "K"), theirs)
            return self.draw.choice((f"sum({t}) > 0.9", f"max(present({t})) > 0.5", f"0.4 > min({t})"))
        return self.draw.choice((f"sum({x}) > 0.0371", f"{a} > 0", f"{a} < 2", f"max({x}) < 0.7", f"{a} > 7"))

    def quiet(self, axes: Axes) -> str:
        """A number without a target."""
        some = self.some(axes)
        y = self.at(self.predicted("tanh", some, "K"), some)
        spare = [f"(1 + sum({y}))", f"norm({y} + 0.5)", f"exp(-max({y}))", f"mean({y} ^ 2)"]
        if axes:
            a = self.draw.choice(axes)
            spare += [f"({a} + 1)", f"0.9 ^ {a}", f"where({a} > 1, 1, 0.2)", f"1 / ({a} + 2)"]
        return self.draw.choice(spare)

    def named(self, axes: Axes) -> str:
        """A loss with a name."""
        mine, theirs = self.some(axes), self.some(axes)
        if self.chance(0.15):
            return self.mixture(mine, theirs)
        size = self.size()
        kind = self.draw.choice(("squared", "squared", "cross", "token", "binary"))
        if kind == "token":
            size = "K" if size.startswith("(") or size == "1" else size
            p = self.predicted(self.draw.choice(SHARES), mine, size)
            return f"cross_entropy({self.at(p, mine, '0.3')}, {self.at(self.target(theirs, f'token({size})'), theirs)})"
        t = self.wanted(theirs, size)
        if kind == "squared":
            seen = self.compared(mine, size)
            if self.chance(0.15):
                seen = f"{seen} + 0.1 * {self.at(self.target(theirs, size), theirs)}"
            return f"squared_error({seen}, {t})"
        p = self.predicted(self.draw.choice(SHARES if kind == "cross" else FLAGS), mine, size)
        name = "cross_entropy" if kind == "cross" else "binary_cross_entropy"
        return f"{name}({self.at(p, mine, '0.3')}, {t})"

    def compared(self, axes: Axes, size: str) -> str:
        """What is compared with a target: most often a prediction as it is."""
        free = [a for a in self.every if a not in axes]
        if free and self.chance(0.3):
            over = self.draw.choice(free)
            wide = tuple(a for a in self.every if a in (*axes, over))
            y = self.predicted(self.draw.choice(SQUARED), wide, size)
            verb = self.draw.choice(("sum", "mean", "max"))
            mask = f", where = {self.condition(wide, (over,))}" if self.chance(0.4) else ""
            return f"({verb} over {over} ({y}{index(wide)}{mask}))"
        y = self.predicted(self.draw.choice(SQUARED), axes, size)
        if axes and size == "1" and self.chance(0.4) and not self.causal:
            return f"(softmax over {self.draw.choice(axes)} (2 * {y}))"
        return self.at(y, axes)

    def wanted(self, axes: Axes, size: str) -> str:
        """What a prediction is compared with: a target, or something made of one."""
        t = self.target(axes, size)
        if self.chance(0.6):
            return self.at(t, axes)
        text = self.draw.choice(
            (
                "where({t} > 0.5, 1, 0)",
                "step({t} - 0.5)",
                "clip({t}, 0.2, 0.6)",
                "0.5 * {t}",
                "max({t}, 0.3)",
                "{t} * {t}",
                "forced({u}, {bare})",
                "abs({t} - {other})",
                "where({a}, {t}, {other})",
                "1 - {t}",
            )
        )
        free = [a for a in self.every if a not in axes]
        if free and self.chance(0.25):
            over = self.draw.choice(free)
            wide = tuple(a for a in self.every if a in (*axes, over))
            mask = f", where = {self.condition(wide, (over,))}" if self.chance(0.4) else ""
            verb = self.draw.choice(("sum", "mean", "max"))
            return f"({verb} over {over} ({self.target(wide, size)}{index(wide)}{mask}))"
        if size == "K" and self.chance(0.2):
            text = self.draw.choice(("softmax({t})", "slice(concat({t}, {other}), 1, K + 1)", "mean({t}) + 0 * {t}"))
        other = self.target(axes, size)
        return text.format(
            t=self.at(t, axes),
            bare=t,
            other=self.at(other, axes),
            u=self.predicted("sigmoid", axes, size),
            a=self.condition(axes),
        )

    def mixture(self, axes: Axes, theirs: Axes) -> str:
        d = self.draw.choice(("2", "1", "2"))
        parts = [
            self.predicted(*one)
            for one in (
                ("softmax", axes, "M"),
                ("plain", axes, f"{d}*M"),
                (self.draw.choice(("logs", "other")), axes, f"{d}*M"),
            )
        ]
        if d == "2" and self.chance(0.5):
            parts.append(self.predicted("tanh", axes, "M"))
        return f"mixture_density({', '.join(parts)}, {self.at(self.target(theirs, d), theirs)})"

    def plain(self, axes: Axes) -> str:
        """A scalar expression of a prediction and a target."""
        mine, theirs = self.some(axes), self.some(axes)
        size = self.size()
        y, t = self.predicted("tanh", mine, size), self.target(theirs, size)
        here, wanted, again = self.at(y, mine), self.at(t, theirs), self.at(t, theirs)
        texts = [
            f"sum(({here} - {wanted}) ^ 2)",
            f"mean(abs({here} - {wanted}) ^ 1.5)",
            f"sum(abs({wanted} - {again} - {here}))",
            f"sum(present({wanted}) * ({here} - 0.3) ^ 2)",
            f"max(abs({here} - {wanted}))",
            f"norm({here} - {wanted} + 0.1)",
            f"sum(forced({y}, {wanted}) * {here})",
            f"sum({wanted} * log(1.5 + {here}))",
            f"sum(where({wanted} > 0.5, {here}, {here} ^ 2))",
            f"sum(huber({here} - {wanted}, leak))",
            f"0.1 * sum({here} ^ 2)",
            f"(sum(({here} - {wanted}) ^ 2) + 0.1 * sum({y} ^ 2))",
        ]
        if not size.startswith("(") and size != "1":
            texts += [
                f"dot({here} - {wanted}, {here} - {again})",
                f"(({here} - {wanted}) @ ({here} - {wanted}))",
                f"sum(outer({here}, {wanted}) ^ 2)",
                f"sum(slice({here} - {wanted}, 0, 1))",
            ]
        if size == "K":
            texts += [
                f"sum((G @ ({here} - {wanted})) ^ 2)",
                f"sum(G[{self.at(self.target(theirs, 'token(H)'), theirs)}] * {here})",
            ]
            if len(mine) == 1 and not self.causal:
                texts += [f"sum(({y}[{mine[0]}-1..{mine[0]}+1] ) ^ 2)"]
            if len(theirs) == 1:
                texts += [f"sum(({t}[{theirs[0]}-1..{theirs[0]}] - 0.3) ^ 2)"]
        return self.draw.choice(texts)


def index(axes: Axes) -> str:
    return f"[{', '.join(axes)}]" if axes else ""
