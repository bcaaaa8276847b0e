"""Typed expressions for the losses to be written with, and what a loss may ask of the network."""

from __future__ import annotations

from typing import Protocol

from rnnc.model.forms import Apply, Expr, Number, Type
from rnnc.sizes import ONE, Shape, Size
from rnnc.sizes import number as number_of_entries


class Logarithms(Protocol):
    """Looks through a name to its definition: a softmax, sigmoid or exp whose logarithm needs no logarithm."""

    def log(self, p: Expr) -> Expr | None:
        """log p, finite however peaked p is; None where p is defined otherwise."""

    def logits(self, p: Expr) -> Expr:
        """What the softmax is taken of that p is, or is the logarithm of."""

    def log_complement(self, p: Expr) -> Expr | None:
        """log(1 - p) of a sigmoid; None where p is defined otherwise."""

    def argument(self, p: Expr, function: str) -> Expr | None:
        """a where p is defined as `function(a)`; None where it is defined otherwise."""

    def value(self, expr: Expr, part: str, about: str = "") -> Expr:
        """`expr` as a value of its own, computed once however often it is read; `about` says what it is."""


def number(value: float, like: Expr) -> Expr:
    return Number(value, Type((), ()), like.span)


def apply(op: str, *args: Expr) -> Apply:
    """`op` of `args`, elementwise: the axes of all, the shape of the argument that has most dimensions (not a
    scalar)."""
    axes: list[str] = []
    for a in args:
        axes.extend(x for x in a.type.axes if x not in axes)
    largest = max(args, key=lambda a: (len(a.type.shape), a.type.shape != (ONE,)))
    return Apply(op, args, Type(tuple(axes), largest.type.shape), args[0].span)


def choose(condition: Expr, yes: Expr, no: float) -> Apply:
    """`yes` where the condition holds, the number `no` elsewhere."""
    return apply("where", condition, yes, number(no, yes))


def total(a: Expr) -> Expr:
    """The sum of all entries."""
    return Apply("sum", (a,), Type(a.type.axes, ()), a.span) if a.type.shape else a


def entries(a: Expr) -> Size:
    """How many entries a value has."""
    return number_of_entries(a.type.shape)


def reshaped(a: Expr, shape: Shape) -> Expr:
    """The entries of `a` in another shape, row-major."""
    return Apply("reshape", (a,), Type(a.type.axes, shape), a.span)


def cut(a: Expr, k: int, length: Size) -> Expr:
    """Part `k` of a vector that comes in equal parts of `length`."""
    if a.type.shape == (length,):
        return a
    return Apply("cut", (a,), Type(a.type.axes, (length,)), a.span, (float(k),))


def rows_added(a: Expr) -> Expr:
    """The sum over the first dimension."""
    return Apply("rows_added", (a,), Type(a.type.axes, a.type.shape[1:]), a.span)
