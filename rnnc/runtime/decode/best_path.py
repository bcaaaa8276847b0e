"""Best path decoding: the most probable label of every frame, repeats and blanks taken away."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from rnnc.runtime.decode.posteriors import Floats, Labels, read_posteriors


def best_path(
    probs: ArrayLike | None = None,
    blank: int = 0,
    *,
    log_probs: ArrayLike | None = None,
    logits: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
) -> Any:
    """`(labels, log probability)` of the most probable path; for a batch a list of them.

    Graves et al. (2006), "Connectionist temporal classification", ICML, section 3.2. Many paths give the same
    labelling, so another labelling may well be more probable: `prefix_search` and `beam` add the paths up.

    One of `probs`, `log_probs` and `logits`: (T, K), or (T, B, K) with `lengths` (B,). Of labels equally probable at a
    frame the lowest is taken. ValueError for input that is none of these.
    """
    given = read_posteriors(probs, log_probs, logits, blank, lengths)
    return given.each(lambda rows: _decode(rows, given.blank))


def _decode(rows: Floats, blank: int) -> tuple[Labels, float]:
    path = rows.argmax(axis=1)
    return collapse(path.tolist(), blank), float(rows.max(axis=1).sum())


def collapse(path: list[int], blank: int) -> Labels:
    """The labelling of a path: repeats become one label, then blanks go."""
    return tuple(label for label, before in zip(path, [blank, *path], strict=False) if label not in (before, blank))
