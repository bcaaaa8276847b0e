"""What can be wrong with a network's graph: cycles that no order of positions computes."""

from __future__ import annotations

from typing import ClassVar

from rnnc.diagnostics import Diagnostic, Edit, Help, Label, Span


class NoDelay(Diagnostic):
    """A unit may depend on itself only at another position: directly, or through other units, the way round must
    move one
    step or more.

    Wrong:

        network a(D = 3, H = 4) {
          axis n
          input  x[n] : D
          output h[n] : H = tanh(full(x[n]) + full(h[n]) + bias)
        }

    Right:

        output h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
    """

    code: ClassVar[str] = "E302"
    cycle: tuple[str, ...]
    places: tuple[Span, ...]
    delayed: str | None

    def message(self) -> str:
        if len(self.cycle) == 1:
            return f"`{self.cycle[0]}` reads itself at the same step"
        path = " -> ".join(f"`{name}`" for name in (*self.cycle, self.cycle[0]))
        return f"{path} is a cycle within one step"

    def label(self) -> str:
        return "needs a delay"

    def others(self) -> tuple[Label, ...]:
        return tuple(Label(place, "and this") for place in self.places)

    def help(self) -> Help | None:
        if self.delayed is None:
            return None
        return Help(f"did you mean `{self.delayed}`?", (Edit(self.span, self.delayed),))


class CancellingDelays(Diagnostic):
    """A cycle whose offsets add up to nothing, one step back here and one step on there, comes back to the position it
    started from.

    Wrong:

        network a(H = 4) {
          axis n
          input  x[n] : H
          unit   a[n] : H = tanh(full(b[n-1]) + full(x[n]))
          output b[n] : H = tanh(full(a[n+1]))
        }

    Right:

        output b[n] : H = tanh(full(a[n]))
    """

    code: ClassVar[str] = "E303"
    cycle: tuple[str, ...]
    offsets: tuple[str, ...]
    places: tuple[Span, ...]

    def message(self) -> str:
        path = " -> ".join((*self.offsets, self.offsets[0]))
        return f"the offsets of the cycle {path} cancel"

    def label(self) -> str:
        return "one way here"

    def others(self) -> tuple[Label, ...]:
        return tuple(Label(place, "the other way here") for place in self.places)


class BothDirections(Diagnostic):
    """A recurrent block runs forward or backward along an axis, not both: at no position are both neighbours known.

    Wrong:

        network a(D = 3, H = 4) {
          axis n
          input  x[n] : D
          output h[n] : H = tanh(full(x[n]) + full(h[n-1], as = A) + full(h[n+1], as = B))
        }

    Right:

        unit   f[n] : H = tanh(full(x[n]) + full(f[n-1]))
        unit   b[n] : H = tanh(full(x[n]) + full(b[n+1]))
        output h[n] : H = f + b
    """

    code: ClassVar[str] = "E304"
    name: str
    other: Span | None
    reads: str
    against: str

    def message(self) -> str:
        return f"no order of positions can compute `{self.name}`"

    def label(self) -> str:
        return self.reads

    def others(self) -> tuple[Label, ...]:
        return (Label(self.other, self.against),) if self.other is not None else ()

    def help(self) -> Help | None:
        return Help("use two units, one per direction")


class WholeAxis(Diagnostic):
    """What needs a whole sequence (its last position, a sum over it) cannot be part of how that sequence is computed.

    Wrong:

        network a(D = 3, H = 4) {
          axis n
          input  x[n] : D
          output h[n] : H = tanh(full(x[n]) + full(h[last]))
        }

    Right:

        output h[n] : H = tanh(full(x[n]) + full(h[n-1]))
    """

    code: ClassVar[str] = "E305"
    name: str
    source: str

    def message(self) -> str:
        return f"`{self.name}` is part of `{self.source}` and needs all of it"

    def label(self) -> str:
        return "needs every position at once"


class ReadsAhead(Diagnostic):
    """Real-time recurrent learning, and what is made of it, works forward in time: whatever a unit needs of other
    units has to be known at its own step. Only the loss, and units that belong to a sequence as a whole and reach
    the loss alone, may read its last step or all of it.

    Wrong, with RTRL:

        unit   f[n] : H = tanh(full(x[n]) + full(f[n-1]) + bias)
        unit   b[n] : H = tanh(full(x[n]) + full(b[n+1]) + bias)
        output y[n] : K = softmax(full(f[n] + b[n]) + bias)

    Right:

        unit   f[n] : H = tanh(full(x[n]) + full(f[n-1]) + bias)
        unit   b[n] : H = tanh(full(f[n]) + full(b[n-1]) + bias)
        output y[n] : K = softmax(full(f[n] + b[n]) + bias)
    """

    code: ClassVar[str] = "E308"
    name: str
    reads: str
    later: bool
    started: bool = False
    """Whether an input is read, of which only the start has a gradient."""

    def message(self) -> str:
        what = "a later step" if self.later else "known only at the end of the sequence"
        what += " of an input whose start is learned" if self.started and self.later else ""
        return f"`{self.name}` needs `{self.reads}`, {what}, and RTRL works forward in time"

    def label(self) -> str:
        return "looks ahead"

    def help(self) -> Help | None:
        return Help("back-propagation through time (bptt) gives the exact gradient of any network")


class NoSteps(Diagnostic):
    """A network that makes its own next input runs step by step: along one axis, and every unit from its own step and
    earlier ones. What looks ahead, or needs the whole sequence, cannot generate it.

    Wrong:

        unit   b[n] : H = tanh(full(embedding(w[n], E)) + full(b[n+1]) + bias)
        output p[n] : V = softmax(full(b) + bias)
        feedback w[n+1] = sample(p[n])

    Right:

        unit   b[n] : H = tanh(full(embedding(w[n], E)) + full(b[n-1]) + bias)
        output p[n] : V = softmax(full(b) + bias)
        feedback w[n+1] = sample(p[n])
    """

    code: ClassVar[str] = "E309"
    why: str
    place: Span | None

    def message(self) -> str:
        return f"a network with a feedback runs step by step, and this one cannot: {self.why}"

    def label(self) -> str:
        return "fed back"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.place, "here"),) if self.place is not None else ()


class NotFollowed(Diagnostic):
    """Real-time recurrent learning carries from each step to the next how every parameter has moved the states, and of
    earlier steps it knows those at a fixed distance: a state that reads the first step of another it cannot follow.
    With random factors (`uoro`, `kf_rtrl`) it follows one axis, otherwise any number.

    Wrong, with RTRL:

        unit h[n] : H = tanh(full(e[first]) + full(h[n-1]) + bias)

    Right:

        unit h[n] : H = tanh(full(e[n]) + full(h[n-1]) + bias)
    """

    code: ClassVar[str] = "E310"
    name: str
    reads: str
    several: bool

    def message(self) -> str:
        if self.several:
            return f"`{self.name}` reads `{self.reads}`, a step of several axes, and this rule follows one"
        return f"`{self.name}` needs `{self.reads}`, and RTRL knows its own step and steps at a fixed distance"

    def label(self) -> str:
        return "on several axes" if self.several else "is of another step"

    def help(self) -> Help | None:
        bptt = "back-propagation through time (bptt) gives the exact gradient of any network"
        return Help(f"{bptt}, and `rtrl` and `hybrid` follow several axes" if self.several else bptt)


class CrossesUnits(Diagnostic):
    """Focused back-propagation keeps one trace a weight: what the weight has done to the one unit that it belongs to.
    So a unit may read its own earlier state, entry by entry, and no other's.

    Wrong, with focused back-propagation:

        unit h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)

    Right:

        unit h[n] : H = tanh(full(x[n]) + diag(h[n-1]) + bias)
    """

    code: ClassVar[str] = "E312"
    name: str
    reads: str

    def message(self) -> str:
        return (
            f"`{self.name}` reads `{self.reads}` from unit to unit, and focused back-propagation follows single units"
        )

    def label(self) -> str:
        return "of other units too"

    def help(self) -> Help | None:
        return Help("`diag` connects each unit with itself alone; rtrl is exact for any connection")


class NoProduct(Diagnostic):
    """`kf_rtrl` keeps the influence of a weight as a matrix times a vector, made of what the weight is multiplied with.
    So a parameter of a recurrence must stand in one product with a vector, in one place. What a unit multiplies entry
    by entry, a weight that stands in two places, and a learned start have no such vector.

    Wrong, with `kf_rtrl`:

        unit h[n] : H = tanh(full(x[n]) + diag(h[n-1]) + bias)

    Right:

        unit h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)
    """

    code: ClassVar[str] = "E311"
    name: str
    parameter: str
    start: bool

    def message(self) -> str:
        if self.start:
            return f"`{self.name}` starts with `{self.parameter}`, and kf_rtrl knows weights of products alone"
        return f"`{self.name}` reads `{self.parameter}` other than in one product with a vector, which kf_rtrl needs"

    def label(self) -> str:
        return "has a learned start" if self.start else "not one product"

    def help(self) -> Help | None:
        return Help("`uoro` is random in the same way and takes any recurrence that runs forward")


class NotInPieces(Diagnostic):
    """A sequence that is run in pieces, as checkpoints and truncated back-propagation do, has in each piece the steps
    before it and its own, along one axis. What the loss makes of them at the end may be anything that reads sums over
    the steps, or the last one; a step that reads a later one, or the whole sequence, cannot be run so.

    Wrong, in pieces:

        unit   b[n] : H = tanh(full(x[n]) + full(b[n+1]) + bias)
        output y[n] : K = softmax(full(b[n]) + bias)

    Right:

        unit   b[n] : H = tanh(full(x[n]) + full(b[n-1]) + bias)
        output y[n] : K = softmax(full(b[n]) + bias)
    """

    code: ClassVar[str] = "E320"
    name: str
    reads: str
    why: str

    def message(self) -> str:
        if not self.reads:
            return f"the network has {self.why}, and pieces are runs of steps of one axis"
        return f"`{self.name}` needs `{self.reads}`, {self.why}, and a piece has its own steps and earlier ones alone"

    def label(self) -> str:
        return "cannot be run in pieces"

    def help(self) -> Help | None:
        return Help("back-propagation through time (bptt) without checkpoints gives the gradient of any network")


ERRORS: tuple[type[Diagnostic], ...] = (
    NoDelay,
    CancellingDelays,
    BothDirections,
    WholeAxis,
    ReadsAhead,
    NoSteps,
    NotFollowed,
    NoProduct,
    CrossesUnits,
    NotInPieces,
)
