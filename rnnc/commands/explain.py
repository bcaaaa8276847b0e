"""Print the rule behind a diagnostic's code, a spec that breaks it, and the same spec mended. Without a code:
all codes.
"""

from __future__ import annotations

import argparse

from rnnc.commands.arguments import Parser
from rnnc.commands.failure import Failure


def add_arguments(parser: Parser) -> None:
    """CODE."""
    parser.add_argument("code", metavar="CODE", nargs="?", help="as between brackets in a message: E101")


def run(arguments: argparse.Namespace) -> int:
    """Prints the text, or the list."""
    from rnnc.catalogue import codes, explain, summary
    from rnnc.commands.output import write_result
    from rnnc.suggest import suggest

    if arguments.code is None:
        write_result("".join(f"{code}  {summary(code)}\n" for code in codes()))
        return 0
    code = arguments.code.strip("[]").upper()
    if code not in codes():
        meant = suggest(code, codes())
        hint = f"did you mean {meant}? " if meant else ""
        raise Failure(f"there is no code `{arguments.code}`", f"{hint}`rnnc explain` lists all codes")
    write_result(explain(code))
    return 0
