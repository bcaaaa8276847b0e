"""Cases with several axes, or a set that is attended to: Bahdanau's, and two-dimensional networks."""

from __future__ import annotations

import numpy as np

from cases.stated import Expected, Stated, network, rows
from cases.stored import Array, Stored


def attention(case: Stored) -> Stated:
    """Either of the two attention cases."""
    return read(case) if "in.mask" in case else decoder(case)


def read(case: Stored) -> Stated:
    """One read over a masked source: c = sum_j alpha_j h_j, alpha = softmax over unmasked j."""
    lines = [
        "axis j",
        "input h[j] : H",
        "input mask[j] : 1",
        "input q : Q",
        "target t : H",
        "param Wa : (A, Q)",
        "param Ua : (A, H)",
        "param ba, va : A",
        "unit e[j] : 1 = dot(va, tanh(Wa @ q + Ua @ h[j] + ba))",
        "output a[j] : 1 = softmax over j (e[j], where = mask > 0)",
        "output c : H = sum over j (a[j] * h[j])",
        "loss squared_error(c, t)",
    ]
    keys = ("Wa", "Ua", "ba", "va")
    a, q = case["par.Wa"].shape
    return Stated(
        network("read", ("H", "Q", "A"), lines),
        {"H": case["in.h"].shape[1], "Q": q, "A": a},
        {key: case[f"par.{key}"] for key in keys},
        {"h": case["in.h"], "mask": case["in.mask"][:, None], "q": case["in.s"], "t": case["tgt.c"]},
        (
            Expected("a", case["out.alpha"][:, None], case.rtol, case.atol),
            Expected("c", case["out.c"], case.rtol, case.atol),
        ),
        float(case["loss"]),
        {key: case[f"grad.{key}"] for key in keys} | {"h": case["grad.h"], "q": case["grad.s"]},
        rtol=case.rtol,
        atol=case.atol,
    )


def decoder(case: Stored) -> Stated:
    """GRU with attended context, teacher forced; the case has the batch first, and ragged sources."""
    lines = [
        "axis t, j",
        "input h[j] : H",
        "input w[t] : K",
        "input q0 : Q",
        "target l[t] : K",
        "param va : A",
        "unit e[t, j] : 1 = dot(va, tanh(full(q[t-1], as = Wa) + full(h[j], as = Ua)))",
        "output a[t, j] : 1 = softmax over j (e[t, j])",
        "unit c[t] : H = sum over j (a[t, j] * h[j])",
        "gate z[t] : Q = sigmoid(full(w[t-1]) + full(c[t]) + full(q[t-1]) + bias)",
        "gate r[t] : Q = sigmoid(full(w[t-1]) + full(c[t]) + full(q[t-1]) + bias)",
        "unit n[t] : Q = tanh(full(w[t-1]) + full(c[t]) + full(r[t] * q[t-1]) + bias)",
        "output q[t] : Q = (1 - z[t]) * q[t-1] + z[t] * n[t]",
        "start q = q0",
        "output y[t] : K = full(q[t], c[t], w[t-1]) + bias",
        "loss squared_error(y, l)",
    ]

    def keyed(role: str) -> dict[str, Array]:
        w, c, u, b = (rows(case[f"{role}.{name}"], "zrn") for name in ("W", "C", "U", "b"))
        found = {key: case[f"{role}.{key}"] for key in ("va", "Wa", "Ua")}
        for gate in "zrn":
            found |= {f"{gate}.W_w": w[gate], f"{gate}.W_c": c[gate], f"{gate}.b": b[gate]}
            found["n.W_r_q" if gate == "n" else f"{gate}.W_q"] = u[gate]
        return found | {"y.W_q_c_w": case[f"{role}.Wo"], "y.b": case[f"{role}.bo"]}

    a, q = case["par.Wa"].shape
    lengths = case["in.lens"]
    return Stated(
        network("decoder", ("H", "Q", "A", "K"), lines),
        {"H": case["in.h"].shape[2], "Q": q, "A": a, "K": case["tgt.Y"].shape[2]},
        keyed("par"),
        {
            "h": case["in.h"].swapaxes(0, 1),
            "w": case["in.y"].swapaxes(0, 1),
            "q0": case["init.s0"],
            "l": case["tgt.Y"].swapaxes(0, 1),
        },
        (
            Expected("y", case["out.Y"].swapaxes(0, 1), case.rtol, case.atol),
            Expected("q", case["out.S"].swapaxes(0, 1), case.rtol, case.atol),
            Expected("a", case["out.alpha"].transpose(1, 2, 0)[..., None], case.rtol, case.atol),
        ),
        float(case["loss"]),
        keyed("grad")
        | {
            "h": case["grad.h"].swapaxes(0, 1),
            "w": case["grad.y"].swapaxes(0, 1),
            "q0": case["grad.s0"],
        },
        {"j": lengths},
        ("h",),
        case.rtol,
        case.atol,
    )


def plane(case: Stored) -> Stated:
    """The 2-D RNN in one direction or in four, or the 2-D LSTM."""
    return lstm2d(case) if case.name.startswith("mdlstm") else rnn2d(case)


def rnn2d(case: Stored) -> Stated:
    """Bit 0 of a direction turns axis 0 around, bit 1 axis 1."""
    count = len(case["par.W"])
    lines = ["axis i, j", "input x[i, j] : D", "target t[i, j] : K"]
    for d in range(count):
        one, two = (f"i{'+' if d & 1 else '-'}1", f"j{'+' if d & 2 else '-'}1")
        lines.append(
            f"output h{d}[i, j] : H = tanh(full(x[i, j]) + full(h{d}[{one}, j], as = U1_{d})"
            f" + full(h{d}[i, {two}], as = U2_{d}) + bias)"
        )
    units = ", ".join(f"h{d}[i, j]" for d in range(count))
    lines += [f"output y[i, j] : K = full({units}) + bias", "loss squared_error(y, t)"]

    def keyed(role: str) -> dict[str, Array]:
        found = {
            "y.W_" + "_".join(f"h{d}" for d in range(count)): case[f"{role}.V"],
            "y.b": case[f"{role}.c"],
        }
        for d in range(count):
            found |= {f"h{d}.W_x": case[f"{role}.W"][d], f"h{d}.b": case[f"{role}.b"][d]}
            found |= {f"U1_{d}": case[f"{role}.U1"][d], f"U2_{d}": case[f"{role}.U2"][d]}
        return found

    stacked = np.split(case["out.H"], count, axis=-1)
    return Stated(
        network("rnn2d", ("D", "H", "K"), lines),
        {"D": case["in.X"].shape[-1], "H": case["par.b"].shape[1], "K": len(case["par.c"])},
        keyed("par"),
        {"x": case["in.X"], "t": case["tgt.Y"]},
        (
            Expected("y", case["out.Y"], case.rtol, case.atol),
            *(Expected(f"h{d}", h, case.rtol, case.atol) for d, h in enumerate(stacked)),
        ),
        float(case["loss"]),
        keyed("grad") | {"x": case["grad.X"]},
        rtol=case.rtol,
        atol=case.atol,
    )


def lstm2d(case: Stored) -> Stated:
    """One sum of five stacked parts i,f1,f2,o,g, cut by `slice`; a forget gate for each axis."""
    size = case["out.Y"].shape[-1]
    part = [f"slice(a[r, s], {size * k}, {size * (k + 1)})" for k in range(5)]
    lines = [
        "axis r, s",
        "input x[r, s] : D",
        f"target t[r, s] : {size}",
        f"param W : ({5 * size}, D)",
        f"param R1, R2 : ({5 * size}, {size})",
        f"param b : {5 * size}",
        f"unit a[r, s] : {5 * size} = W @ x[r, s] + R1 @ h[r-1, s] + R2 @ h[r, s-1] + b",
        f"gate i[r, s] : {size} = sigmoid({part[0]})",
        f"gate f1[r, s] : {size} = sigmoid({part[1]})",
        f"gate f2[r, s] : {size} = sigmoid({part[2]})",
        f"gate o[r, s] : {size} = sigmoid({part[3]})",
        f"unit c[r, s] : {size} = f1[r, s] * c[r-1, s] + f2[r, s] * c[r, s-1] + i[r, s] * tanh({part[4]})",
        f"output h[r, s] : {size} = o[r, s] * tanh(c[r, s])",
        "loss squared_error(h, t)",
    ]
    keys = ("W", "R1", "R2", "b")
    return Stated(
        network("lstm2d", ("D",), lines),
        {"D": case["in.X"].shape[-1]},
        {key: case[f"par.{key}"] for key in keys},
        {"x": case["in.X"], "t": case["tgt.Y"]},
        (Expected("h", case["out.Y"], case.rtol, case.atol),),
        float(case["loss"]),
        {key: case[f"grad.{key}"] for key in keys} | {"x": case["grad.X"]},
        rtol=case.rtol,
        atol=case.atol,
    )
