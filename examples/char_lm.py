"""Two LSTM layers read Python's documentation, and the source code of its standard library, character by character.

python examples/char_lm.py            # two minutes of training on each text
python examples/char_lm.py --quick    # a few seconds, to see it run

For each text: what a held-out character costs in bits, beside models that count n-grams (Witten and Bell 1991; Kneser
and Ney 1995), and text drawn from the network at several stages of its training. The network is specs/char_lm.rnn.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# a second thread gains nothing on products this small
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import rnnc
from rnnc.runtime.network import averages, text_network
from rnnc.runtime.ngram import fit_trigram
from rnnc.runtime.progress import Progress
from rnnc.runtime.sampling import sample_text
from rnnc.runtime.signals import Stop
from rnnc.runtime.text import PYDOC, Corpus, read_corpus, split_corpus
from rnnc.runtime.training import Plan, held_out_bits, train

SPEC = Path(__file__).resolve().parent.parent / "specs" / "char_lm.rnn"
SOURCE_CHARACTERS = 1_500_000


@dataclass(frozen=True)
class Text:
    """A corpus, and what a sample of it begins with."""

    corpus: Corpus
    prime: str


def texts(quick: bool) -> tuple[Text, Text]:
    """The documentation that comes with Python, and modules of its standard library in the order of their names."""
    folder = Path(os.__file__).parent
    source = "\n\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    source = source[: SOURCE_CHARACTERS // (10 if quick else 1)]
    return (
        Text(read_corpus(PYDOC), "The "),
        Text(split_corpus(source, name="standard library"), "def "),
    )


class Stages(Progress):
    """Progress that also shows what the network writes each time the held-out part has been looked at."""

    def __init__(self, module: Any, p: Mapping[str, Any], text: Text) -> None:
        super().__init__(sys.stdout)
        self.module, self.p, self.text = module, p, text

    def say(self, text: str) -> None:
        super().say(f"{text}: {written(self.module, self.p, self.text, 60)!r}")


def written(module: Any, p: Mapping[str, Any], text: Text, length: int) -> str:
    """`length` characters by the network, after the text's own beginning."""
    drawn = sample_text(module, p, text.corpus.vocabulary, length=length, temperature=0.7, prime=text.prime)
    return text.prime + drawn


def witten_bell(corpus: Corpus, order: int) -> float:
    """Bits a held-out character costs by counts of n-grams, each order mixed with the one below: after a context that
    was seen n times, with d different characters, the lower order weighs d / (n + d)."""
    probability = np.full(len(corpus.held_out), 1.0 / corpus.size)
    for length in range(order):
        seen, asked = (keys(ids, length + 1, corpus.size) for ids in (corpus.train, corpus.held_out))
        pairs, counts = np.unique(seen, return_counts=True)
        contexts, first = np.unique(pairs // corpus.size, return_index=True)
        totals = np.add.reduceat(counts, first)
        kinds = np.diff([*first, len(pairs)])
        n = found(contexts, totals, asked // corpus.size)
        d = found(contexts, kinds, asked // corpus.size)
        mixed = (found(pairs, counts, asked) + d * probability[length:]) / np.maximum(n + d, 1)
        probability[length:] = np.where(n > 0, mixed, probability[length:])
    return float(-np.log2(probability[order:]).mean())


def keys(ids: Any, length: int, size: int) -> Any:
    """Every `length` neighbours as one number."""
    total = np.zeros(len(ids) - length + 1, np.int64)
    for k in range(length):
        total = total * size + ids[k : len(ids) - length + 1 + k]
    return total


def found(known: Any, values: Any, asked: Any) -> Any:
    """The value of each key that is known, 0 for the others."""
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.where(known[place] == asked, values[place], 0)


def run(text: Text, plan: Plan, sizes: Mapping[str, int]) -> None:
    """Train on one text and print its table and samples."""
    corpus = text.corpus
    network = text_network(rnnc.compile_file(SPEC))
    module: Any = network.module
    p = module.init(seed=plan.seed, V=corpus.size, **sizes)
    print(
        f"\n{corpus.name}: {len(corpus.train):,} characters, {len(corpus.held_out):,} held out, {p.flat.size:,} weights"
    )
    print(f"  0%  untrained: {written(module, p, text, 60)!r}")
    mean = averages(network, p)
    outcome = train(network, p, corpus, plan, Stages(module, p, text), Stop(), mean=mean)
    print(f"100%  {outcome.steps:,} steps, {outcome.characters:,} characters in {outcome.seconds:.0f} s\n")
    rows = [(f"{n}-grams, Witten-Bell", witten_bell(corpus, n)) for n in (1, 2, 3, 4, 5)]
    rows.append(("3-grams, Kneser-Ney", fit_trigram(corpus.train, corpus.size).bits(corpus.held_out)))
    rows.append(("two LSTM layers", held_out_bits(network, p, corpus.held_out, mean=mean)))
    print("bits per held-out character")
    for name, bits in rows:
        print(f"  {name:<24}{bits:6.3f}")
    print(f"\n{written(module, p, text, 400)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0, help="of training on each text")
    parser.add_argument("--quick", action="store_true", help="80 small steps")
    given = parser.parse_args()
    plan = Plan(steps=80, batch=16, window=32, lr=1e-2) if given.quick else Plan(seconds=60.0 * given.minutes)
    for text in texts(given.quick):
        run(text, plan, {"H": 32, "E": 16} if given.quick else {})


if __name__ == "__main__":
    main()
