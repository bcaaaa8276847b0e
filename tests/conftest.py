"""Options of the suite."""

from __future__ import annotations

import signal

import pytest

SUITE = 150
COMPOSED = 12
LOSSES = 40

# a shell's background job ignores the interrupt, and so would every process that the tests start and interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--random-specs",
        type=int,
        default=SUITE,
        metavar="N",
        help=f"how many random specs the properties are tried on (default {SUITE})",
    )
    parser.addoption(
        "--first-random-spec", type=int, default=0, metavar="SEED", help="the seed of the first (default 0)"
    )
    parser.addoption(
        "--composed-specs",
        type=int,
        default=COMPOSED,
        metavar="N",
        help=f"how many specs of expressions inside expressions the properties are tried on (default {COMPOSED})",
    )
    parser.addoption(
        "--first-composed-spec", type=int, default=0, metavar="SEED", help="the seed of the first (default 0)"
    )
    parser.addoption(
        "--loss-specs",
        type=int,
        default=LOSSES,
        metavar="N",
        help=f"how many specs of composed losses are held to what docs/language.md says (default {LOSSES})",
    )
    parser.addoption("--first-loss-spec", type=int, default=0, metavar="SEED", help="the seed of the first (default 0)")
    parser.addoption(
        "--all-broken", action="store_true", help="break the library's specs at every lexeme, not at a sample"
    )
    parser.addoption(
        "--long-proofs",
        action="store_true",
        help="100 kills in place of a dozen, 10,000 steps in place of 350, every write failing and every byte damaged",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with an argument `random_seed`, `composed_seed` or `loss_seed` runs once for every random spec of that
    kind."""
    for kind in ("random", "composed", "loss"):
        if f"{kind}_seed" in metafunc.fixturenames:
            first = metafunc.config.getoption(f"first_{kind}_spec")
            count = metafunc.config.getoption(f"{kind}_specs")
            metafunc.parametrize(f"{kind}_seed", range(first, first + count))
