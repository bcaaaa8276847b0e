"""What can be wrong with `feedback`: how a network makes its own next input."""

from __future__ import annotations

from typing import ClassVar

from rnnc.diagnostics import Diagnostic, Edit, Help, Label, Said


class BadFeedback(Said):
    """A `feedback` says what the next step of an input is when the network generates: `feedback x[n+1] = ...`. An
    input has one, and its right side is a draw, `sample(...)`, or an expression at the current step.

    Wrong:

        input  x[n] : D
        unit   h[n] : H = tanh(full(x[n]) + full(h[n-1]))
        output y[n] : D = full(h)
        feedback h[n+1] = y[n]

    Right:

        feedback x[n+1] = y[n]
    """

    code: ClassVar[str] = "E113"


class NoDistribution(Said):
    """`sample` draws from what a unit is defined to be: a token from a softmax, `sample(p[n])`; yes or no from a
    sigmoid, entry by entry; real values from a mixture of Gaussians, `sample(pi[n], mu[n], sigma[n])` or, bivariate,
    `sample(pi[n], mu[n], sigma[n], rho[n])`, whose weights are a softmax.

    Wrong:

        input  w[n] : token(V)
        output y[n] : V = full(h[n]) + bias
        feedback w[n+1] = sample(y[n])

    Right:

        output y[n] : V = softmax(full(h[n]) + bias)
        feedback w[n+1] = sample(y[n])
    """

    code: ClassVar[str] = "E211"
    places: tuple[Label, ...] = ()
    advice: str = ""
    edits: tuple[Edit, ...] = ()

    def others(self) -> tuple[Label, ...]:
        return self.places

    def help(self) -> Help | None:
        return Help(self.advice, self.edits) if self.advice else None


ERRORS: tuple[type[Diagnostic], ...] = (BadFeedback, NoDistribution)
