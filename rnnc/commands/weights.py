"""What `eval` and `predict` share: a network with its weights, and the data it is to read."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from rnnc.commands.arguments import Parser
from rnnc.commands.failure import Failure

if TYPE_CHECKING:
    from rnnc.runtime.data import Sequences
    from rnnc.runtime.fit import Fitted


def add_weights(parser: Parser) -> None:
    """--weights, --data, --part, --batch."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parser.add_argument("--weights", metavar="FILE", required=True, help="what `rnnc train` wrote")
    parser.add_argument("--data", metavar="FILE", help="the data, by the names of the spec")
    parser.add_argument("--part", metavar="NAME", help="train, valid or test: a part of --data as --split made it")
    parser.add_argument("--batch", metavar="N", type=int, default=32, help="sequences read side by side (32)")


def loaded(arguments: argparse.Namespace) -> Fitted:
    """The compiled network with its weights. Raises as `understand_spec`, and `Failure` where they do not fit."""
    from rnnc.commands.complaints import tell
    from rnnc.commands.specification import load_spec
    from rnnc.runtime.fit import load
    from rnnc.runtime.run import spec_hash
    from rnnc.runtime.weights import WeightsError

    if arguments.batch < 1:
        raise Failure(f"--batch is {arguments.batch}; it must be at least 1")
    module = load_spec(arguments)
    try:
        fitted = load(module, arguments.weights)
    except WeightsError as error:
        raise Failure(str(error)) from None
    if fitted.notes.get("spec", spec_hash(module)) != spec_hash(module):
        tell(f"warning: {arguments.weights} was trained with another text of this spec\n")
    return fitted


def opened(arguments: argparse.Namespace, fitted: Fitted, *, targets: bool) -> Sequences:
    """The data, looked through, or the part of it that is asked for. `Failure` where it does not fit."""
    from rnnc.commands.complaints import tell
    from rnnc.runtime.data import DataError
    from rnnc.runtime.data.splits import PARTS, split_data
    from rnnc.runtime.train_data import strangers

    if arguments.part is not None and arguments.part not in PARTS:
        raise Failure(f"--part is {arguments.part}; it is {', '.join(PARTS)}")
    if arguments.part is not None and "split" not in fitted.notes:
        raise Failure("--part needs weights that were trained with --split")
    try:
        data = fitted.open(arguments.data, targets=targets)
        if data.strange:
            tell(f"{strangers(data)}\n")
        if arguments.part is None:
            return data
        shares = tuple(float(share) for share in fitted.notes["split"].split("/"))
        part = split_data(data, shares, int(fitted.notes["seed"]))[PARTS.index(arguments.part)]
        if not len(part) or not part.positions:
            raise Failure(f"the split {fitted.notes['split']} leaves no part `{arguments.part}`")
        return part
    except DataError as error:
        raise Failure(str(error)) from None
