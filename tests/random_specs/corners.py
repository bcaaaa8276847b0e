"""Small random networks that meet in the language's corners: starts, ends, windows, mixed directions, nested cells."""

from __future__ import annotations

from random_specs.nested import CELLS, SHARED
from random_specs.networks import Network
from random_specs.reading import Known

SIZES = ("H", "K", "2*K", "H/2 + 1", "D + K", "H - 1")


class Corners(Network):
    """Writes a network of a few corners, each read by what comes after it."""

    def corner(self) -> str:
        axes = ("n",) if self.chance(0.6) else ("i", "j")
        self.say(f"axis {', '.join(axes)}")
        self.input(axes, "D")
        self.input((), "H")
        self.input(axes[-1:], "H")
        kinds = [self.started, self.started, self.wired, self.read_targets, self.reduced]
        kinds += [self.nested, self.shared] if len(axes) == 1 else [self.started, self.reduced]
        for kind in self.draw.sample(kinds, self.draw.choice((1, 2, 3))):
            kind(axes)
        for _ in range(self.draw.choice((1, 2))):
            self.valued(self.draw.choice((axes, axes, axes[-1:], ())))
        body = self.lines
        self.draw.shuffle(body)
        head = "network corner(D = 3, H = 4, K = 2, V = 5, E = 2, leak = 0.3) {\n"
        cells = CELLS.format(axis=axes[0]) if len(axes) == 1 else ""
        return cells + head + "\n".join(body) + "\n}\n"

    def at(self, k: Known, moves: dict[str, int]) -> str:
        """`k` at an offset on each axis."""
        return f"{k.name}[{', '.join(a + (f'{moves[a]:+d}' if moves.get(a) else '') for a in k.axes)}]"

    def started(self, axes: tuple[str, ...]) -> None:
        """A unit with several delays, each axis in its own direction, and how it begins."""
        k = Known(self.name(), axes, self.draw.choice(SIZES))
        ways = {a: self.draw.choice((1, -1)) for a in axes}
        self.begin(axes)
        terms = [self.full()]
        for delay in self.draw.sample((1, 2, 3, 4), self.draw.choice((1, 2, 3))):
            mover = self.draw.choice(axes)
            moves = {a: -ways[a] * (delay if a == mover else self.draw.choice((0, 0, 1))) for a in axes}
            terms.append(f"{self.draw.choice(('0.4', '-0.3', 'leak'))} * {self.at(k, moves)}")
        if self.chance(0.5):
            near, far = sorted(-ways[axes[0]] * d for d in self.draw.choice(((1, 2), (1, 3), (2, 4))))
            rest = "".join(f", {a}" for a in axes[1:])
            terms.append(f"full({k.name}[{axes[0]}{near:+d}..{axes[0]}{far:+d}{rest}], as = {self.fresh('P')})")
        self.unit("unit", k, f"tanh({' + '.join(terms)})")
        self.starts(k)
        self.known.append(k)

    def starts(self, k: Known) -> None:
        """A start for every step before the first, one by one, or both."""
        vector = self.fresh("s")
        self.say(f"input {vector} : {k.size}")
        values = ["learned", "0.5", vector, f"sin({vector} + 0.3)", f"tanh({vector} * {vector})"]
        if self.chance(0.7):
            self.say(f"start {k.name} = {self.draw.choice(values)}")
        if len(k.axes) == 1:
            for before in self.draw.sample((1, 2, 3, 4), self.draw.choice((0, 1, 2, 3))):
                self.say(f"start {k.name}[first-{before}] = {self.draw.choice(values[1:])}")

    def ended(self, k: Known, kept: tuple[str, ...]) -> str:
        """`k` at ends, before or past them, or a window there; along `kept` a place nearby or a window."""
        entries = []
        windows = 0
        for a in k.axes:
            anchor = a if a in kept else self.draw.choice(("first", "last"))
            low = self.draw.choice((-2, -1, 0, 0, 0, 1))
            entry = anchor + (f"{low:+d}" if low else "")
            if not windows and self.chance(0.3):
                high = low + self.draw.choice((1, 2))
                entry += f"..{anchor}" + (f"{high:+d}" if high else "")
                windows += 1
            entries.append(entry)
        return f"{k.name}[{', '.join(entries)}]" if entries else k.name

    def wired(self, axes: tuple[str, ...]) -> None:
        """A recurrence through a sparse, block-diagonal, bilinear or diagonal connection."""
        self.begin(axes)
        k = Known(self.name(), axes, "H")
        move = dict.fromkeys(axes, 0) | {self.draw.choice(axes): self.draw.choice((-1, 1, -2))}
        own = self.at(k, move)
        other = self.read(self.draw.choice(self.sources("H")))
        loop = self.draw.choice(
            (
                f"sparse({own}, density = 0.5)",
                f"block({own}, 2)",
                f"bilinear({own}, {own})",
                f"bilinear({own}, {other})",
                f"diag({own} * {other})",
                f"sparse(tanh({own}), density = 0.25) + diag({own})",
            )
        )
        self.unit("unit", k, f"tanh({loop} + {self.full()} + bias)")
        if self.chance(0.5):
            self.starts(k)
        self.known.append(k)

    def read_targets(self, axes: tuple[str, ...]) -> None:
        """Equations that read targets, forced and as they are."""
        t, w = self.target(axes, "K"), self.target(axes, "token")
        a = axes[0]
        back = ", ".join((f"{a}-1", *axes[1:]))
        self.begin(axes)
        y, z = Known(self.name(), axes, "K"), Known(self.name(), axes, "K")
        seen = self.draw.choice(
            (
                f"where(present({t.name}[{back}]) > 0.5, {t.name}[{back}], 0.2)",
                f"embedding({w.name}[{back}], K)",
                f"full(embedding({w.name}, E))",
                f"{z.name}[{back}]",
            )
        )
        self.unit("unit", y, f"sigmoid({self.full()} + full({z.name}[{back}], as = {self.fresh('P')}) + {seen})")
        self.unit("unit", z, f"forced({y.name}, {t.name})")
        self.say(f"loss squared_error({y.name}, {t.name})")
        if self.chance(0.5):
            self.starts(z)
        self.known += [y, z]

    def reduced(self, axes: tuple[str, ...]) -> None:
        """One axis summed, averaged or maximised away, or normalised, where a mask holds."""
        self.begin(axes)
        k = self.draw.choice([x for x in self.sources() if x.axes == axes])
        gone = self.draw.choice(axes)
        rest = tuple(a for a in axes if a != gone)
        some = self.read(self.draw.choice([x for x in self.sources() if x.axes]))
        masks = ("", f"{gone} > 0", f"{gone} < 2", f"sum({some}) > 0.0371")
        mask = f", where = {chosen}" if (chosen := self.draw.choice(masks)) else ""
        body = f"{self.read(k)} * {self.scalar()}" if self.chance(0.5) else self.ended(k, axes)
        if ".." in body:
            body = f"full({body}, as = {self.fresh('P')})"
            k = Known(k.name, k.axes, "H")
        verb = self.draw.choice(("sum", "mean", "max", "softmax"))
        if verb == "softmax":
            weight = Known(self.name(), axes, "1")
            toward = self.fresh("v")
            self.say(f"param {toward} : {k.size}")
            self.unit("unit", weight, f"softmax over {gone} (dot({toward}, sin({body})){mask})")
            self.known.append(weight)
            return
        out = Known(self.name(), rest, k.size)
        self.unit("unit", out, f"tanh({verb} over {gone} (tanh({body}){mask}))")
        self.known.append(out)

    def nested(self, axes: tuple[str, ...]) -> None:
        """Uses of a cell that holds cells; parts of it are read like units."""
        self.begin(axes)
        x = self.draw.choice([k for k in self.sources() if k.axes == axes])
        same = f" as {self.fresh('both')}" if self.chance(0.5) else ""
        for _ in range(self.draw.choice((1, 2))):
            k = Known(self.name(), axes, "H")
            start = Known(self.fresh("x"), (), "H")
            self.say(f"input {start.name} : H")
            rate = self.draw.choice(("leak", "0.7", "leak / 2", f"{start.name}"))
            way = self.draw.choice(("", " backward"))
            cell, size = self.draw.choice((("twice", "H"), ("thrice", "H, 2*K")))
            same = same if cell == "twice" else ""
            k = Known(k.name, axes, "H" if cell == "twice" else "2*K")
            use = f"{cell}({self.read(x)}, {size}, {rate}, {start.name})"
            self.say(f"unit {k.name}[{axes[0]}] = {use}{way} over {axes[0]}{same}")
            part = self.draw.choice((".g", ".q", ".q.z") if cell == "twice" else (".a", ".a.q", ".a.g.z"))
            self.known += [k, Known(k.name + part, axes, "H")]

    def shared(self, axes: tuple[str, ...]) -> None:
        """One weight by name in several units and in a cell."""
        name = SHARED if self.chance(0.7) else self.fresh("P")
        for source in self.draw.sample([k for k in self.known if k.size == "H"], 1) * 2:
            self.begin(axes)
            k = Known(self.name(), axes, "H")
            loop = f" + {self.at(k, {axes[0]: -1})}" if self.chance(0.5) else ""
            self.unit("unit", k, f"tanh(full({self.read(source)}, as = {name}){loop} + {self.full()})")
            self.known.append(k)

    def valued(self, axes: tuple[str, ...]) -> None:
        """An output and its loss, averaged over some of its axes."""
        self.begin(axes)
        seen = self.draw.choice(self.known)
        y, t = Known(self.name(), axes, "K"), self.target(axes, "K")
        head = f"full({self.ended(seen, axes)}, as = {self.fresh('P')})"
        self.unit("output", y, f"tanh({head} + {self.net('K')})")
        value = f"squared_error({y.name}, {t.name})"
        over = self.draw.sample(axes, self.draw.randint(0, len(axes)))
        self.say(f"loss mean over {', '.join(over)} ({value})" if over else f"loss {value}")
        self.known.append(y)
