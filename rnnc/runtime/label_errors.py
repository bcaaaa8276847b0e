"""Label errors of a network that learns under `ctc`: what the best path reads, against the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnc.runtime.data.sequences import Sequences
from rnnc.runtime.decode.best_path import collapse
from rnnc.runtime.decode.distance import edit_distance
from rnnc.runtime.predict import returned_as

Array = NDArray[Any]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Reader:
    """How labels are read off the network: the largest entry of `unit` at each position of `axis`, repeats and
    blanks taken away. `keyword` is the argument the right ones are passed as; `title` names them in a report."""

    title: str
    unit: str
    axis: str
    keyword: str
    blank: int

    def errors(
        self, out: Mapping[str, Any], given: Mapping[str, Array], lengths: Mapping[str, Ints]
    ) -> tuple[int, int]:
        """Edit distances of a batch added up, and how many labels it has; also where no alignment has them all."""
        paths = np.asarray(out[returned_as(self.unit)]).argmax(-1)
        pairs = [
            (collapse(paths[:length, b].tolist(), self.blank), tuple(labels[labels >= 0].tolist()))
            for b, (length, labels) in enumerate(zip(lengths[self.axis], given[self.keyword].T, strict=True))
        ]
        return sum(edit_distance(*pair) for pair in pairs), sum(len(wanted) for _, wanted in pairs)


def readers(module: Any, p: Mapping[str, Array], data: Sequences) -> tuple[Reader, ...]:
    """Those that a module names in `CTC`, whose targets the data have."""
    return tuple(_readers(module, p, {field.name: field.keyword for field in data.fields if field.target}))


def _readers(module: Any, p: Mapping[str, Array], keywords: Mapping[str, str]) -> Iterator[Reader]:
    records = [record for record in getattr(module, "CTC", ()) if record["target"] in keywords]
    targets = [record["target"] for record in records]
    for record in records:
        unit, target = record["unit"], record["target"]
        title = target if targets.count(target) == 1 else f"{target} by {unit}"
        blank = record["blank"](**p.sizes)  # type: ignore[attr-defined]
        yield Reader(title, unit, record["axis"], keywords[target], blank)
