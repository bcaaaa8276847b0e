"""Names of values that the compiler makes."""

from __future__ import annotations

from collections.abc import Container


def unused(base: str, taken: Container[str]) -> str:
    """`base` where that is free, else with a number from 2 on; in a few looks where thousands are taken."""
    if base not in taken:
        return base
    low, high = 1, 2
    while f"{base}{high}" in taken:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if f"{base}{middle}" in taken else (low, middle)
    return f"{base}{high}"
