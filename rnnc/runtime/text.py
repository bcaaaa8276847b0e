"""A text as character numbers: where it comes from, its vocabulary, its two parts, its windows."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]

PYDOC = "pydoc"
STDIN = "-"
UNKNOWN = 0
UNKNOWN_SIGN = "\N{REPLACEMENT CHARACTER}"


class TextError(ValueError):
    """A text that cannot be read or is too short for what was asked; the message names the source."""


@dataclass(frozen=True)
class Corpus:
    """A text in two parts, as character numbers.

    `vocabulary[i]` is the character with number i; number 0 stands for every character that is not
    in it. `train` and `held_out` are int64, (number of characters,).
    """

    name: str
    vocabulary: tuple[str, ...]
    train: Ids
    held_out: Ids

    @property
    def size(self) -> int:
        """How many numbers there are, the unknown character's included."""
        return len(self.vocabulary)


def read_text(source: str) -> str:
    """The text of a UTF-8 file, of standard input (`-`), or of Python's own documentation (`pydoc`).

    Raises TextError where there is no such file, or it is not UTF-8 text.
    """
    if source == PYDOC:
        from pydoc_data.topics import topics

        return "\n\n".join(topics[name] for name in sorted(topics))
    try:
        if source == STDIN:
            if sys.stdin is None:
                raise TextError("standard input is closed")
            return sys.stdin.buffer.read().decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        return Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise TextError(f"cannot read the text `{source}`: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        shown = "standard input" if source == STDIN else f"`{source}`"
        raise TextError(f"{shown} is not UTF-8 text: byte {error.start} cannot be read") from None


def read_corpus(source: str, *, held_out: float = 0.1) -> Corpus:
    """The corpus of a file or of `pydoc`; its last part, the share `held_out`, is kept from training.

    Raises TextError as `read_text` does, and for a text under 1,000 characters.
    """
    name = "standard input" if source == STDIN else source
    return split_corpus(read_text(source), name=name, held_out=held_out)


def split_corpus(text: str, *, name: str, held_out: float = 0.1) -> Corpus:
    """Cut a text in two at a paragraph and number its characters by the first part alone.

    A paragraph of the second part that stands word for word in the first is left out: manuals repeat
    themselves, and a repeated paragraph would measure memory instead of prediction.
    """
    if len(text) < 1000:
        raise TextError(f"the text `{name}` has {len(text)} characters; 1,000 are the least to train on")
    cut = round(len(text) * (1.0 - held_out))
    paragraph = text.find("\n\n", cut)
    cut = paragraph + 2 if 0 <= paragraph < cut + len(text) // 50 else cut
    first, second = text[:cut], _unseen_paragraphs(text[:cut], text[cut:])
    if len(second) < 100:
        raise TextError(f"the text `{name}` repeats itself: nothing new is left to hold out")
    vocabulary = character_vocabulary(first)
    if len(vocabulary) == 1:
        raise TextError(f"the text `{name}` has no character twice: there is nothing to learn")
    return Corpus(name, vocabulary, encode(first, vocabulary), encode(second, vocabulary))


def _unseen_paragraphs(first: str, second: str) -> str:
    seen = {paragraph.strip() for paragraph in first.split("\n\n")}
    return "\n\n".join(paragraph for paragraph in second.split("\n\n") if paragraph.strip() not in seen)


def character_vocabulary(text: str) -> tuple[str, ...]:
    """The characters that occur at least twice, in code order, after the sign for all others.

    A character seen once counts as unknown, so that the unknown number has examples to learn from.
    """
    counts = Counter(text)
    return (UNKNOWN_SIGN, *sorted(c for c, n in counts.items() if n > 1 and c != UNKNOWN_SIGN))


def encode(text: str, vocabulary: tuple[str, ...]) -> Ids:
    """Characters to numbers, int64, (len(text),); 0 for those outside the vocabulary."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    known = np.array([ord(c) for c in vocabulary[1:]], dtype=np.uint32)
    if not len(known):
        return np.full(len(codes), UNKNOWN, dtype=np.int64)
    place = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    return np.where(known[place] == codes, place + 1, UNKNOWN).astype(np.int64)


def decode(ids: Ids, vocabulary: tuple[str, ...]) -> str:
    """Numbers back to characters; the unknown character as U+FFFD."""
    return "".join(vocabulary[int(i)] for i in ids)


def streams(ids: Ids, batch: int) -> Ids:
    """Lay a text out as `batch` streams side by side, (N, batch), time first.

    Stream b goes on where stream b-1 ends, less a remainder of at most batch-1 characters.
    """
    length = len(ids) // batch
    if length < 2:
        raise TextError(f"{len(ids)} characters are too few for {batch} streams")
    return np.ascontiguousarray(ids[: length * batch].reshape(batch, length).T)


def windows(laid: Ids, window: int) -> Iterator[tuple[Ids, Ids]]:
    """Successive pieces of the streams, and what follows each character: (n, batch) each, n <= window."""
    for begin in range(0, len(laid) - 1, window):
        end = min(begin + window, len(laid) - 1)
        yield laid[begin:end], laid[begin + 1 : end + 1]
