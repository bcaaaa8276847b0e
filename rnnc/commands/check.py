"""Say what is wrong with a spec: errors and warnings on standard error. The exit status is 1 where one is
wrong, 2 where one cannot be read.
"""

from __future__ import annotations

import argparse

from rnnc.commands.arguments import Parser, add_reading, form_of
from rnnc.commands.failure import Failure


def add_arguments(parser: Parser) -> None:
    """SPEC, once or more."""
    parser.add_argument(
        "specs", metavar="SPEC", nargs="+", help="files, - for standard input, or shipped networks' names"
    )
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    """All specs are looked at, also after one that is wrong or cannot be read."""
    from rnnc.commands.complaints import show_failure, show_rejected
    from rnnc.commands.output import write_result
    from rnnc.commands.specification import understand_spec
    from rnnc.diagnostics import Rejected

    status = 0
    for spec in arguments.specs:
        try:
            understood = understand_spec(arguments, spec)
        except Rejected as rejected:
            show_rejected(rejected, arguments)
            status = max(status, 1)
            continue
        except Failure as failure:
            show_failure(failure)
            status = 2
            continue
        if form_of(arguments) != "json":
            found = len(understood.warnings)
            said = "correct" if not found else f"correct, with {found} warning{'s' * (found > 1)}"
            write_result(f"{understood.source.name}: {said}\n")
    return status
