"""Print one of the forms a spec goes through on its way to a module.

syntax    the text as it was read, in one spelling
model     every name resolved, cells and functions expanded, shapes known
system    recurrence equations in the order they are computed
adjoint   the same with the equations of the gradient
rtrl      the same with the influences of real-time recurrent learning
program   loops, buffers and fused kernels
"""

from __future__ import annotations

import argparse

from rnnc.commands.arguments import Parser, add_spec

STAGES = ("syntax", "model", "system", "adjoint", "rtrl", "program")


def add_arguments(parser: Parser) -> None:
    """SPEC and the stage."""
    add_spec(parser)
    parser.add_argument("--stage", choices=STAGES, default="system", help="which form (system)")


def run(arguments: argparse.Namespace) -> int:
    """Prints the form."""
    from rnnc.commands.output import write_result

    write_result(_syntax(arguments) if arguments.stage == "syntax" else _form(arguments))
    return 0


def _syntax(arguments: argparse.Namespace) -> str:
    from rnnc.commands.complaints import show_diagnostics
    from rnnc.commands.specification import read_spec
    from rnnc.diagnostics import Reporter
    from rnnc.frontend.parse import parse
    from rnnc.frontend.show import show

    reporter = Reporter()
    file = parse(read_spec(arguments.spec)[0], reporter)
    reporter.stop_if_wrong()
    show_diagnostics(reporter.diagnostics, arguments)
    return show(file)


def _form(arguments: argparse.Namespace) -> str:
    from rnnc.commands.specification import understand_spec
    from rnnc.compiler import differentiate, influences
    from rnnc.model.show import show_model
    from rnnc.system.show import show

    understood = understand_spec(arguments)
    if arguments.stage == "model":
        return show_model(understood.model)
    if arguments.stage == "system":
        return show(understood.system)
    if arguments.stage == "rtrl":
        return show(influences(understood))
    system = differentiate(understood)
    if arguments.stage == "adjoint":
        return show(system)
    from rnnc.program.lower import lower
    from rnnc.program.show import show_program

    return show_program(lower(system))
