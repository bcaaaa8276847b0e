"""What stands beside weights (a network's sizes, a vocabulary, how data were split), looked through when it is read."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rnnc.runtime.data.read_words import CHARACTERS, WORDS
from rnnc.runtime.weights import WeightsError

MOST = 10**18


def check_notes(notes: Mapping[str, str], path: Path) -> None:
    """WeightsError for a note of the file `path` that is not what `rnnc train` writes, and for one that is missing.

    Those of no known name, and those that are only compared, may be any text.
    """
    for name, is_right in KNOWN:
        if name in notes and not is_right(notes[name]):
            raise WeightsError(f"`{path}`: its note `{name}` is damaged")
    if "split" in notes and "seed" not in notes:
        raise WeightsError(f"`{path}` has a note `split`, and the note `seed` is missing")


def _are_sizes(note: str) -> bool:
    found = _parsed(note)
    return isinstance(found, dict) and all(type(n) is int and 1 <= n <= MOST for n in found.values())


def _is_vocabulary(note: str) -> bool:
    found = _parsed(note)
    return isinstance(found, str) or (isinstance(found, list) and all(isinstance(token, str) for token in found))


def _parsed(note: str) -> Any:
    """The JSON value; None where there is none."""
    try:
        return json.loads(note)
    except (ValueError, RecursionError):
        return None


def _are_shares(note: str) -> bool:
    try:
        shares = [float(share) for share in note.split("/")]
    except ValueError:
        return False
    return len(shares) == 3 and all(math.isfinite(share) and share >= 0.0 for share in shares)


def _is_seed(note: str) -> bool:
    try:
        return int(note) >= 0
    except ValueError:
        return False


KNOWN: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("sizes", _are_sizes),
    ("vocabulary", _is_vocabulary),
    ("split", _are_shares),
    ("seed", _is_seed),
    ("unit", (CHARACTERS, WORDS).__contains__),
)
