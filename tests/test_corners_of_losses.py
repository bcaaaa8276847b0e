"""Small networks that specs of composed losses once found computed wrong: every property holds of each."""

from __future__ import annotations

import pytest
from oracle.check import check

CORNERS: dict[str, tuple[int, str]] = {
    "two units of one function, one of which starts": (
        1,
        """
        axis n
        input x[n] : D
        output a[n] : K = sigmoid(full(x))
        output y[n] : K = sigmoid(full(x))
        start y = 0.3
        target t[n] : K
        loss squared_error(y[n-2], t) + squared_error(a, t)
        """,
    ),
    "a loss whose derivative is made of the loss": (
        1,
        """
        axis n
        input x[n] : D
        output h[n] : K = tanh(full(x) + full(h[n-1]))
        target t[n] : K
        loss sqrt(1 + sum over n (squared_error(h, t)))
        """,
    ),
    "a mean that counts where an end of another target says so": (
        1,
        """
        axis n
        input x[n] : D
        output h[n] : K = tanh(full(x) + full(h[n-1]))
        target t[n], s[n] : K
        loss mean over n (squared_error(h, t), where = 2 > min(s[last]))
        """,
    ),
    "targets with gaps inside functions that choose": (
        1,
        """
        axis n
        input x[n] : D
        output h[n] : K = softmax(full(x) + full(h[n-1]))
        target t[n] : K
        loss squared_error(h, max(t, 0.3)) + squared_error(h, relu(t - 0.5)) + cross_entropy(h, softmax(t))
        """,
    ),
}


@pytest.mark.parametrize("name", CORNERS)
def test_every_property_holds(name: str) -> None:
    seed, body = CORNERS[name]
    check(f"network corner(D = 3, H = 4, K = 2, V = 5) {{{body}}}", seed, known=True)
