"""Reading a verb's arguments: unknown options with the one that was meant, and the options verbs share."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any, NoReturn

from rnnc.commands.failure import Failure
from rnnc.suggest import suggest

FORMS = ("full", "concise", "json")
FILES = ("spec", "specs", "out", "data", "valid", "text", "weights")
"""The arguments that name a file, whatever the verb."""
_NUMBER = re.compile(r"-\.?\d")
_WHOLE = re.compile(r"[+-]?\d{1,30}")


class Parser(argparse.ArgumentParser):
    """As argparse's, but a mistake is a `Failure`, and options are not to be shortened."""

    def __init__(self, prog: str, description: str | None) -> None:
        self._flags: list[str] = []
        shape = argparse.RawDescriptionHelpFormatter
        super().__init__(prog=prog, description=description, formatter_class=shape, allow_abbrev=False, add_help=False)
        self.add_argument("-h", "--help", action="store_true", help="show this and leave")

    def add_argument(self, *names: Any, **facts: Any) -> argparse.Action:
        action = super().add_argument(*names, **facts)
        self._flags += action.option_strings
        return action

    def read(self, argv: list[str]) -> argparse.Namespace | None:
        """The arguments, or None where help was asked for and shown. Raises `Failure`."""
        options = argv[: argv.index("--")] if "--" in argv else argv
        for word in options:
            self._known(word)
        if "-h" in options or "--help" in options:
            sys.stdout.write(self.format_help())
            return None
        # Positionals on either side of the options, as `rnnc predict SPEC --weights W -`.
        arguments = self.parse_intermixed_args(argv)
        for name, value in vars(arguments).items():
            if name in FILES and "" in (value, *(value if isinstance(value, list) else ())):
                raise Failure(f"the name of a file is empty: {name.upper()}", self.format_usage())
        return arguments

    def _known(self, word: str) -> None:
        if not word.startswith("-") or word == "-" or _NUMBER.match(word):
            return
        flag = word.partition("=")[0] if word.startswith("--") else word[:2]
        if flag in self._flags:
            return
        meant = suggest(flag, [name for name in self._flags if name.startswith("--")])
        hint = f"did you mean `{meant}`?" if meant else f"`{self.prog} --help` lists the options"
        raise Failure(f"`{self.prog}` has no option `{flag}`", hint)

    def error(self, message: str) -> NoReturn:
        raise Failure(message, self.format_usage())


def add_spec(parser: Parser) -> None:
    """SPEC and everything that says how it is read."""
    parser.add_argument("spec", metavar="SPEC", help="a file, - for standard input, or a shipped network's name")
    add_reading(parser)


def add_reading(parser: Parser, forms: tuple[str, ...] = FORMS) -> None:
    """`-s`, `--network` and `--format`."""
    parser.add_argument(
        "-s",
        "--set",
        dest="settings",
        metavar="H=64",
        type=setting,
        action="append",
        default=[],
        help="a size or a constant of the network; may be repeated",
    )
    parser.add_argument("--network", metavar="NAME", help="which network, where the spec has several")
    parser.add_argument(
        "--format",
        choices=forms,
        action="append",
        default=[],
        help="how diagnostics are shown" + _results(forms),
    )


def _results(forms: tuple[str, ...]) -> str:
    if "text" not in forms:
        return ""
    return f"; text or {'latex' if 'latex' in forms else 'json'}: the result"


def setting(text: str) -> tuple[str, float]:
    """`H=64` as a name and a number."""
    name, equals, number = text.partition("=")
    try:
        if not equals or not name.strip().isidentifier():
            raise ValueError
        # As many figures as were given: a float has sixteen.
        return name.strip(), int(number) if _WHOLE.fullmatch(number.strip()) else float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a name and a number, as in H=64, not `{text}`") from None


def settings_of(arguments: argparse.Namespace) -> dict[str, float]:
    """What all `-s` say together; `Failure` where two disagree."""
    given: dict[str, float] = {}
    for name, value in arguments.settings:
        if name in given and given[name] != value:
            raise Failure(f"`-s {name}` is given twice, {given[name]!r} and {value!r}")
        given[name] = value
    return given


def form_of(arguments: argparse.Namespace) -> str:
    """How diagnostics are shown: the last `--format` that is one of theirs."""
    asked = [form for form in getattr(arguments, "format", ()) if form in FORMS]
    return asked[-1] if asked else FORMS[0]
