"""Strings of handwritten digits: the 8x8 images that come with scikit-learn, put side by side with gaps.

The data set (Alpaydin & Kaynak 1998, a copy of UCI's test part) has no writer identities: whether a hand that
wrote digits of the test part wrote some of the training part as well, nobody can tell. The two parts have no image
in common, and the test part is the end of the file, which reads less easily than a random choice of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROWS, SHORTEST, LONGEST, WIDEST_GAP = 8, 3, 8, 3
TRAINED = 1400


@dataclass(frozen=True)
class Digits:
    """Images (N, 8, 8) from 0 (paper) to 1 (ink), and what they show, (N,)."""

    images: Floats
    shown: NDArray[np.int64]


@dataclass(frozen=True)
class String:
    """A string as columns (T, 8), in writing order, and its digits."""

    columns: Floats
    digits: tuple[int, ...]


def load() -> tuple[Digits, Digits]:
    """The digits to train on and those to test with. SystemExit where scikit-learn is not installed."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit("the images come with scikit-learn: pip install 'rnnc[examples]'") from None
    found = load_digits()
    images, shown = found.images / 16.0, found.target.astype(np.int64)
    return Digits(images[:TRAINED], shown[:TRAINED]), Digits(images[TRAINED:], shown[TRAINED:])


def inked(image: Floats, least: float = 0.0) -> Floats:
    """The columns from the first to the last that have ink."""
    where = np.flatnonzero((image > least).any(axis=0))
    return image[:, where[0] : where[-1] + 1] if where.size else image[:, :1]


def warped(images: Floats, draw: np.random.Generator) -> list[Floats]:
    """Each image a little larger or smaller, slanted, turned, moved, darker or lighter; columns without ink cut off."""
    count = len(images)
    padded = np.zeros((count, 10, 14))
    padded[:, 1:9, 3:11] = images
    wide, tall, turn, slant, lift, dark = draw.uniform(-1.0, 1.0, (6, count, 1, 1))
    y, x = np.mgrid[0:8, 0:12] - np.array([3.5, 5.5])[:, None, None]
    across = np.clip(np.exp(0.2 * wide) * x + (0.25 * slant + 0.15 * turn) * y + 6.5, 0.0, 12.999)
    down = np.clip(np.exp(0.15 * tall) * y - 0.15 * turn * x + 0.8 * lift + 4.5, 0.0, 8.999)
    row, column = down.astype(int), across.astype(int)
    v, u, n = down - row, across - column, np.arange(count)[:, None, None]
    above = (1.0 - u) * padded[n, row, column] + u * padded[n, row, column + 1]
    below = (1.0 - u) * padded[n, row + 1, column] + u * padded[n, row + 1, column + 1]
    found = np.clip(((1.0 - v) * above + v * below) * (1.0 + 0.2 * dark), 0.0, 1.0)
    return [inked(image, 0.12) for image in found]


def compose(glyphs: list[list[Floats]], shown: NDArray[np.int64], draw: np.random.Generator) -> String:
    """A string of 3 to 8 digits drawn at random, gaps of 0 to 3 columns around and between them.

    `glyphs`: lists of the images of all digits, of which any may be taken.
    """
    chosen = draw.integers(len(shown), size=draw.integers(SHORTEST, LONGEST + 1))
    parts = [_gap(draw)]
    for digit in chosen:
        parts += [glyphs[draw.integers(len(glyphs))][digit], _gap(draw)]
    return String(np.concatenate(parts, axis=1).T, tuple(int(shown[digit]) for digit in chosen))


def _gap(draw: np.random.Generator) -> Floats:
    return np.zeros((ROWS, draw.integers(WIDEST_GAP + 1)))


def nearest(string: String, known: Digits) -> tuple[int, ...]:
    """The string cut at columns without ink, each piece read as the training image nearest to it: a baseline."""
    ink = np.concatenate(([False], (string.columns > 0.0).any(axis=1), [False]))
    edges = np.flatnonzero(ink[1:] != ink[:-1])
    bank = np.array([_centred(inked(image)) for image in known.images]).reshape(len(known.images), -1)
    pieces = [string.columns[a:b].T for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return tuple(int(known.shown[((bank - _centred(piece).ravel()) ** 2).sum(axis=1).argmin()]) for piece in pieces)


def _centred(piece: Floats) -> Floats:
    """A piece as 8 columns: with paper on both sides, or pressed together."""
    width = piece.shape[1]
    if width > ROWS:
        places = np.linspace(0, width - 1, ROWS)
        return np.array([np.interp(places, np.arange(width), row) for row in piece])
    left = (ROWS - width) // 2
    return np.pad(piece, ((0, 0), (left, ROWS - width - left)))
