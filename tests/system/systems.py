"""Small systems written by hand, for tests of what stands on the form alone."""

from __future__ import annotations

from rnnc.model.forms import At, Init
from rnnc.ops.formula import Constant, Formula, Operand, Operation
from rnnc.sizes import ONE, Size
from rnnc.system import forms as s

H, D = Size.named("H"), Size.named("D")
TWO = Size.of(2)


def op(name: str, *args: Formula | float) -> Formula:
    """`name` applied to formulas and numbers."""
    return Operation(name, tuple(Constant(float(a)) if isinstance(a, int | float) else a for a in args))


def a(index: int) -> Formula:
    return Operand(index)


def here(name: str, axes: tuple[str, ...] = (), dims: tuple[str | int, ...] = (), *low: int) -> s.Access:
    """`name` at the current position, moved by `low` on its axes."""
    offsets = low or (0,) * len(axes)
    return s.Access(name, tuple(At(x, k) for x, k in zip(axes, offsets, strict=True)), dims)


def given(name: str, role: s.Role, axes: tuple[str, ...], *shape: Size) -> s.Value:
    return s.Value(name, role, axes, role in ("input", "target"), shape)


def token(name: str, role: s.Role, axes: tuple[str, ...]) -> s.Value:
    return s.Value(name, role, axes, True, (), "token")


def unit(name: str, axes: tuple[str, ...], *shape: Size) -> s.Value:
    return s.Value(name, "unit", axes, True, shape)


def system(
    values: tuple[s.Value, ...],
    equations: tuple[s.Equation, ...],
    borders: tuple[s.Border, ...] = (),
    loss: str | None = None,
) -> s.System:
    """A system of `values` and of the position and length of every axis they have."""
    axes = tuple(dict.fromkeys(x for v in values for x in v.axes))
    marks = [s.Value(f"#{x}", "position", (x,), False, ()) for x in axes]
    marks += [s.Value(f"|{x}|", "length", (), True, ()) for x in axes]
    return s.System(
        name="hand",
        axes=axes,
        sizes=(("D", 2, False), ("H", 3, False)),
        values=(*values, *marks),
        equations=equations,
        borders=borders,
        parameters=tuple(s.Parameter(v.name, Init("glorot"), True) for v in values if v.role == "parameter"),
        stacks=(),
        outputs=tuple(v.name for v in values if v.role == "unit"),
        loss=loss,
    )


def elman() -> s.System:
    """h[n] = tanh(W x[n] + R h[n-1]), before the first h0; loss: 1/2 (h - t)^2 where t is present."""
    n = ("n",)
    miss = op("where", op("present", a(1)), op("-", a(0), a(1)), 0)
    return system(
        (
            given("x", "input", n, D),
            given("t", "target", n, H),
            given("W", "parameter", (), H, D),
            given("R", "parameter", (), H, H),
            given("h0", "parameter", (), H),
            unit("Wx", n, H),
            unit("Rh", n, H),
            unit("net", n, H),
            unit("h", n, H),
            unit("e", n, H),
            unit("loss", ()),
        ),
        (
            s.Equation("Wx", ("i",), s.Contract(), (here("W", (), ("i", "k")), here("x", n, ("k",)))),
            s.Equation("Rh", ("i",), s.Contract(), (here("R", (), ("i", "k")), here("h", n, ("k",), -1))),
            s.Equation(
                "net",
                ("i",),
                s.Pointwise(op("+", a(0), a(1))),
                (here("Wx", n, ("i",)), here("Rh", n, ("i",))),
            ),
            s.Equation("h", ("i",), s.Pointwise(op("tanh", a(0))), (here("net", n, ("i",)),)),
            s.Equation(
                "e",
                ("i",),
                s.Pointwise(op("*", 0.5, op("*", miss, miss))),
                (here("h", n, ("i",)), here("t", n, ("i",))),
            ),
            s.Equation("loss", (), s.Contract(), (here("e", n, ("i",)),)),
        ),
        (s.Border("h", ("low",), "h0"),),
        "loss",
    )


__all__ = ["ONE", "TWO", "D", "H", "a", "elman", "given", "here", "op", "system", "token", "unit"]
