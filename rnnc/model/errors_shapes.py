"""What can be wrong with shapes: they do not fit, differ from the declaration, do not follow, or are no
sizes.
"""

from __future__ import annotations

from typing import ClassVar

from rnnc.diagnostics import Diagnostic, Edit, Help, Label, Said, Span
from rnnc.sizes import Shape, show_shape


def spelled(shape: Shape) -> str:
    """A shape in a message: `a number`, `4`, `(H, 2*D)`."""
    return show_shape(shape) if shape else "1"


class ShapesDiffer(Diagnostic):
    """An operation joins values whose shapes do not fit. Elementwise operations want equal shapes, or a
    scalar beside any; `@` wants the last dimension of the left equal to the first of the right. Nothing else
    broadcasts.

    Wrong:

        network a(D = 3, H = 4) {
          axis n
          input  x[n] : D
          input  z[n] : H
          output y[n] : H = x + z
        }

    Right:

        output y[n] : H = full(x) + z
    """

    code: ClassVar[str] = "E201"
    what: str
    shapes: tuple[Shape, ...]
    places: tuple[Span, ...]
    mend: Help | None = None
    reasons: tuple[Label, ...] = ()

    def message(self) -> str:
        listed = " and ".join(spelled(s) for s in self.shapes)
        return f"the shapes {listed} do not fit {self.what}"

    def label(self) -> str:
        return f"has shape {spelled(self.shapes[-1])}" if len(self.places) == len(self.shapes) else ""

    def others(self) -> tuple[Label, ...]:
        pairs = zip(self.places[:-1], self.shapes[:-1], strict=False)
        here = tuple(Label(place, f"has shape {spelled(shape)}") for place, shape in pairs)
        shown = {self.span, *self.places}
        return here + tuple(reason for reason in self.reasons if reason.span not in shown)

    def help(self) -> Help | None:
        return self.mend


class DeclaredDiffers(Diagnostic):
    """The shape a unit is declared with has to follow from its right side, symbol by symbol: `H` and `D` are
    different sizes even where their defaults are equal. A loss wants its prediction and its target alike.

    Wrong:

        network a(D = 3, H = 4) {
          axis n
          input  x[n] : D
          output y[n] : H = tanh(x)
        }

    Right:

        output y[n] : D = tanh(x)
    """

    code: ClassVar[str] = "E202"
    name: str
    declared: Shape
    found: Shape
    place: Span | None
    reasons: tuple[Label, ...] = ()
    said: str = ""
    mend: Help | None = None

    def message(self) -> str:
        if self.said:
            return self.said
        declared, found = spelled(self.declared), spelled(self.found)
        return f"`{self.name}` is declared with shape {declared}, its definition has {found}"

    def label(self) -> str:
        return f"has shape {spelled(self.found)}"

    def others(self) -> tuple[Label, ...]:
        first = (Label(self.place, f"declared {spelled(self.declared)}"),) if self.place is not None else ()
        return first + self.reasons

    def help(self) -> Help | None:
        return self.mend


class ShapeUnknown(Diagnostic):
    """A shape may be left out where the rest of the equation forces it. Where nothing does, it has to be
    written.

    Wrong:

        network a(D = 3) {
          axis n
          input  x[n] : D
          output y[n] = full(x)
        }

    Right:

        output y[n] : 4 = full(x)
    """

    code: ClassVar[str] = "E203"
    what: str
    mend: Help | None = None

    def message(self) -> str:
        return f"the shape of {self.what} does not follow from anything"

    def label(self) -> str:
        return "of which size?"

    def help(self) -> Help | None:
        return self.mend


TOO_LARGE, AT_MOST = "too large", "at most 10^18"


class BadSize(Diagnostic):
    """A size is a whole number of at least 1, a name between the parentheses of the network or cell, or `+ -
    * /` of them that comes out whole and positive.

    Wrong:

        network a(D = 3) {
          axis n
          input  x[n] : D
          output y[n] : 2.5 = full(x)
        }

    Right:

        output y[n] : 2 = full(x)
    """

    code: ClassVar[str] = "E204"
    found: str
    hint: str
    least: bool = True
    mend: Help | None = None

    def message(self) -> str:
        wanted = AT_MOST if self.hint == TOO_LARGE else "a whole number" + " of at least 1" * self.least
        return f"a size must be {wanted}, found {self.found}"

    def label(self) -> str:
        return self.hint

    def help(self) -> Help | None:
        return self.mend


class WrongType(Said):
    """A value of the wrong kind: a token where a real number is wanted, a comparison used as a number, a
    vector where a single number is.

    Wrong:

        network a(V = 7, H = 4) {
          axis n
          input  w[n] : token(V)
          output h[n] : H = tanh(full(w))
        }

    Right:

        output h[n] : H = tanh(embedding(w, H))
    """

    code: ClassVar[str] = "E205"


class StartDiffers(Diagnostic):
    """The start of a value has the shape of that value, or is a scalar.

    Wrong:

        network a(D = 3, H = 4) {
          axis n
          input  x[n] : D
          input  h0 : D
          output h[n] : H = tanh(full(x) + full(h[n-1]))
          start  h = h0
        }

    Right:

        input h0 : H
    """

    code: ClassVar[str] = "E206"
    name: str
    wanted: Shape
    found: Shape
    declared: Span

    def message(self) -> str:
        found, wanted = spelled(self.found), spelled(self.wanted)
        return f"the start of `{self.name}` has shape {found}, `{self.name}` has {wanted}"

    def label(self) -> str:
        return f"has shape {spelled(self.found)}"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.declared, f"has shape {spelled(self.wanted)}"),)


class BadStart(Said):
    """A `start` says what a unit or an input is before its first step: once for everything before it, or
    position by position. It has no axis of its own, and targets, parameters and values without an axis have
    no start.

    Wrong:

        network a(D = 3, H = 4) {
          axis n
          input  x[n] : D
          output h[n] : H = tanh(full(x) + full(h[n-1]))
          start  h[n-1] = 1
        }

    Right:

        start h = 1
    """

    code: ClassVar[str] = "E207"


class SharedDiffers(Diagnostic):
    """Connections that share a parameter by `as` share its shape and its initial values.

    Wrong:

        network a(D = 3, H = 4) {
          axis n
          input  x[n] : D
          output h[n] : H = tanh(full(x, as = W) + full(h[n-1], as = W))
        }

    Right:

        output h[n] : H = tanh(full(x) + full(h[n-1]))
    """

    code: ClassVar[str] = "E208"
    name: str
    what: str
    first: Span
    by: str = "connections"

    def message(self) -> str:
        return f"`{self.name}` is shared by {self.by} of different {self.what}"

    def label(self) -> str:
        return "here"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.first, "and here"),)


class BadInit(Said):
    """The initialisers are `zeros ones constant(v) uniform(a, b) normal(s) glorot he orthogonal identity
    sparse(density, radius)`. `orthogonal`, `identity` and `sparse` want a matrix, `sparse` a square one.

    Wrong:

        network a(D = 3) {
          axis n
          input  x[n] : D
          output y[n] : D = full(x, init = xavier) + bias
        }

    Right:

        output y[n] : D = full(x, init = glorot) + bias
    """

    code: ClassVar[str] = "E209"


def edit_of(span: Span, text: str) -> Help:
    """The help that replaces a span."""
    return Help(f"replace `{span.text}` by `{text}`", (Edit(span, text),))


ERRORS: tuple[type[Diagnostic], ...] = (
    ShapesDiffer,
    DeclaredDiffers,
    ShapeUnknown,
    BadSize,
    WrongType,
    StartDiffers,
    BadStart,
    SharedDiffers,
    BadInit,
)
