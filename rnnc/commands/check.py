"""Say what is wrong with a spec: errors and warnings on standard error. The exit status is 1 where one is
wrong.
"""

from __future__ import annotations

import argparse

from rnnc.commands.arguments import Parser, add_reading, form_of


def add_arguments(parser: Parser) -> None:
    """SPEC, once or more."""
    parser.add_argument(
        "specs", metavar="SPEC", nargs="+", help="files, - for standard input, or shipped networks' names"
    )
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    """All specs are looked at, also after a wrong one."""
    from rnnc.commands.complaints import show_rejected
    from rnnc.commands.output import write_result
    from rnnc.commands.specification import understand_spec
    from rnnc.diagnostics import Rejected

    status = 0
    for spec in arguments.specs:
        try:
            understood = understand_spec(arguments, spec)
        except Rejected as rejected:
            show_rejected(rejected, arguments)
            status = 1
            continue
        if form_of(arguments) != "json":
            found = len(understood.warnings)
            said = "correct" if not found else f"correct, with {found} warning{'s' * (found > 1)}"
            write_result(f"{understood.source.name}: {said}\n")
    return status
