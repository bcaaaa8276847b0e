"""Which module states which case, and which families the language refuses for now."""

from __future__ import annotations

from cases import (
    gated_variants,
    one_off_models,
    onnx_operators,
    several_axes,
    torch_recurrent,
    williams_zipser,
)
from cases.stated import Stated
from cases.stored import Stored

SINGLE = {
    "attention": several_axes.attention,
    "delays": one_off_models.delays,
    "esn": one_off_models.esn,
    "gru_variants": gated_variants.gru,
    "leaky": one_off_models.leaky,
    "losses": one_off_models.losses,
    "lstm_variants": gated_variants.lstm,
    "mdn": one_off_models.mixture,
    "mdrnn": several_axes.plane,
    "narx": one_off_models.narx,
    "rtrl_elman": williams_zipser.layer,
    "rtrl_fully_recurrent": williams_zipser.fully_recurrent,
    "rtrl_gru": williams_zipser.layer,
    "rtrl_lstm": williams_zipser.layer,
    "tbptt": williams_zipser.truncated,
    "tdnn": one_off_models.tdnn,
}

# A family that cannot be stated yet: why, and the spec that says it, which has to end in a diagnostic.
REFUSED = {
    "ctrnn": (
        "continuous time is not supported yet",
        """network ctrnn(D = 2, H = 3) {
  axis u step(dt = 0.5, method = rk4)
  input x[u] : D
  target t[u] : H
  param tau : H
  unit h[u]' : H = (full(sigmoid(h[u])) + full(x[u]) - h[u]) / tau
  output y[u] : H = h[u]
  loss squared_error(y, t)
}
""",
    ),
    "hierarchical": (
        "slower axes are not supported yet",
        """network two_rate(D = 2, F = 3, S = 2) {
  axis n
  axis k = n / 3
  input x[n] : D
  target t[n] : F
  output f[n] : F = tanh(full(x[n]) + full(f[n-1]) + full(s[k-1]) + bias)
  unit s[k] : S = tanh(full(f[3*k+2]) + full(s[k-1]) + bias)
  loss squared_error(f, t)
}
""",
    ),
    "hopfield": (
        "settling axes are not supported yet",
        """network hopfield(Q = 16) {
  axis r settle(tol = 0, max = 100)
  input probe : Q
  fixed W : (Q, Q)
  unit s[r] : Q = sign(W @ s[r-1])
  start s = probe
  output y : Q = s[last]
}
""",
    ),
}


def state(case: Stored) -> tuple[Stated, ...]:
    """The specs of a case and what they must give. Raises KeyError for a refused family."""
    if case.group == "torch":
        return torch_recurrent.state(case)
    if case.group in ("onnx", "onnx_ext", "ort"):
        return onnx_operators.state(case)
    return (SINGLE[case.family](case),)
