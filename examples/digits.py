"""Unsegmented handwriting: strings of 3 to 8 digits, read column by column by a bidirectional LSTM with CTC.

    pip install 'rnnc[examples]'
    python examples/digits.py [--quick] [--plot reading.svg]

Real digits (scikit-learn's 8x8 images) stand side by side with gaps of 0 to 3 columns, so that many touch. The
network is told the digits of a string and never where they are. It is trained on strings of 1,400 digits, each a
little warped, and tested on strings of the other 397. The data set has no writer identities, so the hands of the test
may have been seen in training. `--plot` draws a string with the posteriors, the lattice and the alignment that the
network found. About two minutes on two cores.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from digit_strings import ROWS, Digits, String, compose, inked, load, nearest, warped
from numpy.typing import NDArray
from reading_picture import picture

import rnnc
from rnnc.runtime import decode, optim
from rnnc.runtime.schedule import warm_cosine

SPEC = Path(__file__).resolve().parent.parent / "specs" / "blstm_ctc.rnn"
HIDDEN, BATCH, RATE, LABELS = 96, 32, 5e-3, 11  # label 0 is the blank, label d+1 the digit d


def batch_of(strings: list[String]) -> tuple[NDArray[np.float32], NDArray[np.int64], dict[str, NDArray[np.int64]]]:
    """Columns (T, B, 8), labels (S, B) and the lengths of both."""
    frames = np.array([len(string.columns) for string in strings])
    said = np.array([len(string.digits) for string in strings])
    x = np.zeros((frames.max(), len(strings), ROWS), dtype=np.float32)
    labels = np.zeros((said.max(), len(strings)), dtype=np.int64)
    for b, string in enumerate(strings):
        x[: frames[b], b] = string.columns
        labels[: said[b], b] = np.array(string.digits) + 1
    return x, labels, {"n": frames, "m": said}


def train(module: Any, digits: Digits, steps: int, warps: int) -> Any:
    """Parameters after so many steps of Adam on strings made anew for each; the same every time."""
    draw = np.random.default_rng(1)
    glyphs = [warped(digits.images, draw) for _ in range(warps)]
    p = module.init(seed=0, D=ROWS, H=HIDDEN, K=LABELS)
    opt = optim.Adam(lr=RATE)
    begin, mean = time.perf_counter(), 0.0
    for step in range(steps):
        draw = np.random.default_rng((2, step))
        x, labels, lengths = batch_of([compose(glyphs, digits.shown, draw) for _ in range(BATCH)])
        value, grads = module.bptt(p, x=x, l=labels, lengths=lengths)
        optim.clip_norm(grads, 5.0)
        opt.lr = warm_cosine(RATE, step, (step + 1) / steps)
        opt.step(p, grads)
        mean += float(value)
        if (step + 1) % max(1, steps // 5) == 0:
            took = time.perf_counter() - begin
            print(f"{step + 1:6,} steps  {took:4.0f} s  loss {mean / max(1, steps // 5):.2f} a string", flush=True)
            mean = 0.0
    return p


def posteriors(module: Any, p: Any, strings: list[String]) -> list[NDArray[np.float64]]:
    """The network's distribution over labels at each column of each string, (T, 11)."""
    found = []
    for begin in range(0, len(strings), 50):
        x, _, lengths = batch_of(strings[begin : begin + 50])
        probs = module.forward(p, x=x, lengths={"n": lengths["n"]})["p"]
        found += [probs[:frames, b] for b, frames in enumerate(lengths["n"])]
    return found


def report(strings: list[String], probs: list[NDArray[np.float64]], known: Digits) -> list[tuple[int, ...]]:
    """Print the label error rates; returns what was read, by beam search."""
    wanted = [string.digits for string in strings]
    best = [_digits(decode.best_path(rows)[0]) for rows in probs]
    beam = [_digits(decode.beam(rows, top=1)[0][0]) for rows in probs]
    rows = (
        ("cut at empty columns, nearest image", [nearest(string, known) for string in strings]),
        ("BLSTM with CTC, best path", best),
        ("BLSTM with CTC, beam of 25", beam),
    )
    print(f"\n{len(strings)} strings of digits that were not in training (no writer identities)")
    print(f"{'':<36} {'label errors':>13} {'strings right':>14}")
    for title, found in rows:
        right = sum(a == b for a, b in zip(found, wanted, strict=True)) / len(wanted)
        print(f"{title:<36} {decode.label_error_rate(found, wanted):>13.2%} {right:>14.1%}")
    return beam


def _digits(labels: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label - 1 for label in labels)


def _text(digits: tuple[int, ...]) -> str:
    return "".join(map(str, digits))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a few steps and strings: seconds, and a poor reader")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw how a string was read")
    options = parser.parse_args(arguments)
    training, testing = load()
    module = rnnc.compile_file(SPEC)
    p = train(module, training, *((30, 2) if options.quick else (2000, 25)))
    draw = np.random.default_rng(3)
    plain = [[inked(image) for image in testing.images]]
    strings = [compose(plain, testing.shown, draw) for _ in range(20 if options.quick else 500)]
    probs = posteriors(module, p, strings)
    found = report(strings, probs, training)
    wrong = [(b, string) for b, string in enumerate(strings) if found[b] != string.digits]
    print(f"\nread wrong ({len(wrong)}):")
    for b, string in wrong:
        print(f"  {_text(string.digits):<9} as {_text(found[b])}")
    if options.plot:
        # One that went wrong shows more than one that did not.
        b = wrong[0][0] if wrong else 0
        labels = tuple(digit + 1 for digit in strings[b].digits)
        alignment = decode.align(labels, probs[b])
        title = f"{_text(strings[b].digits)}, read as {_text(found[b]) or 'nothing'}"
        options.plot.write_text(picture(title, strings[b].columns, probs[b], alignment), encoding="utf-8")
        print(f"\nwrote {options.plot}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
