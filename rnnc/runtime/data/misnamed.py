"""Names that are not used and look like one that would have been: what a typing mistake must not hide."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from rnnc.runtime.data.fields import DataError


def check_unused(unused: Iterable[str], optional: Iterable[str], have: Collection[str], name: str) -> None:
    """DataError for the first unused name that is close to an `optional` one which the data do not have: `seq`,
    `sequence_id`, `Sequence`, `lenghts`."""
    free = [one for one in optional if one not in have]
    for other in unused:
        close = _longer_or_shorter(other.lower(), free) or difflib.get_close_matches(other.lower(), free, 1, 0.75)
        if close:
            raise DataError(f"{name}: nothing reads `{other}`; did you mean `{close[0]}`?")


def _longer_or_shorter(name: str, free: Collection[str]) -> list[str]:
    """What begins with the name, of three letters at least, or is its beginning."""
    return [one for one in free if (len(name) > 2 and one.startswith(name)) or name.startswith(one)]
