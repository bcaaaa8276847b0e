"""Polynomials and numbers of a plan as text."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from rnnc.sizes import Powers, Size

_STEPS = (("", 1), (" k", 10**3), (" M", 10**6), (" G", 10**9), (" T", 10**12), (" P", 10**15))
_BYTES = (("", 1), ("k", 10**3), ("M", 10**6), ("G", 10**9), ("T", 10**12), ("P", 10**15))


def polynomial(size: Size, at: Mapping[str, int], most: int = 4) -> str:
    """`4 D H + H^2 + ...`: the `most` terms that are largest for the sizes `at`, largest first."""
    inner = dict(size.quotients)
    lone = [(p, c, Size(((p, c),), tuple((k, v) for k, v in inner.items() if k in dict(p)))) for p, c in size.terms]
    ordered = sorted(lone, key=lambda t: (-abs(t[2].value(at)), t[0]))
    parts = [_term(p, abs(c)) for p, c, _ in ordered[:most]]
    signs = ["-" if c < 0 else "+" for _, c, _ in ordered[:most]]
    text = "".join(f" {sign} {part}" for sign, part in zip(signs, parts, strict=True)).removeprefix(" + ").strip()
    return (text or "0") + (" + ..." if len(ordered) > most else "")


def _term(powers: Powers, c: Fraction) -> str:
    over = [name if k == 1 else f"{name}^{k}" for name, k in powers if k > 0]
    under = [name if k == -1 else f"{name}^{-k}" for name, k in powers if k < 0]
    if c.numerator != 1 or not over:
        over.insert(0, str(c.numerator))
    if c.denominator != 1:
        under.insert(0, str(c.denominator))
    return " ".join(over) + "".join(f"/{u}" for u in under)


def short(value: int, of: str = "") -> str:
    """Three figures: `12.3 M`, or with a unit, `12.3 MB`."""
    ladder = _BYTES if of else _STEPS
    letter, unit = next(((word, n) for word, n in reversed(ladder) if value >= n), ladder[0])
    figure = value / unit
    text = f"{figure:.3g}" if figure < 999.5 else f"{figure:.0f}"
    return f"{text} {letter}{of}" if of else f"{text}{letter}"


def times(ratio: float) -> str:
    """`1.3 times`, `57 times`, `1,200 times`."""
    return f"{ratio:.1f} times" if ratio < 9.95 else f"{float(f'{ratio:.2g}'):,.0f} times"
