"""`rnnc train SPEC --text …`, less its command line: train, save, compare with a trigram, and sample."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnc.runtime.network import Array, TextNetwork, UnfitNetwork, averages, text_network
from rnnc.runtime.ngram import fit_ngrams
from rnnc.runtime.progress import Progress, clock, talk
from rnnc.runtime.sampling import sample_text, writes_text
from rnnc.runtime.signals import Stop, stop_requests
from rnnc.runtime.text import PYDOC, Corpus, TextError, read_corpus
from rnnc.runtime.training import Outcome, Plan, held_out_bits, train
from rnnc.runtime.weights import WeightsError, check_place, save_weights

DONE, UNFIT, UNREADABLE = 0, 1, 2
QUICK = 0.25


@dataclass(frozen=True)
class TextOptions:
    """What the command line says. `steps` goes before `minutes`; `quick` trains for 15 seconds at most, whatever these
    say.

    `sizes` are sizes of the network, name and value; the vocabulary's own follows from the text.
    """

    text: str = PYDOC
    minutes: float = 2.0
    steps: int | None = None
    batch: int = 8
    window: int = 32
    lr: float = 4e-3
    seed: int = 0
    out: Path = Path("weights.npz")
    sample: int = 300
    temperature: float = 0.8
    quick: bool = False
    sizes: tuple[tuple[str, int], ...] = ()

    def plan(self) -> Plan:
        """The same as a plan of training; ValueError in the options' names for a number out of range."""
        for name, least in (("batch", 1), ("window", 1), ("sample", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"--{name} is {getattr(self, name)}; it must be at least {least}")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"--steps is {self.steps}; it must be at least 1")
        for name in ("minutes", "lr"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0.0):
                raise ValueError(f"--{name} is {getattr(self, name)}; it must be a number above 0")
        if not (math.isfinite(self.temperature) and self.temperature >= 0.0):
            raise ValueError(f"--temperature is {self.temperature}; it must be a number of at least 0")
        seconds = 60.0 * (min(self.minutes, QUICK) if self.quick else self.minutes)
        limit = None if self.steps is not None and not self.quick else seconds
        return Plan(limit, self.steps, self.batch, self.window, self.lr, seed=self.seed)


def train_text(module: object, options: TextOptions) -> int:
    """Train a module that meets the protocol on a text; returns the exit status.

    Results (a table of held-out costs, then sampled text) go to stdout, all else to stderr. The weights
    are saved a few times on the way and at the end, also where Ctrl-C or SIGTERM ends the run (130, 143).
    1: the network does not fit a text, or its loss was not finite; 2: a file or an option is at fault.
    """
    with stop_requests() as stop:
        try:
            plan = options.plan()
            check_place(options.out)
            network = text_network(module)
            return _run(network, read_corpus(options.text), plan, options, stop)
        except UnfitNetwork as error:
            return _complain(str(error), UNFIT)
        except (ValueError, TextError, WeightsError) as error:
            return _complain(str(error), UNREADABLE)


def _run(network: TextNetwork, corpus: Corpus, plan: Plan, options: TextOptions, stop: Stop) -> int:
    trigram = fit_ngrams(corpus.train, corpus.size).bits(corpus.held_out)
    _check_vocabulary(network, corpus)
    if plan.batch > len(corpus.train) // 2:
        raise TextError(
            f"--batch is {plan.batch}; the {len(corpus.train):,} characters of {corpus.name} to train on are too few "
            f"for {plan.batch} streams"
        )
    sizes = {**dict(options.sizes), **dict.fromkeys(network.sizes, corpus.size)}
    p = network.module.init(seed=options.seed, dtype="float32", **sizes)
    weights = sum(value.size for value in p.values())
    talk(
        f"{corpus.name}: {len(corpus.train):,} characters to train on, {len(corpus.held_out):,} held out, "
        f"{corpus.size} different; {weights:,} weights"
    )
    progress = Progress()

    def save() -> None:
        save_weights(options.out, p, _notes(corpus, getattr(p, "sizes", sizes)))

    # Numbers that are not finite end the run with a message of their own.
    with np.errstate(all="ignore"):
        mean = averages(network, p)
        outcome = train(network, p, corpus, plan, progress, stop, mean=mean, keep=save)
    if not outcome.steps:
        if outcome.failed:
            return _complain(f"{outcome.failed}; nothing saved", UNFIT)
        talk(f"stopped by {signal.Signals(stop.number).name} before the first step; nothing saved")
        return stop.exit_status
    save()
    if outcome.failed:
        return _complain(f"{outcome.failed}; the last good weights are in {options.out}", UNFIT)
    if stop.number:
        talk(_stopped(stop, outcome, options.out))
        return stop.exit_status
    talk(
        f"{outcome.steps:,} step{'s' * (outcome.steps != 1)}, {outcome.characters:,} characters "
        f"in {clock(outcome.seconds)}; weights in {options.out}"
    )
    bits = held_out_bits(network, p, corpus.held_out, mean=mean)
    _report(
        corpus,
        (("trigram, Kneser-Ney", trigram), (str(getattr(network.module, "__name__", "network")), bits)),
    )
    if options.sample:
        _sample(network, p, corpus, options)
    return stop.exit_status or DONE


def _check_vocabulary(network: TextNetwork, corpus: Corpus) -> None:
    fixed = {name: getattr(network.module, "SIZES", {})[name] for name in getattr(network.module, "PINNED", ())}
    for name in network.sizes:
        if fixed.get(name, corpus.size) != corpus.size:
            raise TextError(
                f"{corpus.name} has {corpus.size} different characters, and `{name}` is set to {fixed[name]}: "
                "leave it open, or give the text with --data, where the rarest count as one"
            )


def _notes(corpus: Corpus, sizes: Mapping[str, int]) -> dict[str, str]:
    return {"vocabulary": json.dumps("".join(corpus.vocabulary)), "sizes": json.dumps(sizes)}


def _stopped(stop: Stop, outcome: Outcome, out: Path) -> str:
    name = signal.Signals(stop.number).name
    return f"stopped by {name} after step {outcome.steps:,} ({clock(outcome.seconds)}); weights saved in {out}"


def _report(corpus: Corpus, rows: tuple[tuple[str, float], ...]) -> None:
    width = max(len(name) for name, _ in rows)
    print(f"bits per character on the {len(corpus.held_out):,} held-out characters of {corpus.name}")
    for name, bits in rows:
        print(f"  {name:<{width}}  {bits:.3f}")


def _sample(network: TextNetwork, p: Mapping[str, Array], corpus: Corpus, options: TextOptions) -> None:
    if writes_text(network.module) is None:
        talk("no text is sampled: the spec does not say `feedback w[n+1] = sample(p[n])`")
        return
    text = sample_text(
        network.module,
        p,
        corpus.vocabulary,
        length=options.sample,
        temperature=options.temperature,
        seed=options.seed,
    )
    print(f"\n{options.sample} characters drawn at temperature {options.temperature:g}:\n\n{text}")


def _complain(text: str, status: int) -> int:
    talk(f"error: {text}")
    return status
