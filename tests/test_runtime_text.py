"""The corpus, its two parts and its windows; the n-gram model against its own definition."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fakes import long_text

from rnnc.runtime import text
from rnnc.runtime.ngram import fit_ngrams


def test_the_documentation_is_in_every_installation() -> None:
    corpus = text.read_corpus(text.PYDOC)
    assert len(corpus.train) > 350_000
    assert len(corpus.held_out) > 30_000
    assert 60 < corpus.size < 300
    again = text.read_corpus(text.PYDOC)
    np.testing.assert_array_equal(again.train, corpus.train)


def test_a_file_goes_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(long_text(), encoding="utf-8")
    corpus = text.read_corpus(str(path))
    whole = text.decode(corpus.train, corpus.vocabulary)
    assert long_text().startswith(whole)
    assert corpus.vocabulary[text.UNKNOWN] == text.UNKNOWN_SIGN


def test_rare_and_foreign_characters_are_unknown() -> None:
    vocabulary = text.character_vocabulary("aabbc")
    assert vocabulary == (text.UNKNOWN_SIGN, "a", "b")
    assert text.encode("abcz\U0001f600", vocabulary).tolist() == [1, 2, 0, 0, 0]
    assert text.encode("", vocabulary).tolist() == []
    assert text.encode("xyz", text.character_vocabulary("abc")).tolist() == [0, 0, 0]


def test_repeated_paragraphs_are_not_held_out() -> None:
    first = "".join(f"paragraph {n} of many\n\n" for n in range(100))
    fresh = "".join(f"quite new words {n}\n\n" for n in range(15))
    corpus = text.split_corpus(first + fresh[: len(fresh) // 2] + "paragraph 7 of many\n\n" + fresh, name="x")
    assert "paragraph 7 of" not in text.decode(corpus.held_out, corpus.vocabulary)
    with pytest.raises(text.TextError, match="repeats itself"):
        text.split_corpus("the same paragraph\n\n" * 100, name="x")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(text.TextError, match=r"cannot read the text `.*missing.txt`"):
        text.read_corpus(str(tmp_path / "missing.txt"))
    with pytest.raises(text.TextError, match="cannot read the text"):
        text.read_corpus(str(tmp_path))
    (tmp_path / "bytes").write_bytes(b"abc\xff\xfe")
    with pytest.raises(text.TextError, match="not UTF-8 text: byte 3"):
        text.read_corpus(str(tmp_path / "bytes"))
    (tmp_path / "once").write_text("".join(map(chr, range(0x4E00, 0x4E00 + 2000))), encoding="utf-8")
    with pytest.raises(text.TextError, match="once` has no character twice: there is nothing to learn"):
        text.read_corpus(str(tmp_path / "once"))
    (tmp_path / "short").write_text("short")
    with pytest.raises(text.TextError, match="has 5 characters"):
        text.read_corpus(str(tmp_path / "short"))


@pytest.mark.parametrize("window", [1, 7, 50])
def test_windows_cover_the_streams_once(window: int) -> None:
    ids = np.arange(103, dtype=np.int64)
    laid = text.streams(ids, 4)
    assert laid.shape == (25, 4)
    assert laid[:, 1].tolist() == list(range(25, 50))
    pieces = list(text.windows(laid, window))
    np.testing.assert_array_equal(np.concatenate([given for given, _ in pieces]), laid[:-1])
    np.testing.assert_array_equal(np.concatenate([following for _, following in pieces]), laid[1:])
    with pytest.raises(text.TextError, match="too few for 100 streams"):
        text.streams(ids, 100)


@pytest.mark.parametrize("length", [1, 3, 5])
def test_probabilities_sum_to_one_after_any_context(length: int) -> None:
    corpus = text.split_corpus(long_text(), name="x")
    model = fit_ngrams(corpus.train, corpus.size, length)
    for context in ([], [3], [0], [3, 5], [0, 0], [corpus.size - 1, 2], [1, 2, 3, 4, 5]):
        total = sum(
            model.probabilities(np.array([*context, k], dtype=np.int64))[len(context)] for k in range(corpus.size)
        )
        assert total == pytest.approx(1.0, rel=1e-12)


def kneser_ney(ids: list[int], size: int, context: list[int], following: int) -> float:
    """The definition, with dictionaries and one character at a time; a context of all that the model looks at."""
    counts = Counter(zip(*(ids[k:] for k in range(len(context) + 1)), strict=False))
    levels: list[Counter[tuple[int, ...]]] = [Counter(counts)]
    for _ in context:
        levels.insert(0, Counter(key[1:] for key in levels[0]))
    probability = 1.0 / size
    for length, level in enumerate(levels):
        tail = tuple(context[len(context) - length :])
        seen = {key: n for key, n in level.items() if key[:-1] == tail}
        if not seen:
            continue
        once, twice = (sum(n == k for n in level.values()) for k in (1, 2))
        discount = once / (once + 2 * twice) if once else 0.5
        kept = max(seen.get((*tail, following), 0) - discount, 0.0)
        probability = (kept + discount * len(seen) * probability) / sum(seen.values())
    return probability


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_against_kneser_and_ney_by_definition(length: int) -> None:
    ids = np.random.default_rng(0).integers(1, 5, size=60) % 4
    model = fit_ngrams(ids, 6, length)
    for context in itertools.product(range(6), repeat=length - 1):
        found = [model.probabilities(np.array([*context, k]))[-1] for k in range(6)]
        wanted = [kneser_ney(ids.tolist(), 6, [*context], k) for k in range(6)]
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_trigram_beats_single_characters_and_knows_its_text() -> None:
    corpus = text.split_corpus(long_text(20000), name="x")
    model = fit_ngrams(corpus.train, corpus.size)
    counts = np.bincount(corpus.train, minlength=corpus.size) + 1.0
    single = -np.log2(counts / counts.sum())[corpus.held_out].mean()
    assert model.bits(corpus.held_out) < 0.7 * single
    with pytest.raises(ValueError, match="needs 3 characters, not 2"):
        fit_ngrams(np.array([1, 2]), 3)
    with pytest.raises(ValueError, match="5-grams of 7000 different characters are too many"):
        fit_ngrams(np.arange(9), 7000, 5)


def test_a_text_from_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same as from a file, line ends of every system as one."""
    written = long_text().replace("hay", "h\u00e4y")
    (tmp_path / "a.txt").write_text(written, encoding="utf-8", newline="\r\n")
    for end in ("\n", "\r\n", "\r"):
        piped = written.replace("\n", end).encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(piped), encoding="ascii"))
        corpus, from_file = text.read_corpus("-"), text.read_corpus(str(tmp_path / "a.txt"))
        assert corpus.name == "standard input" and corpus.vocabulary == from_file.vocabulary
        assert corpus.train.tolist() == from_file.train.tolist()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"ab\xff")))
    with pytest.raises(text.TextError, match=r"^standard input is not UTF-8 text: byte 2 cannot be read$"):
        text.read_corpus("-")
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(text.TextError, match=r"^standard input is closed$"):
        text.read_corpus("-")
