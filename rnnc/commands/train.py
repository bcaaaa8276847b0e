"""Train a network of characters on a text with Adam, and print text sampled from it.

The network reads one token a step and is told the next, as specs/char_lm.rnn. Costs are held-out bits per
character, beside those of a character trigram model of the same text. Ctrl-C ends it with the weights saved.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rnnc.commands.arguments import Parser, add_spec


def add_arguments(parser: Parser) -> None:
    """SPEC, the text, and how to train."""
    # a second thread gains nothing on products this small and waits whole seconds where the cores are busy
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from rnnc.runtime.train_text import TextOptions

    d = TextOptions()
    add_spec(parser)

    def number(name: str, kind: type[int] | type[float], default: float | None, said: str) -> None:
        shown = said if default is None else f"{said} ({default:g})"
        parser.add_argument(f"--{name}", metavar="N", type=kind, default=default, help=shown)

    parser.add_argument(
        "--text",
        metavar="FILE",
        default=d.text,
        help="a UTF-8 text; pydoc (the default): Python's documentation",
    )
    number("minutes", float, d.minutes, "how long to train")
    number("steps", int, d.steps, "how many updates to make, instead of --minutes")
    number("batch", int, d.batch, "pieces of the text that are read side by side")
    number("window", int, d.window, "characters between two updates")
    number("lr", float, d.lr, "the greatest learning rate")
    number("seed", int, d.seed, "of the first weights and of the sample")
    parser.add_argument(
        "-o", "--out", metavar="FILE", type=Path, default=d.out, help=f"where the weights are saved ({d.out})"
    )
    number("sample", int, d.sample, "characters to sample")
    number("temperature", float, d.temperature, "of the sample; 0 takes the likeliest character")
    parser.add_argument("--quick", action="store_true", help="15 seconds at most, to see it run")


def run(arguments: argparse.Namespace) -> int:
    """Compiles, imports and trains. Statuses as for every verb; 130 and 143 where a signal ended it."""
    from dataclasses import fields

    from rnnc.commands.specification import understand_spec
    from rnnc.compiler import emit, load_module
    from rnnc.runtime.train_text import TextOptions, train_text

    understood = understand_spec(arguments)
    module = load_module(emit(understood), understood.model.name)
    given = {one.name: getattr(arguments, one.name) for one in fields(TextOptions) if one.name != "sizes"}
    return train_text(module, TextOptions(**given))
