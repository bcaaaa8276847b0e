"""What can be wrong with names: unknown, declared twice, of another kind, used with the wrong arguments."""

from __future__ import annotations

from typing import ClassVar

from rnnc.diagnostics import Diagnostic, Edit, Help, Label, Said, Span


class UnknownName(Diagnostic):
    """Every name is declared somewhere in its network or cell: as a size, an axis, an input, a target, a
    parameter or a unit. Names are case-sensitive; a cell sees its own formals and parts, not the names of the
    network that uses it.

    Wrong:

        network a(D = 3, H = 4) {
          axis n
          input  x[n] : D
          unit   hidden[n] : H = tanh(full(x) + full(hidden[n-1]))
          output y[n] : 2 = full(hiden)
        }

    Right:

        output y[n] : 2 = full(hidden)
    """

    code: ClassVar[str] = "E101"
    kind: str = "name"
    meant: str | None = None
    declared: Span | None = None
    what: str = ""
    remark: str = ""
    shipped: bool = False
    """Whether a shipped spec has this name, so that a `use` is all that is missing."""

    def message(self) -> str:
        return f"unknown {self.kind} `{self.span.text}`"

    def label(self) -> str:
        return "not declared"

    def _case(self) -> bool:
        return self.meant is not None and self.meant.lower() == self.span.text.lower()

    def others(self) -> tuple[Label, ...]:
        if self.declared is None:
            return ()
        return (
            Label(
                self.declared,
                "differs only by case" if self._case() else f"{self.what} with a similar name is declared here",
            ),
        )

    def notes(self) -> tuple[str, ...]:
        case = ("names are case-sensitive",) if self._case() else ()
        return case + ((self.remark,) if self.remark else ())

    def help(self) -> Help | None:
        if self.shipped:
            top = Span(self.span.source, 0, 0)
            line = f'use "{self.span.text}"'
            return Help(f"add `{line}` at the top of the file", (Edit(top, f"{line}\n"),))
        if self.meant is None:
            return None
        return Help(f"replace `{self.span.text}` by `{self.meant}`", (Edit(self.span, self.meant),))


class DeclaredTwice(Diagnostic):
    """Sizes, axes and everything declared share one namespace: a name means one thing in its network or cell,
    whatever the order of the statements. Parameters named by `as` belong to it too.

    Wrong:

        network a(D = 3) {
          axis n
          input  x[n] : D
          unit   h[n] : D = tanh(full(x))
          output h[n] : D = full(x)
        }

    Right:

        output y[n] : D = full(h)
    """

    code: ClassVar[str] = "E102"
    name: str
    first: Span | None
    remark: str = ""

    def message(self) -> str:
        return f"`{self.name}` is declared twice"

    def label(self) -> str:
        return "declared again"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.first, "first declared here"),) if self.first is not None else ()

    def notes(self) -> tuple[str, ...]:
        return (self.remark,) if self.remark else ()


class WrongKind(Said):
    """A name stands where something of another kind is wanted: an axis where a value is, a size where an axis
    is, a part of something that has no parts.

    Wrong:

        network a(D = 3) {
          axis n
          input  x[n] : D
          unit   h[D] : D = tanh(full(x))
          output h
        }

    Right:

        unit h[n] : D = tanh(full(x))
    """

    code: ClassVar[str] = "E103"
    what: str = ""

    def others(self) -> tuple[Label, ...]:
        return (Label(self.declared, f"{self.what} is declared here"),) if self.declared is not None else ()


class WrongArguments(Said):
    """Functions, connections and cells take a fixed number of arguments, and know only the options of their
    own.

    Wrong:

        network a(D = 3) {
          axis n
          input  x[n] : D
          output y[n] : D = tanh(full(x), bias)
        }

    Right:

        output y[n] : D = tanh(full(x) + bias)
    """

    code: ClassVar[str] = "E105"
    remarks: tuple[str, ...] = ()

    def notes(self) -> tuple[str, ...]:
        return self.remarks


class WrongPlace(Said):
    """Some things have one place only: a use of a cell is the whole right side of a unit, a connection stands
    in the equation of a unit or of a start, inputs, targets, axes and losses belong to a network, a `fn` is a
    scalar function.

    Wrong:

        cell layer(x, H) over n { unit y : H = tanh(full(x)) return y }
        network a(D = 3) {
          axis n
          input  x[n] : D
          output y[n] = 2 * layer(x, 4)
        }

    Right:

        unit   h[n] = layer(x, 4)
        output y[n] : 4 = 2 * h
    """

    code: ClassVar[str] = "E106"
    advice: str = ""

    def help(self) -> Help | None:
        return Help(self.advice) if self.advice else None


class SameKey(Diagnostic):
    """A connection makes its own parameter, called after the unit and the names its source reads, without
    their offsets. Two that would get one key have to be told apart, or be meant as one, by `as`.

    Wrong:

        network a(H = 4) {
          axis n
          input  x[n] : H
          output h[n] : H = tanh(full(x) + full(h[n-1]) + full(h[n-2]))
        }

    Right:

        output h[n] : H = tanh(full(x) + full(h[n-1]) + full(h[n-2], as = W_two))
    """

    code: ClassVar[str] = "E107"
    key: str
    first: Span
    free: str
    bare: bool

    def message(self) -> str:
        return f"two connections would make the parameter `{self.key}`"

    def label(self) -> str:
        return "the second"

    def others(self) -> tuple[Label, ...]:
        return (Label(self.first, "the first"),)

    def help(self) -> Help | None:
        text = self.span.text
        named = f"{text}(as = {self.free})" if self.bare else f"{text[:-1]}, as = {self.free})"
        if not self.bare and text[:-1].rstrip().endswith("("):
            named = f"{text[:-1]}as = {self.free})"
        return Help(f"name one of them: `{named}`", (Edit(self.span, named),))


class Circular(Diagnostic):
    """A `fn` and a `cell` are expanded where they are used, so neither can contain itself. Recurrence is
    written with an offset: `h[n-1]`.

    Wrong:

        fn f(z) = tanh(f(z))

    Right:

        fn f(z) = tanh(tanh(z))
    """

    code: ClassVar[str] = "E108"
    what: str
    chain: tuple[str, ...]

    def message(self) -> str:
        return f"{self.what} `{self.chain[0]}` contains itself: {' -> '.join(self.chain)}"

    def label(self) -> str:
        return "used inside itself"


class WhichNetwork(Diagnostic):
    """A module is compiled from one network. A file with several needs `--network NAME`; a file with cells
    and functions alone is there for others to `use`.

    Wrong: `rnnc compile two.rnn`, where the file holds `network a` and `network b`.

    Right: `rnnc compile two.rnn --network a`.
    """

    code: ClassVar[str] = "E109"
    asked: str | None
    names: tuple[str, ...]
    meant: str | None = None

    def message(self) -> str:
        listed = ", ".join(f"`{name}`" for name in self.names)
        if not self.names:
            return "the spec has no network"
        if self.asked is None:
            return f"the spec has several networks: {listed}"
        return f"the spec has no network `{self.asked}`; it has {listed}"

    def label(self) -> str:
        return "" if self.names else "only cells and functions"

    def help(self) -> Help | None:
        if not self.names:
            return None
        return Help(f"choose one: `--network {self.meant or self.names[0]}`")


class BadSetting(Diagnostic):
    """`-s NAME=VALUE` sets a size or a constant that the network names between its parentheses. A size is a
    whole number of at least 1, a constant any finite number.

    Wrong: `rnnc compile elman.rnn -s h=64`, where the size is `H`.

    Right: `rnnc compile elman.rnn -s H=64`.
    """

    code: ClassVar[str] = "E110"
    name: str
    value: float
    network: str
    wrong: str
    names: tuple[str, ...] = ()
    meant: str | None = None

    def message(self) -> str:
        if self.wrong == "unknown":
            return f"network `{self.network}` has no size or constant `{self.name}`"
        return f"`{self.name}` cannot be {self.value:g}: it must be {self.wrong}"

    def label(self) -> str:
        return "set from outside"

    def notes(self) -> tuple[str, ...]:
        if self.wrong != "unknown" or not self.names:
            return ()
        return ("it has " + ", ".join(self.names),)

    def help(self) -> Help | None:
        return Help(f"set `{self.meant}={self.value:g}`") if self.meant else None


ERRORS: tuple[type[Diagnostic], ...] = (
    UnknownName,
    DeclaredTwice,
    WrongKind,
    WrongArguments,
    WrongPlace,
    SameKey,
    Circular,
    WhichNetwork,
    BadSetting,
)
