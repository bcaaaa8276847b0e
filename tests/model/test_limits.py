"""What a hostile spec cannot do: take long, take much, go deep."""

from __future__ import annotations

import pytest
from understanding import codes, inside, model, right

LONG = {
    "sum": ("output y[n] : D = " + " + ".join(["x[n]"] * 10_000), ["E504"]),
    "difference": ("output y[n] : D = " + " - ".join(["x"] * 1_000), []),
    "quotient": ("output y[n] : D = " + " / ".join(["x"] * 1_000), ["E504"]),
    "product": ("output y[n] : D = " + " * ".join(["x"] * 1_000), []),
    "huge size": ("output y[n] : 1000000000000 = full(x)", []),
    "digits": ("output y[n] : " + "9" * 10_000 + " = full(x)", ["E204"]),
    "infinite": ("output y[n] : D = x * 1e999", ["E205"]),
    "names": ("\n".join(f"unit h{k}[n] : D = zz{k}" for k in range(2_000)), ["E101"] * 2_000),
    "units": ("\n".join(f"unit h{k}[n] : D = x" for k in range(3_001)), ["E504"]),
    "parts": ("output y[n] : D = x" + ".a" * 5_000, ["E103"]),
    "window": ("output y[n] : D = full(x[n-9999..n])", []),
    "nested": ("output y[n] : D = " + "tanh(1 + 2 * " * 24 + "x" + ")" * 24, []),
}
DOUBLING = "".join(f"fn f{k}(z) = {f'f{k - 1}(z) + f{k - 1}(z)' if k else 'z'}\n" for k in range(40))
CHAIN = "".join(f"fn f{k}(z) = {f'tanh(f{k - 1}(z))' if k else 'z'}\n" for k in range(300))
CELLS = "cell c0(x, H) over n { unit y : H = tanh(full(x)) return y }\n" + "".join(
    f"cell c{k}(x, H) over n {{ unit a = c{k - 1}(x, H) unit y = c{k - 1}(a, H) return y }}\n" for k in range(1, 30)
)


@pytest.mark.parametrize("name", LONG)
def test_long(name: str) -> None:
    body, wanted = LONG[name]
    assert codes(inside(body, "D = 3")) == wanted


@pytest.mark.parametrize(
    ("before", "body"),
    [(DOUBLING, "f39(x)"), (CHAIN, "f299(x)"), (CELLS, "c29(x, D)")],
    ids=["doubling", "chain", "cells"],
)
def test_expansion(before: str, body: str) -> None:
    assert codes(inside(f"output y[n] : D = {body}", "D = 3", before)) == ["E504"]


def test_a_product_of_sums_of_sizes() -> None:
    names = [f"S{k}" for k in range(60)]
    product = "*".join([f"({'+'.join(names)})"] * 10)
    spec = inside(f"output y[n] : {product} = full(x)", ", ".join(f"{n} = 2" for n in ("D", *names)))
    assert codes(spec) == ["E204"]


def test_names_are_only_names() -> None:
    text = """network S(N = 3, I = 4, E = 2) {
      axis lambda input self[lambda] : N
      output None[lambda] : I = full(self) unit import[lambda] : E = full(None)
    }"""
    found = model(text)
    assert right(found, "None") == "None.W_self @ self[lambda]"
    assert [p.name for p in found.parameters] == ["None.W_self", "import.W_None"]


def test_recursion_is_refused() -> None:
    assert codes(inside("output y[n] : D = f(x)", "D = 3", "fn f(z) = g(z)\nfn g(z) = f(z)")) == ["E108"]
    cell = "cell c(x, H) over n { unit a = d(x, H) return a }\ncell d(x, H) over n { unit a = c(x, H) return a }"
    assert codes(inside("output y[n] = c(x, D)", "D = 3", cell)) == ["E108"]
