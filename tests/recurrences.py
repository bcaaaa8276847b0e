"""Networks of one recurrent layer, one for each kind of recurrence that real-time recurrent learning tells apart."""

from __future__ import annotations

LSTM = """
  gate i[n] : H = sigmoid(full(x) + {h} + bias)
  gate f[n] : H = sigmoid(full(x) + {h} + bias)
  gate o[n] : H = sigmoid(full(x) + {h} + bias)
  unit c[n] : H = f * c[n-1] + i * tanh(full(x) + {h} + bias)
  unit h[n] : H = o * tanh(c)
"""
PLAIN = "unit h[n] : H = tanh(full(x) + {h} + bias)"
D = 3


def network(body: str, h: str) -> str:
    return (
        f"network counted(D = {D}, H = 24) {{\naxis n\ninput x[n] : D\ntarget t[n] : 1\n{body.format(h=h)}\n"
        "output y[n] : 1 = full(h) + bias\nloss squared_error(y, t)\n}"
    )


KINDS = (
    ("dense", PLAIN, "full(h[n-1])"),
    ("dense LSTM", LSTM, "full(h[n-1])"),
    ("sparse", PLAIN, "sparse(h[n-1], density = 0.3)"),
    ("sparse LSTM", LSTM, "sparse(h[n-1], density = 0.3)"),
    ("blocks", PLAIN, "block(h[n-1], 2)"),
    ("element-wise", PLAIN, "diag(h[n-1])"),
)
TEXTS = {name: network(body, h).replace("H = 24", "H = 6") for name, body, h in KINDS}
"""Small ones by name."""
