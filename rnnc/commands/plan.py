"""Say what learning will cost, before anything runs: for each rule parameters, multiply-adds, bytes held, and which
exact rule is the cheapest. With -o, draw which parameter influences which state.
"""

from __future__ import annotations

import argparse

from rnnc.commands.arguments import FORMS, Parser, add_reading
from rnnc.commands.failure import Failure
from rnnc.commands.lengths import add_steps, lengths_of

STEPS, SEQUENCES = 1000, 32


def add_arguments(parser: Parser) -> None:
    """SPEC, how long and how many the sequences are, and where to draw."""
    parser.add_argument("spec", metavar="SPEC", help="a file, - for standard input, or a shipped network's name")
    add_steps(parser, STEPS)
    parser.add_argument("-B", "--batch", metavar="32", type=int, default=SEQUENCES, help=f"sequences ({SEQUENCES})")
    parser.add_argument("-o", "--out", metavar="FILE.svg", help="draw the pattern of the influences")
    add_reading(parser, ("text", *FORMS))


def run(arguments: argparse.Namespace) -> int:
    """Prints the plan, and draws."""
    from rnnc.commands.complaints import say
    from rnnc.commands.output import refuse_input, write_result
    from rnnc.commands.specification import understand_spec
    from rnnc.plan.picture import picture
    from rnnc.plan.plan import plan
    from rnnc.plan.record import record
    from rnnc.plan.text import text

    if arguments.batch < 1:
        raise Failure(f"`-B` is {arguments.batch}; it must be at least 1")
    out = arguments.out
    if out is not None and not out.lower().endswith(".svg"):
        raise Failure(f"the picture's file ends in .svg, `{out}` does not")
    if out is not None:
        refuse_input(out, arguments.spec)
    understood = understand_spec(arguments)
    system = understood.system
    if system.loss is None:
        raise Failure(f"network `{understood.model.name}` has no loss, so there is nothing to learn")
    if not any(p.trained for p in system.parameters):
        raise Failure(f"network `{understood.model.name}` has no trained parameter, so there is nothing to learn")
    made = plan(understood, lengths_of(arguments, system.axes, STEPS), arguments.batch)
    if out is not None and made.pattern is None:
        why = next(reason for rule, reason in made.refused if rule.name == "rtrl")
        raise Failure(f"there is no pattern to draw: {why.message()}")
    asked = [form for form in arguments.format if form in ("text", "json")]
    if out is not None:
        write_result(picture(made), out)
        say(f"wrote {out}", arguments)
    write_result(record(made) if asked[-1:] == ["json"] else text(made))
    return 0
