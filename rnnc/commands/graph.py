"""Draw a network: folded, with delays on its edges, or unrolled along its axes. As SVG, or as dot for
Graphviz.
"""

from __future__ import annotations

import argparse
from typing import Literal

from rnnc.commands.arguments import Parser, add_spec
from rnnc.commands.failure import Failure


def add_arguments(parser: Parser) -> None:
    """SPEC, how far to unroll, and where to write."""
    add_spec(parser)
    parser.add_argument("--unroll", metavar="STEPS", type=int, help="draw so many steps of each axis")
    parser.add_argument(
        "-o", "--out", metavar="FILE", default="-", help="FILE.svg, FILE.dot, or - for SVG on standard output"
    )


def run(arguments: argparse.Namespace) -> int:
    """Draws and writes."""
    from rnnc.commands.complaints import say
    from rnnc.commands.output import refuse_input, write_result
    from rnnc.commands.specification import understand_spec
    from rnnc.picture import TooMuch, draw

    form = _form(arguments.out)
    if arguments.unroll is not None and arguments.unroll < 1:
        raise Failure(f"`--unroll` is {arguments.unroll}; it must be at least 1")
    refuse_input(arguments.out, arguments.spec)
    model = understand_spec(arguments).model
    try:
        picture = draw(model, unroll=arguments.unroll, format=form)
    except TooMuch as problem:
        raise Failure(f"`--unroll` is too large: {problem}") from None
    write_result(picture, arguments.out)
    if arguments.out != "-":
        say(f"wrote {arguments.out}", arguments)
    return 0


def _form(out: str) -> Literal["svg", "dot"]:
    if out == "-" or out.lower().endswith(".svg"):
        return "svg"
    if out.lower().endswith((".dot", ".gv")):
        return "dot"
    raise Failure(f"the picture's file ends in .svg or .dot, `{out}` does not")
