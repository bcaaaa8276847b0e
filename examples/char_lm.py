"""Two LSTM layers read Python's documentation, and the source code of its standard library, character by character.

python examples/char_lm.py            # three to four minutes on two cores: a process for each text
python examples/char_lm.py --quick    # a few seconds, to see it run

For each text: what a held-out character costs in bits, beside models that count n-grams (Kneser and Ney 1995), and text
drawn from the network at several stages of its training. The network is specs/char_lm.rnn.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# a second thread gains nothing on products this small
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import rnnc
from rnnc.runtime.network import averages, text_network
from rnnc.runtime.ngram import fit_ngrams
from rnnc.runtime.progress import Progress
from rnnc.runtime.sampling import sample_text
from rnnc.runtime.signals import Stop
from rnnc.runtime.text import PYDOC, Corpus, read_corpus, split_corpus
from rnnc.runtime.training import Plan, held_out_bits, train

SPEC = Path(__file__).resolve().parent.parent / "specs" / "char_lm.rnn"
SOURCE_CHARACTERS = 1_500_000
ORDERS = range(1, 9)


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
    """Shows what the network writes each time the held-out part has been looked at, and no more: two runs share the
    terminal."""

    def __init__(self, module: Any, p: Mapping[str, Any], text: Text) -> None:
        super().__init__(sys.stdout)
        self.module, self.p, self.text = module, p, text

    def update(self, done: float, bits: float, characters: int) -> None:
        return

    def say(self, text: str) -> None:
        print(f"{self.text.corpus.name:<17} {text}: {written(self.module, self.p, self.text, 60)!r}", flush=True)


def written(module: Any, p: Mapping[str, Any], text: Text, length: int) -> str:
    """`length` characters by the network, after the text's own beginning."""
    drawn = sample_text(module, p, text.corpus.vocabulary, length=length, temperature=0.7, prime=text.prime)
    return text.prime + drawn


def run(text: Text, plan: Plan, sizes: Mapping[str, int]) -> str:
    """Train on one text, with samples on the way; returns its table and a longer sample."""
    corpus, begun = text.corpus, time.process_time()
    network = text_network(rnnc.compile_file(SPEC))
    module: Any = network.module
    p = module.init(seed=plan.seed, V=corpus.size, **sizes)
    stages = Stages(module, p, text)
    stages.say("  0%  untrained")
    mean = averages(network, p)
    outcome = train(network, p, corpus, plan, stages, Stop(), mean=mean)
    bits = held_out_bits(network, p, corpus.held_out, mean=mean)
    rows = [(f"{n}-grams, Kneser-Ney", fit_ngrams(corpus.train, corpus.size, n).bits(corpus.held_out)) for n in ORDERS]
    return "\n".join(
        (
            f"\n{corpus.name}: {len(corpus.train):,} characters, {p.flat.size:,} weights, {outcome.steps:,} steps, "
            f"{outcome.characters:,} characters read; {outcome.seconds:.0f} s of training, "
            f"{time.process_time() - begun:.0f} s of processor time for all",
            f"bits per character on {len(corpus.held_out):,} held out",
            *(f"  {name:<24}{value:6.3f}" for name, value in (*rows, ("two LSTM layers", bits))),
            f"\n{written(module, p, text, 400)}",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=12_000, help="of training on each text")
    parser.add_argument("--quick", action="store_true", help="80 small steps")
    given = parser.parse_args()
    plan = Plan(steps=80, batch=16, lr=1e-2) if given.quick else Plan(steps=given.steps)
    sizes = {"H": 32, "E": 16} if given.quick else {}
    with ProcessPoolExecutor(2) as pool:
        for report in pool.map(run, texts(given.quick), (plan, plan), (sizes, sizes)):
            print(report, flush=True)


if __name__ == "__main__":
    main()
