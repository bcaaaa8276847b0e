"""What is probably not meant though it compiles."""

from __future__ import annotations

from typing import ClassVar

from rnnc.diagnostics import Diagnostic, Help


class Unused(Diagnostic):
    """A declaration that nothing reads. The gradient of an unused parameter is always 0, an unused input
    changes nothing.

    Wrong:

        network a(D = 3) {
          axis n
          input  x[n] : D
          param  Q : (D, D)
          output y[n] : D = full(x)
        }

    Right:

        output y[n] : D = Q @ x
    """

    code: ClassVar[str] = "W101"
    what: str
    name: str
    is_parameter: bool = False

    def message(self) -> str:
        return f"{self.what} `{self.name}` is never used"

    def label(self) -> str:
        return "nothing reads it"

    def notes(self) -> tuple[str, ...]:
        return ("its gradient would always be 0",) if self.is_parameter else ()


class Unreached(Diagnostic):
    """A unit that reaches no output and no loss is computed only where someone observes it, and nothing is
    learned from it.

    Wrong:

        unit   h[n] : H = tanh(full(x))
        output y[n] : K = full(x)

    Right:

        output y[n] : K = full(h)
    """

    code: ClassVar[str] = "W102"
    name: str

    def message(self) -> str:
        return f"unit `{self.name}` reaches no output and no loss"

    def label(self) -> str:
        return "needed by nothing"


class StartUnread(Diagnostic):
    """A start is read only where a unit is read before its first step; without a delay it changes nothing.

    Wrong:

        unit  h[n] : H = tanh(full(x))
        start h = learned

    Right:

        unit  h[n] : H = tanh(full(x) + full(h[n-1]))
        start h = learned
    """

    code: ClassVar[str] = "W103"
    name: str

    def message(self) -> str:
        return f"the start of `{self.name}` is never read"

    def label(self) -> str:
        return f"nothing reads `{self.name}` before its first step"


class IdleGate(Diagnostic):
    """A `gate` is a unit that multiplies others. One that multiplies nothing is a unit.

    Wrong:

        gate   g[n] : H = sigmoid(full(x))
        output y[n] : H = g + x

    Right:

        output y[n] : H = g * x
    """

    code: ClassVar[str] = "W104"
    name: str

    def message(self) -> str:
        return f"gate `{self.name}` multiplies nothing"

    def label(self) -> str:
        return "a unit rather than a gate"

    def help(self) -> Help | None:
        return Help(f"declare it as `unit {self.name}`")


class WideGate(Diagnostic):
    """A `gate` lets a share of something through, from nothing (0) to all (1); a value outside turns signs
    around or amplifies.

    Wrong:

        gate g[n] : H = tanh(full(x))

    Right:

        gate g[n] : H = sigmoid(full(x))
    """

    code: ClassVar[str] = "W105"
    name: str

    def message(self) -> str:
        return f"gate `{self.name}` can leave [0, 1]"

    def label(self) -> str:
        return "not between 0 and 1"

    def help(self) -> Help | None:
        return Help("use `sigmoid`, or declare it as a `unit`")


class NothingReturned(Diagnostic):
    """A network without an output and without a loss computes what nobody gets.

    Wrong:

        network a(D = 3) { axis n input x[n] : D unit h[n] : D = tanh(x) }

    Right:

        network a(D = 3) { axis n input x[n] : D output h[n] : D = tanh(x) }
    """

    code: ClassVar[str] = "W106"
    name: str

    def message(self) -> str:
        return f"network `{self.name}` has neither an output nor a loss"

    def label(self) -> str:
        return "`forward` returns nothing"


class FlatGradient(Diagnostic):
    """`sign`, `step`, `round`, `floor` and `ceil` are flat almost everywhere: whatever is behind them learns
    nothing.

    Wrong:

        output y[n] : K = round(full(x))

    Right:

        output y[n] : K = sigmoid(full(x))
    """

    code: ClassVar[str] = "W303"
    function: str
    stopped: tuple[str, ...]

    def message(self) -> str:
        return f"`{self.function}` has gradient 0 almost everywhere"

    def label(self) -> str:
        listed = ", ".join(f"`{name}`" for name in self.stopped[:3])
        return f"stops the gradient to {listed}" + (", ..." if len(self.stopped) > 3 else "")

    def help(self) -> Help | None:
        return Help("use `sigmoid` or `tanh` for a gradient")


ERRORS: tuple[type[Diagnostic], ...] = (
    Unused,
    Unreached,
    StartUnread,
    IdleGate,
    WideGate,
    NothingReturned,
    FlatGradient,
)
