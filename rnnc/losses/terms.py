"""Typed expressions for the losses to be written with, and what a loss may ask of the network."""

from __future__ import annotations

from typing import Protocol

from rnnc.model.forms import Apply, Expr, Number, Type


class Logarithms(Protocol):
    """Looks through a name to its definition: a softmax, sigmoid or exp whose logarithm needs no logarithm."""

    def log(self, p: Expr) -> Expr | None:
        """log p, finite however peaked p is; None where p is defined otherwise."""

    def log_complement(self, p: Expr) -> Expr | None:
        """log(1 - p) of a sigmoid; None where p is defined otherwise."""


def number(value: float, like: Expr) -> Expr:
    return Number(value, Type((), ()), like.span)


def apply(op: str, *args: Expr) -> Apply:
    """`op` of `args`, elementwise: the axes of all, the shape of the argument that has most dimensions (not a
    scalar)."""
    axes: list[str] = []
    for a in args:
        axes.extend(x for x in a.type.axes if x not in axes)
    largest = max(args, key=lambda a: (len(a.type.shape), str(a.type.shape) != "(1,)"))
    return Apply(op, args, Type(tuple(axes), largest.type.shape), args[0].span)


def choose(condition: Expr, yes: Expr, no: float) -> Apply:
    """`yes` where the condition holds, the number `no` elsewhere."""
    return apply("where", condition, yes, number(no, yes))


def total(a: Expr) -> Expr:
    """The sum of all entries."""
    return Apply("sum", (a,), Type(a.type.axes, ()), a.span) if a.type.shape else a
