"""Which sequences are for training, validation and test: drawn by seed, or in order of time where there is one."""

from __future__ import annotations

import itertools
import math

import numpy as np

from rnnc.runtime.data.fields import DataError
from rnnc.runtime.data.sequences import Sequences

PARTS = ("train", "valid", "test")


def split_data(data: Sequences, shares: tuple[float, ...], seed: int) -> tuple[Sequences, ...]:
    """Parts of the data in proportion to `shares`, disjoint and together all of it.

    Sequences are drawn by the seed. A single sequence of one axis is cut in time, the first part first. DataError
    where a part would be empty.
    """
    if any(not 0.0 <= share < math.inf for share in shares) or not shares[0] > 0.0:
        said = "/".join(f"{share:g}" for share in shares)
        raise DataError(f"the shares of a split are numbers of at least 0, the first above it, not {said}")
    alone = len(data) == 1
    if alone and len(data.lengths) != 1:
        raise DataError(f"{data.name}: one sequence of several axes cannot be split")
    count = int(data.longest[0]) if alone else len(data)
    edges = [round(count * part) for part in np.cumsum((0.0, *shares)) / sum(shares)]
    spans = list(itertools.pairwise(edges))
    for share, (begin, end) in zip(shares, spans, strict=True):
        if share and begin == end:
            what = "positions" if alone else "sequences"
            raise DataError(f"{data.name}: {count} {what} are too few for a share of {share / sum(shares):.3g}")
    if alone:
        return tuple(data.pieces(np.array([span], np.int64).reshape(-1, 2)) for span in spans)
    order = np.random.default_rng((seed, count)).permutation(count)
    return tuple(data.subset(np.sort(order[begin:end])) for begin, end in spans)
