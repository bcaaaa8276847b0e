"""Print the equations of a network, its deltas, and the gradient of each weight, in indexed form."""

from __future__ import annotations

import argparse
from typing import Literal

from rnnc.commands.arguments import FORMS, Parser, add_reading
from rnnc.commands.failure import Failure

RESULTS = ("text", "latex")
ALGORITHMS = ("bptt", "rtrl", "hybrid", "truncated_gradient")


def add_arguments(parser: Parser) -> None:
    """SPEC, and of what the gradient is printed."""
    parser.add_argument("spec", metavar="SPEC", help="a file, - for standard input, or a shipped network's name")
    parser.add_argument("--wrt", metavar="NAME", help="the gradient of this parameter or input alone")
    parser.add_argument(
        "--algorithm",
        choices=ALGORITHMS,
        help="how the gradient is computed; with the changes of the weights",
    )
    add_reading(parser, (*RESULTS, *FORMS))


def run(arguments: argparse.Namespace) -> int:
    """Prints the derivation."""
    from rnnc.commands.output import write_result
    from rnnc.commands.specification import understand_spec
    from rnnc.derive.derive import derive

    form: Literal["text", "latex"] = "text"
    for asked in arguments.format:
        form = asked if asked in RESULTS else form
    system = understand_spec(arguments).system
    try:
        derivation = derive(system, wrt=arguments.wrt, algorithm=arguments.algorithm, format=form)
    except ValueError as problem:
        if arguments.wrt is None and arguments.algorithm is None:
            raise
        raise Failure(str(problem)) from None
    write_result(derivation)
    return 0
