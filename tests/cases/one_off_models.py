"""One-off networks of one axis: delays, leaky units, NARX, time-delay and echo state networks, losses."""

from __future__ import annotations

import numpy as np

from cases.stated import Expected, Stated, network
from cases.stored import Array, Stored


def delays(case: Stored) -> Stated:
    """h_t = tanh(W x_t + b + sum_d R_d h_{t-d}); every connection is named by `as`."""
    taps = case.hyper["delays"]
    recurrent = " + ".join(f"full(h[n-{d}], as = R{d})" for d in taps)
    lines = [
        "axis n",
        "input x[n] : D",
        "target t[n] : H",
        f"output h[n] : H = tanh(full(x[n], as = W) + bias(as = b) + {recurrent})",
        "loss squared_error(h, t)",
    ]
    keys = ("W", "b", *(f"R{d}" for d in taps))
    return _sequence(case, network("delays", ("D", "H"), lines), {key: key for key in keys})


def leaky(case: Stored) -> Stated:
    """Trainable leak of every unit, trainable arrays declared by name."""
    lines = [
        "axis n",
        "input x[n] : D",
        "input h0 : H",
        "target t[n] : H",
        "param W : (H, D)",
        "param R : (H, H)",
        "param a, b : H",
        "output h[n] : H = (1 - a) * h[n-1] + a * tanh(W @ x[n] + R @ h[n-1] + b)",
        "start h = h0",
        "loss squared_error(h, t)",
    ]
    return _sequence(case, network("leaky", ("D", "H"), lines), {key: key for key in ("W", "R", "a", "b")})


def _sequence(case: Stored, spec: str, keys: dict[str, str]) -> Stated:
    """A case with X, tgt.Y, out.Y and the squared error, arrays by `keys` (the module's to the case's)."""
    starts = {name: case[f"init.{name}"] for name in ("h0",) if f"init.{name}" in case}
    gradients = {key: case[f"grad.{name}"] for key, name in (keys | {name: name for name in starts}).items()}
    return Stated(
        spec,
        {"D": int(case["in.X"].shape[-1]), "H": int(case["out.Y"].shape[-1])},
        {key: case[f"par.{name}"] for key, name in keys.items()},
        {"x": case["in.X"], "t": case["tgt.Y"]} | starts,
        (Expected("h", case["out.Y"], case.rtol, case.atol),),
        float(case["loss"]),
        gradients | {"x": case["grad.X"]},
        rtol=case.rtol,
        atol=case.atol,
    )


def narx(case: Stored) -> Stated:
    """Windows over inputs and outputs; early values one by one; the loop closed, or through the targets.

    The case's weights have the newest tap first, a window the oldest. Scalars come as a batch of one, since
    an array (10, 1) of a scalar would say either.
    """
    du, dy = case["par.Wu"].shape[1] - 1, case["par.Wy"].shape[1]
    closed = case.hyper["mode"] == "parallel"
    # With one delay the targets come in as an input that has early values; with more as forced outputs.
    source = "y" if closed else ("z" if dy == 1 else "f")
    lines = [
        "axis n",
        "input u[n] : 1",
        "target t[n] : 1",
        f"unit h[n] : H = tanh(full(u[n-{du}..n]) + full({source}[n-{dy}..n-1]) + bias)",
        "output y[n] : 1 = full(h[n]) + bias",
        "loss squared_error(y, t)",
        *(f"input y{k} : 1" for k in range(1, dy + 1)),
        *(f"start {source}[first-{k}] = y{k}" for k in range(1, dy + 1)),
    ]
    data = {"u": case["in.u"][:, None, None], "t": case["tgt.Y"][:, None, None]}
    if source == "z":
        lines.append("input z[n] : 1")
        data["z"] = data["t"]
    elif source == "f":
        lines.append("unit f[n] : 1 = forced(y, t)")

    def keyed(role: str) -> dict[str, Array]:
        return {
            "h.W_u": case[f"{role}.Wu"][:, ::-1],
            f"h.W_{source}": case[f"{role}.Wy"][:, ::-1],
            "h.b": case[f"{role}.b"],
            "y.W_h": case[f"{role}.v"][None, :],
            "y.b": case[f"{role}.c"][None],
        }

    early, pulls = ({f"y{k + 1}": case[f"{role}.y"][None, k : k + 1] for k in range(dy)} for role in ("init", "grad"))
    return Stated(
        network("narx", ("H",), lines),
        {"H": int(case["par.b"].shape[0])},
        keyed("par"),
        data | early,
        (Expected("y", case["out.Y"][:, None, None], case.rtol, case.atol),),
        float(case["loss"]),
        keyed("grad") | pulls | {"u": case["grad.u"][:, None, None]},
        rtol=case.rtol,
        atol=case.atol,
    )


def tdnn(case: Stored) -> Stated:
    """Valid region alone: steps that would read before the sequence have no target, and no stated output."""
    first, second = case["par.W"].shape[1] - 1, case["par.W2"].shape[1] - 1
    lines = [
        "axis n",
        "input x[n] : D",
        "target t[n] : K",
        f"unit h[n] : H = sigmoid(full(x[n-{first}..n]) + bias)",
        f"output y[n] : K = sigmoid(full(h[n-{second}..n]) + bias)",
        "loss squared_error(y, t)",
    ]

    def keyed(role: str) -> dict[str, Array]:
        taps = {"h.W_x": case[f"{role}.W"], "y.W_h": case[f"{role}.W2"]}
        found = {key: w[:, ::-1].reshape(w.shape[0], -1) for key, w in taps.items()}
        return found | {"h.b": case[f"{role}.b"], "y.b": case[f"{role}.b2"]}

    missing = np.full((first + second, case["tgt.Y"].shape[1]), np.nan)
    return Stated(
        network("tdnn", ("D", "H", "K"), lines),
        {"D": case["in.X"].shape[1], "H": len(case["par.b"]), "K": len(case["par.b2"])},
        keyed("par"),
        {"x": case["in.X"], "t": np.concatenate([missing, case["tgt.Y"]])},
        (Expected("y", np.concatenate([missing, case["out.Y"]]), case.rtol, case.atol),),
        float(case["loss"]),
        keyed("grad") | {"x": case["grad.X"]},
        rtol=case.rtol,
        atol=case.atol,
    )


def esn(case: Stored) -> Stated:
    """Fixed weights, a read-out solved by others; with feedback the equations read the target itself."""
    feedback, washout = bool(case.hyper["feedback"]), int(case.hyper["washout"])
    back = " + F @ d[n-1]" if feedback else ""
    lines = [
        "axis n",
        "input u[n] : 1",
        "fixed w : H",
        "fixed V : (H, 1)",
        "fixed W : (H, H)",
        "param w_out : 1",
        f"output r[n] : H = (1 - leak) * r[n-1] + leak * tanh(w + V @ u[n] + W @ r[n-1]{back})",
        "output y[n] : 1 = w_out + full(u[n], r[n])",
    ]
    if feedback:
        lines += ["target d[n] : 1", "fixed F : (H, 1)"]
    spec = network("esn", ("H",), lines).replace("(H = 2)", f"(H = 2, leak = {case.hyper['leak']})")
    w = case["par.Win"]
    parameters = {"w": w[:, 0], "V": w[:, 1:], "W": case["par.W"]}
    readout = case["out.Wout"]
    parameters |= {"w_out": readout[:, 0], "y.W_u_r": readout[:, 1:]}
    data = {"u": case["in.u"]}
    if feedback:
        parameters["F"] = case["par.Wfb"]
        data["d"] = case["tgt.D"][:, 0]
    read = np.concatenate([np.full((washout, 1), np.nan), case["out.Y"]])
    return Stated(
        spec,
        {"H": len(w)},
        parameters,
        data,
        (Expected("r", case["out.X"], 1e-10, 1e-12), Expected("y", read, case.rtol, case.atol)),
    )


def mixture(case: Stored) -> Stated:
    """Graves' layout of the raw outputs: weights, means, deviations (each coordinate by coordinate), correlations.

    The shift of 0 is there to say what the module computes in.
    """
    m = int(case.hyper["M"])
    lines = [
        "axis n",
        f"input raw[n] : {6 * m}",
        f"param shift : {6 * m}",
        "target t[n] : 2",
        "unit z[n] = raw + shift",
        f"unit pi[n] = softmax(slice(z, 0, {m}))",
        f"unit mu[n] = slice(z, {m}, {3 * m})",
        f"unit sigma[n] = exp(slice(z, {3 * m}, {5 * m}))",
        f"unit rho[n] = tanh(slice(z, {5 * m}, {6 * m}))",
        "loss mixture_density(pi, mu, sigma, rho, t)",
    ]
    data = {"raw": case["in.raw"], "t": case["tgt.X"]}
    return Stated(
        network("mixture", (), lines),
        {},
        {"shift": np.zeros(6 * m)},
        data,
        (),
        float(case["loss"]),
        {"raw": case["grad.raw"], "shift": case["grad.raw"].sum(axis=0)},
        rtol=case.rtol,
        atol=case.atol,
    )


def losses(case: Stored) -> Stated:
    """One Elman network under three losses: at every step, in bits, at the last step of each sequence."""
    kind = case.name.removeprefix("loss_")
    labels, lengths = case["tgt.labels"], case["in.lens"]
    bottom = [
        "axis n",
        "input x[n] : D",
        "unit h[n] : H = tanh(full(x[n]) + full(h[n-1]) + bias)",
        "output z[n] : K = full(h[n]) + bias",
    ]
    top = {
        "softmax_ce": ["target t[n] : token(K)", "loss cross_entropy(softmax(z), t)"],
        "sigmoid_bce": ["target t[n] : K", "loss binary_cross_entropy(p, t)", "unit p[n] : K = sigmoid(z)"],
        "last_step_ce": [
            "target t : token(K)",
            "output p : K = softmax(z[last])",
            "loss cross_entropy(p, t)",
        ],
    }[kind]
    ragged = kind == "last_step_ce"
    z, t = case["out.Z"], labels
    if kind == "sigmoid_bce":
        t = case["tgt.bits"]
    if ragged:
        t = labels[lengths - 1, np.arange(len(lengths))]
        # The case states the read-out in the padding too; in the language padding is zero.
        z = np.where(np.arange(len(z))[:, None, None] < lengths[None, :, None], z, 0.0)
    keys = {"h.W_x": "W", "h.W_h": "R", "h.b": "b", "z.W_h": "V", "z.b": "c"}
    return Stated(
        network("losses", ("D", "H", "K"), bottom + top),
        {"D": case["in.X"].shape[-1], "H": len(case["par.b"]), "K": len(case["par.c"])},
        {key: case[f"par.{name}"] for key, name in keys.items()},
        {"x": case["in.X"], "t": t},
        (Expected("z", z, case.rtol, case.atol),),
        float(case["loss"]),
        {key: case[f"grad.{name}"] for key, name in keys.items()} | {"x": case["grad.X"]},
        lengths if ragged else None,
        ("x",) if ragged else (),
        case.rtol,
        case.atol,
    )
