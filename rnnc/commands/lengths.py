"""`-T`: how long the sequences are."""

from __future__ import annotations

import argparse

from rnnc.commands.arguments import Parser
from rnnc.commands.failure import Failure


def add_steps(parser: Parser, default: int) -> None:
    """`-T 100`, and `-T n=100` for one axis."""
    parser.add_argument(
        "-T",
        "--steps",
        metavar=str(default),
        type=_steps,
        action="append",
        default=[],
        help=f"steps of a sequence ({default}); n={default} for those of axis n alone",
    )


def _steps(text: str) -> tuple[str, int]:
    """`1000` or `n=1000` as an axis ("": every one) and a whole number of at least 1."""
    axis, equals, number = text.rpartition("=")
    try:
        if int(number) < 1 or (equals and not axis.isidentifier()):
            raise ValueError
        return axis, int(number)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a number of steps, as 1000 or n=1000 (once for each axis), not `{text}`"
        ) from None


def lengths_of(arguments: argparse.Namespace, axes: tuple[str, ...], default: int) -> dict[str, int]:
    """The number of steps on every axis. `Failure` where an axis is named that is not there."""
    from rnnc.suggest import suggest

    given: dict[str, int] = dict(arguments.steps)
    for axis in given:
        if axis and axis not in axes:
            meant = suggest(axis, axes)
            hint = f"did you mean `{meant}`?" if meant else f"there are {', '.join(axes)}"
            raise Failure(f"there is no axis `{axis}`", hint)
    return {axis: given[axis] if axis in given else given.get("", default) for axis in axes}
