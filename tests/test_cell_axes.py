"""Cells that run over one axis of units that have two: inside, the text of a cell knows of its own axes alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

import rnnc
from rnnc.diagnostics import Rejected

Array = NDArray[Any]
NESTED = """cell inner(x, H) over n { unit y : H = tanh(x + 0.5 * y[n-1]) return y }
cell ends(x, z, H) over n {
  unit p : H = inner(x, H)
  unit r : H = p[first] - p[last-1] + x[last] * z[first] + 0.3 * r[n-1]
  return r
}
network grid(H = 2) {
  axis s, t
  input  x[s, t] : H
  input  a[s] : H
  input  b[t] : H
  output u[s, t] = ends(x, a, H) over t
  output v[s, t] = ends(x, b, H) backward over s
}
"""


def along(x: Array, z: Array) -> Array:
    """What `ends` makes of rows x and of z, which do not vary along the cell's axis or were read at its first."""
    p, r = np.zeros_like(x), np.zeros_like(x)
    for n in range(len(x)):
        p[n] = np.tanh(x[n] + (0.5 * p[n - 1] if n else 0.0))
    before_last = p[-2] if len(x) > 1 else 0.0
    for n in range(len(x)):
        r[n] = p[0] - before_last + x[-1] * z + (0.3 * r[n - 1] if n else 0.0)
    return r


@pytest.mark.parametrize("rows, columns", [(3, 4), (1, 2), (2, 1)])
def test_ends_and_uses_inside_a_cell_are_along_its_own_axis(rows: int, columns: int) -> None:
    module = rnnc.compile_text(NESTED)
    rng = np.random.default_rng(rows)
    x, a, b = rng.normal(size=(rows, columns, 2)), rng.normal(size=(rows, 2)), rng.normal(size=(columns, 2))
    out = module.forward(module.init(dtype="float64"), x=x, a=a, b=b)
    assert_allclose(out["u"], [along(x[s], a[s]) for s in range(rows)], rtol=1e-12)
    backward = [along(x[::-1, t], b[t])[::-1] for t in range(columns)]
    assert_allclose(out["v"], np.stack(backward, axis=1), rtol=1e-12)


def test_a_use_inside_a_cell_is_told_of_the_cells_own_axes() -> None:
    text = """cell inner(x, H) over n { unit y : H = tanh(x + y[n-1]) return y }
cell ends(x, H) over i, j { unit p : H = inner(x, H) unit r : H = p + r[i-1, j-1] return r }
network grid(H = 2) { axis s, t input x[s, t] : H output u[s, t] = ends(x, H) }"""
    with pytest.raises(Rejected) as caught:
        rnnc.compile_text(text)
    assert "`p` has the axes i, j" in str(caught.value) and "write `inner(x, H) over i`" in str(caught.value)
    assert rnnc.compile_text(text.replace("inner(x, H) unit", "inner(x, H) over i unit"))
