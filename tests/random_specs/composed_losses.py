"""Losses of random networks: looking back, ahead and at ends, counting positions, mixtures, labels without places."""

from __future__ import annotations

from random_specs.composing import Composing
from random_specs.reading import Known


class ComposedLosses(Composing):
    """Writes outputs and what is minimised."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.labels: tuple[str, ...] = ()
        self.running: str | None = None

    def lost(self) -> None:
        """An output with a target, and the loss of the two."""
        axes = self.every if self.chance(0.6) else tuple(a for a in self.every if self.chance(0.5))
        kinds = (self.errors, self.errors, self.entropy, self.entropy, self.mixture, self.aligned)
        self.draw.choice(kinds)(axes if not self.causal else self.every)

    def predicted(self, axes: tuple[str, ...], size: str, function: str) -> Known:
        self.begin(axes)
        k = Known(self.name(), axes, size)
        seen = self.apart(lambda: self.vector("H", 2))
        rest = self.vector("K", 1) if size == "K" else "bias"
        self.unit("output", k, function.format(f"full({seen}, as = {self.fresh('P')}) + {rest}"))
        return k

    def errors(self, axes: tuple[str, ...]) -> None:
        y, t = self.predicted(axes, "K", "tanh({})"), self.target(axes, "K")
        self.known.append(y)
        at, against = self.place(y), self.place(t)
        value = self.draw.choice(
            (
                f"squared_error({at}, {against})",
                f"squared_error({at}, {t.name})",
                f"dot({at} - {against}, {y.name} - {t.name})",
                f"norm({at} - {against})",
                f"sum(abs({at} - {t.name}) ^ 1.5)",
                f"max({y.name} - {against}) ^ 2",
                f"sum(present({against}) * ({at} - 0.3) ^ 2)",
                f"dot(forced({y.name}, {against}), {self.place(y)})",
            )
        )
        self.minimised(axes, value)

    def entropy(self, axes: tuple[str, ...]) -> None:
        token = self.chance(0.4)
        shape = self.draw.choice(("softmax({})", "sigmoid({})", "exp(log_softmax({}))", "0.1 + 0.8 * sigmoid({})"))
        y, t = self.predicted(axes, "K", shape), self.target(axes, "token" if token else "K")
        self.known.append(y)
        verb = "binary_cross_entropy" if "sigmoid" in shape and not token else "cross_entropy"
        (at,) = self.earlier([y], ["0.3"])
        self.minimised(axes, f"{verb}({at}, {self.place(t) if self.chance(0.5) else t.name})")

    def mixture(self, axes: tuple[str, ...]) -> None:
        shapes = [("pi", "E", "softmax({})"), ("mu", "2*E", "{}"), ("sigma", "2*E", "exp({})")]
        if self.chance(0.5):
            shapes.append(("rho", "E", "tanh({})"))
        parts = [self.predicted(axes, size, function) for _, size, function in shapes]
        t = self.target(axes, "2")
        moved = self.chance(0.3)
        names = self.earlier(parts, ["0.5", "0.1", "0.8", "0.2"][: len(parts)]) if moved else [k.name for k in parts]
        self.minimised(axes, f"mixture_density({', '.join(names)}, {self.place(t) if moved else t.name})")

    def aligned(self, axes: tuple[str, ...]) -> None:
        if self.labels:
            return self.entropy(axes)
        axis = self.draw.choice(self.every)
        self.labels = ("labels",)
        p = self.predicted((axis,), "V", self.draw.choice(("softmax({})", "log_softmax({})")))
        t = self.target(self.labels, "token(V)")
        blank = self.draw.choice(("", ", blank = 0", ", blank = V - 1", ", blank = 2"))
        self.minimised((), f"ctc({p.name}, {t.name}{blank})", counted=False)
        return None

    def place(self, k: Known, begun: bool = False) -> str:
        """A value here, before, after, or at an end; `begun`: never where nothing says what stands there."""
        if self.chance(0.4):
            return k.name
        entries = []
        for a in k.axes:
            behind = self.causal or begun
            move = self.draw.choice((0, 0, -1, -2) if behind else (0, 0, -1, 1, -2, 3))
            entries.append(a + (f"{move:+d}" if move else ""))
            if self.chance(0.15) and not self.causal:
                ends = ("first", "last", "last-1", "first-1")
                entries[-1] = self.draw.choice(ends if begun else (*ends, "first+1", "last+1"))
        return f"{k.name}[{', '.join(entries)}]" if entries else k.name

    def earlier(self, parts: list[Known], starts: list[str]) -> list[str]:
        """Probabilities here or before, where what stands before the first step is none of zero."""
        places = [self.place(k, begun=True) for k in parts]
        for k, place, start in zip(parts, places, starts, strict=True):
            if place != k.name:
                self.say(f"start {k.name} = {start}")
        return places

    def minimised(self, axes: tuple[str, ...], value: str, counted: bool = True) -> None:
        """One line of loss: scaled, weighed by position, averaged, with what has no target beside it."""
        self.begin(axes)
        if self.chance(0.25):
            value = self.draw.choice(("0.3 * {}", "{} / 2", "leak * {} * 2", "({})")).format(value)
        if axes and self.chance(0.3):
            n = self.draw.choice(axes)
            weight = self.draw.choice(("({n} + 1)", "1 / ({n} + 2)", "0.9 ^ {n}", "where({n} > 1, 1, 0.2)"))
            value = f"{value} * {weight.format(n=n)}"
        if self.chance(0.25):
            value = f"{value} * (1 + {self.pure(1)} ^ 2)"
        if self.chance(0.25):
            value = f"{value} + 0.1 * {self.pure(2)} ^ 2"
        if axes and counted and self.chance(0.35):
            over = self.draw.sample(axes, self.draw.randint(1, len(axes)))
            over = [axis for axis in over if self.varies(value, axis)]
            value = f"mean over {', '.join(over)} ({value})" if over else value
        self.say(f"loss {value}")

    def pure(self, depth: int) -> str:
        """A scalar that makes no weights."""
        for _ in range(20):
            text = self.number(depth)
            if not any(word in text for word in ("full(", "diag(", "bias", "bilinear(", "sparse(", "embedding(")):
                return text
        return "leak"
