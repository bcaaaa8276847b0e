"""What can be wrong with positions: axes, index lists, delays, windows, and what is not supported yet."""

from __future__ import annotations

from typing import ClassVar

from rnnc.diagnostics import Diagnostic, Edit, Help, Label, Said, Span


class AxisOutOfSight(Diagnostic):
    """A value that varies along an axis has one value for every position of it. An equation without that axis
    has to say which one it reads, or what to do with all of them.

    Wrong:

        network a(D = 3) {
          axis n
          input  x[n] : D
          output y : D = tanh(full(x))
        }

    Right:

        output y : D = tanh(full(x[last]))
    """

    code: ClassVar[str] = "E111"
    name: str
    axis: str
    reader: str
    declared: Span | None
    indexed: bool = False

    def message(self) -> str:
        return f"`{self.name}` varies along `{self.axis}`, {self.reader} does not"

    def label(self) -> str:
        return "at which position?"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.declared, f"declared over `{self.axis}`"),) if self.declared is not None else ()

    def help(self) -> Help | None:
        give = (
            f"give {self.reader} the axis `{self.axis}`, or "
            if self.reader[0] == "`" and "." not in self.reader
            else ""
        )
        text = f"{give}write `{self.name}[last]`, `{self.name}[first]`, or `sum over {self.axis} ({self.name})`"
        edit = Edit(self.span, f"{self.name}[last]")
        return Help(text, () if self.indexed else (edit,))


class BadIndex(Said):
    """Between brackets stands one position for each axis of a value, in the order of its declaration: the
    axis itself, an offset from it, a window, or `first` and `last`.

    Wrong:

        network a(D = 3) {
          axis i, j
          input  x[i, j] : D
          output y[i, j] : D = full(x[j, i])
        }

    Right:

        output y[i, j] : D = full(x[i, j])
    """

    code: ClassVar[str] = "E112"


class BadDelay(Diagnostic):
    """A delay counts steps, so it is a whole number that is known when the spec is compiled: `h[n-1]`, or
    `h[n-k]` with a constant `k`.

    Wrong:

        network a(D = 3) {
          axis n
          input  x[n] : D
          output h[n] : D = tanh(full(x) + full(h[n-0.5]))
        }

    Right:

        output h[n] : D = tanh(full(x) + full(h[n-1]))
    """

    code: ClassVar[str] = "E306"
    found: str
    hint: str
    mend: Help | None = None
    remark: str = ""

    def message(self) -> str:
        return f"a delay must be a whole number, found {self.found}"

    def label(self) -> str:
        return self.hint

    def notes(self) -> tuple[str, ...]:
        return (self.remark,) if self.remark else ()

    def help(self) -> Help | None:
        return self.mend


class HugeDelay(Diagnostic):
    """A delay keeps that many past values in memory for every sequence; more than 10000 steps is taken for a
    slip.

    Wrong:

        output h[n] : 3 = tanh(full(x) + full(h[n-9999999999]))

    Right:

        output h[n] : 3 = tanh(full(x) + full(h[n-100]))
    """

    code: ClassVar[str] = "E502"
    what: str
    limit: int

    def message(self) -> str:
        return f"{self.what} is more than {self.limit} steps"

    def label(self) -> str:
        return "too far"


class TooMuch(Diagnostic):
    """What functions and cells expand to is bounded, so that a short text cannot describe an endless network.

    Wrong: a chain of forty functions, each of which calls the one before twice.

    Right: the repeated part as a unit of its own, read by name.
    """

    code: ClassVar[str] = "E504"
    what: str
    limit: int

    def message(self) -> str:
        return f"{self.what} is more than {self.limit}"

    def label(self) -> str:
        return "too much"

    def help(self) -> Help | None:
        return Help("give the inner part a unit of its own")


class NotYet(Diagnostic):
    """The language has this, and this version of the compiler does not do it yet. Nothing is compiled, so no
    wrong number comes out: slower axes (E390), settling axes (E391), continuous time (E392), random units
    (E393), and a few combinations of other forms (E396).

    Wrong:

        axis n
        axis k = n / 4

    Right, for now: one axis, and the same weights at every step.
    """

    code: ClassVar[str] = "E390"
    what: str
    advice: str = ""

    def message(self) -> str:
        return f"{self.what} not supported yet"

    def label(self) -> str:
        return "not supported yet"

    def help(self) -> Help | None:
        return Help(self.advice) if self.advice else None


class NotYetSettling(NotYet):
    """An axis that iterates until no state moves, `axis r settle(tol = 1e-6)`, is not supported yet.

    Wrong:

        axis r settle(tol = 1e-6, max = 200)
        unit s[r] : H = tanh(full(x) + full(s[r-1]))

    Right, for now: an ordinary axis of as many steps as are wanted, and `s[last]`.
    """

    code: ClassVar[str] = "E391"


class NotYetContinuous(NotYet):
    """Continuous time, `axis u step(dt = 0.1)` with equations for `h[u]'`, is not supported yet.

    Wrong:

        axis u step(dt = 0.1)
        unit h[u]' : H = (-h[u] + tanh(full(h[u]) + bias)) / tau

    Right, for now, one Euler step an equation:

        axis u
        unit h[u] : H = h[u-1] + dt * (-h[u-1] + tanh(full(h[u-1]) + bias)) / tau
    """

    code: ClassVar[str] = "E392"


class NotYetRandom(NotYet):
    """A unit that draws a sample, `unit s[n] : H ~ bernoulli(p)`, is not supported yet.

    Wrong:

        unit s[n] : H ~ bernoulli(sigmoid(full(x)))

    Right, for now, the expectation:

        unit s[n] : H = sigmoid(full(x))
    """

    code: ClassVar[str] = "E393"


class NotYetCombined(NotYet):
    """A combination of supported forms that this version cannot compile yet, such as two values that name the
    same two axes in opposite orders.

    Wrong:

        input x[i, j] : D
        input z[j, i] : D

    Right, for now:

        input x[i, j] : D
        input z[i, j] : D
    """

    code: ClassVar[str] = "E396"
    first: Span | None = None

    def others(self) -> tuple[Label, ...]:
        return (Label(self.first, "and here"),) if self.first is not None else ()


ERRORS: tuple[type[Diagnostic], ...] = (
    AxisOutOfSight,
    BadIndex,
    BadDelay,
    HugeDelay,
    TooMuch,
    NotYet,
    NotYetSettling,
    NotYetContinuous,
    NotYetRandom,
    NotYetCombined,
)
