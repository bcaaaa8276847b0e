"""Options of the suite."""

from __future__ import annotations

import signal

import pytest

SUITE = 150

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
        "--all-broken", action="store_true", help="break the library's specs at every lexeme, not at a sample"
    )
    parser.addoption(
        "--long-proofs",
        action="store_true",
        help="100 kills in place of a dozen, 10,000 steps in place of 350, every write failing and every byte damaged",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with an argument `random_seed` runs once for every random spec."""
    if "random_seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("first_random_spec")
        count = metafunc.config.getoption("random_specs")
        metafunc.parametrize("random_seed", range(first, first + count))
