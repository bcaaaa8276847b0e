"""Plain text as tokens: characters, or words and signs; number 0 stands for all that is not in the vocabulary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rnnc.runtime.data.fields import DataError
from rnnc.runtime.data.mapped import Mapped, Spool
from rnnc.runtime.text import UNKNOWN, UNKNOWN_SIGN

CHARACTERS, WORDS = "characters", "words"
_WORD = re.compile(r"\w+|[^\w\s]|\n")


def read_words(path: Path, unit: str, vocabulary: tuple[str, ...], most: int) -> tuple[Mapped, tuple[str, ...], float]:
    """The text as token numbers, (tokens,) int32, its vocabulary, and the share of tokens that are not in it.

    Without a vocabulary it is made from the text: its most frequent `most` - 1 tokens that occur twice or more,
    frequent ones first. DataError where the file is no UTF-8 text or empty.
    """
    if not vocabulary:
        counts: Counter[str] = Counter()
        for tokens in _tokens(path, unit):
            counts.update(tokens)
        frequent = sorted((token for token, n in counts.items() if n > 1), key=lambda token: (-counts[token], token))
        vocabulary = (UNKNOWN_SIGN, *(token for token in frequent[: most - 1] if token != UNKNOWN_SIGN))
    numbers = {token: number for number, token in enumerate(vocabulary)}
    spool, strange = Spool(np.int32), 0
    for tokens in _tokens(path, unit):
        ids = np.array([numbers.get(token, UNKNOWN) for token in tokens], np.int32)
        strange += int((ids == UNKNOWN).sum())
        spool.add(ids, len(tokens))
    if not spool.rows:
        raise DataError(f"{path}: the text is empty")
    return spool.finish(), vocabulary, strange / spool.rows


def split_tokens(text: str, unit: str) -> list[str]:
    """A text as its characters, or as its words, signs and line ends."""
    return _WORD.findall(text) if unit == WORDS else list(text)


def join_tokens(tokens: list[str], unit: str) -> str:
    """A text of tokens: words apart, signs and line ends close to what they follow."""
    if unit != WORDS:
        return "".join(tokens)
    text = ""
    for token in tokens:
        apart = text and not text.endswith("\n") and (token[0].isalnum() or token[0] == "_")
        text += f" {token}" if apart else token
    return text


def _tokens(path: Path, unit: str) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8") as file:
            if unit == WORDS:
                for line in file:
                    yield split_tokens(line, unit)
            else:
                while text := file.read(1 << 16):
                    yield split_tokens(text, unit)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text: {error.reason}") from None
