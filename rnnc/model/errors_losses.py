"""What can be wrong with losses."""

from __future__ import annotations

from typing import ClassVar

from rnnc.diagnostics import Diagnostic, Edit, Help, Label, Said, Span


class NoTarget(Diagnostic):
    """A loss compares a prediction with a target, and a target is declared: it is data of its own, with
    missing entries, not an input.

    Wrong:

        network a(D = 3) {
          axis n
          input  x[n] : D
          output y[n] : 2 = full(x)
          loss squared_error(y, t)
        }

    Right:

        target t[n] : 2
        loss squared_error(y, t)
    """

    code: ClassVar[str] = "E401"
    name: str
    is_what: str = ""
    meant: str | None = None
    declared: Span | None = None
    prediction: str = ""
    addition: str = ""
    before: Span | None = None
    turned: Help | None = None
    """What to write where prediction and target stand in each other's place."""

    def message(self) -> str:
        if self.is_what:
            return f"a loss compares with a target, `{self.name}` is {self.is_what}"
        return f"no target `{self.name}` is declared"

    def label(self) -> str:
        return "not a target" if self.is_what else "unknown target"

    def others(self) -> tuple[Label, ...]:
        if self.declared is None:
            return ()
        said = "a target with a similar name" if self.meant else f"{self.is_what} is declared here"
        return (Label(self.declared, said),)

    def help(self) -> Help | None:
        if self.meant:
            return Help(f"replace `{self.span.text}` by `{self.meant}`", (Edit(self.span, self.meant),))
        if not self.addition or self.before is None:
            return self.turned
        front = Span(self.before.source, self.before.start, self.before.start)
        return Help(
            f"add `{self.addition}` (the shape of `{self.prediction}`)",
            (Edit(front, f"{self.addition}\n  "),),
        )


class LossArguments(Diagnostic):
    """A loss takes a prediction and a target: `squared_error(y, t)`, `cross_entropy(p, t)`,
    `binary_cross_entropy(p, t)`; labels without places `ctc(p, l, blank = 0)`. A mixture is predicted by its
    weights, means and deviations: `mixture_density(pi, mu, sigma, t)`, with correlations
    `mixture_density(pi, mu, sigma, rho, t)`.

    Wrong:

        loss squared_error(y)

    Right:

        loss squared_error(y, t)
    """

    code: ClassVar[str] = "E402"
    name: str
    form: str
    found: int
    wanted: str = ""

    def message(self) -> str:
        counted = f"{self.found} argument{'s' * (self.found != 1)}"
        wanted = self.wanted or "a prediction and a target"
        return f"`{self.name}` takes {wanted}, found {counted}"

    def label(self) -> str:
        return f"written `{self.form}`"


class LossPlace(Diagnostic):
    """`squared_error`, `cross_entropy`, `binary_cross_entropy`, `mixture_density` and `ctc` stand in a `loss`; an
    equation spells the formula out.

    Wrong:

        output e[n] : 1 = squared_error(y, t)

    Right:

        loss squared_error(y, t)
    """

    code: ClassVar[str] = "E403"
    name: str

    def message(self) -> str:
        return f"`{self.name}` stands in a `loss`, not in an equation"

    def label(self) -> str:
        return "not here"


class LossShape(Diagnostic):
    """The value of a loss at a position is one number; a vector is first added up or averaged.

    Wrong:

        loss (y - t) ^ 2

    Right:

        loss sum((y - t) ^ 2)
    """

    code: ClassVar[str] = "E404"
    shape: str

    def message(self) -> str:
        return f"a loss is one number at a position, this one has shape {self.shape}"

    def label(self) -> str:
        return f"has shape {self.shape}"

    def help(self) -> Help | None:
        return Help(f"write `sum({self.span.text})`", (Edit(self.span, f"sum({self.span.text})"),))


class NotSoftmax(Diagnostic):
    """`ctc` sums the probabilities of all alignments, so its prediction is a `softmax` (or its logarithm) over the
    labels and the blank, at the current position; the loss is computed from what the softmax is taken of.

    Wrong:

        output p[n] : K = sigmoid(full(x[n]) + bias)
        loss ctc(p, l, blank = 0)

    Right:

        output p[n] : K = softmax(full(x[n]) + bias)
        loss ctc(p, l, blank = 0)
    """

    code: ClassVar[str] = "E405"
    name: str
    defined: Span | None = None
    mended: str = ""
    moved: bool = False

    def message(self) -> str:
        if self.moved:
            return f"`ctc` reads its prediction at every position, `{self.name}` is read elsewhere"
        return f"`ctc` wants the probabilities of a softmax, `{self.name}` is none"

    def label(self) -> str:
        return "not read in place" if self.moved else "not a softmax"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.defined, "defined here"),) if self.defined is not None else ()

    def help(self) -> Help | None:
        if self.defined is None:
            return None
        return Help(f"write `{self.mended}`", (Edit(self.defined, self.mended),))


class LabelAxis(Said):
    """The labels of `ctc` are tokens, fewer than the positions of the prediction: they have an axis of their own,
    the prediction another. Which label belongs to which position is what the loss sums over.

    Wrong:

        axis n
        target l[n] : token(K)
        loss ctc(p, l, blank = 0)

    Right:

        axis n, m
        target l[m] : token(K)
        loss ctc(p, l, blank = 0)
    """

    code: ClassVar[str] = "E406"


class BlankOutside(Diagnostic):
    """The blank of `ctc` is the number of one output of its softmax, counted from 0.

    Wrong:

        output p[n] : 28 = softmax(full(x[n]) + bias)
        loss ctc(p, l, blank = 28)

    Right:

        loss ctc(p, l, blank = 27)
    """

    code: ClassVar[str] = "E407"
    found: str
    last: int | None = None
    outputs: str = ""
    mended: str = ""

    def message(self) -> str:
        if self.last is None:
            return f"the blank is the number of an output, counted from 0, found {self.found}"
        return f"the blank is one of the outputs 0 to {self.last}, found {self.found}"

    def label(self) -> str:
        return f"there are {self.outputs} outputs" if self.outputs else "not the number of an output"

    def help(self) -> Help | None:
        if self.last is None:
            return None
        return Help(f"the last output is `{self.mended}`", (Edit(self.span, self.mended),))


ERRORS: tuple[type[Diagnostic], ...] = (
    NoTarget,
    LossArguments,
    LossPlace,
    LossShape,
    NotSoftmax,
    LabelAxis,
    BlankOutside,
)
