"""GRU and LSTM in the conventions of the literature: reset before and after, either sign of the
update gate, Greff's LSTM variants. Every gate has its own connections.
"""

from __future__ import annotations

import numpy as np

from cases.stated import Expected, Stated, network, rows
from cases.stored import Array, Stored

SUM = "full(x[n]) + full(h[n-1]) + bias"


def gru(case: Stored) -> Stated:
    """Rows z,r,n of W,U,b and the candidate's own recurrent bias bU."""
    after, keeps = case.hyper["reset"] == "after", case.hyper["update"] == "z_keeps_old"
    candidate = "full(x[n]) + bias + r[n] * s[n]" if after else "full(x[n]) + bias + full(r[n] * h[n-1]) + bU"
    new, old = ("(1 - z[n])", "z[n]") if keeps else ("z[n]", "(1 - z[n])")
    lines = [
        "axis n",
        "input x[n] : D",
        "input h0 : H",
        "target t[n] : H",
        f"gate z[n] : H = sigmoid({SUM})",
        f"gate r[n] : H = sigmoid({SUM})",
        "param bU : H",
        *(["unit s[n] : H = full(h[n-1]) + bU"] if after else []),
        f"unit c[n] : H = tanh({candidate})",
        f"output h[n] : H = {old} * h[n-1] + {new} * c[n]",
        "start h = h0",
        "loss squared_error(h, t)",
    ]

    def keyed(role: str) -> dict[str, Array]:
        w, u, b = (rows(case[f"{role}.{name}"], "zrc") for name in ("W", "U", "b"))
        found = {f"{gate}.W_x": w[gate] for gate in "zrc"} | {f"{gate}.b": b[gate] for gate in "zrc"}
        found |= {f"{gate}.W_h": u[gate] for gate in "zr"}
        found["s.W_h" if after else "c.W_r_h"] = u["c"]
        return found | {"bU": case[f"{role}.bU"]}

    return _stated(case, lines, keyed("par"), keyed("grad"))


def lstm(case: Stored) -> Stated:
    """Rows i,f,o,g of W,R,b, and peepholes P0..P2 (of vectors, or of matrices) to i, f and o."""
    variant = case.hyper["variant"]
    link = {"peephole_graves2013": " + diag({})", "full_matrix_peephole": " + full({})"}.get(variant, "")
    gates = {
        "i": f"sigmoid({SUM}{link.format('c[n-1]')})",
        "f": f"sigmoid({SUM}{link.format('c[n-1]')})",
        "o": f"sigmoid({SUM}{link.format('c[n]')})",
        "g": f"tanh({SUM})",
    }
    replaced = {
        "no_forget_1997": ("f", None),
        "cifg": ("f", "1 - i[n]"),
        "nig": ("i", None),
        "nog": ("o", None),
    }
    gone, instead = replaced.get(variant, ("", None))
    used = [gate for gate in gates if gate != gone]
    if gone:
        gates.pop(gone)
    if instead is not None:
        gates[gone] = instead
    kept = ("f[n] * " if "f" in gates else "") + "c[n-1]"
    added = ("i[n] * " if "i" in gates else "") + "g[n]"
    read = "c[n]" if variant == "no_output_activation" else "tanh(c[n])"
    lines = [
        "axis n",
        "input x[n] : D",
        "input h0, c0 : H",
        "target t[n] : H",
        *(f"{'unit' if gate == 'g' else 'gate'} {gate}[n] : H = {right}" for gate, right in gates.items()),
        f"output c[n] : H = {kept} + {added}",
        f"output h[n] : H = {'o[n] * ' if 'o' in gates else ''}{read}",
        "start h = h0",
        "start c = c0",
        "loss squared_error(h, t)",
    ]

    def keyed(role: str) -> dict[str, Array]:
        w, r, b = (rows(case[f"{role}.{name}"], "ifog") for name in ("W", "R", "b"))
        if role == "grad" and gone:
            # A row that nothing reads has no parameter here; the case says that its gradient is zero.
            np.testing.assert_array_equal(np.concatenate([w[gone], r[gone]], axis=1), 0.0)
            np.testing.assert_array_equal(b[gone], 0.0)
        found = {f"{gate}.W_x": w[gate] for gate in used} | {f"{gate}.W_h": r[gate] for gate in used}
        found |= {f"{gate}.b": b[gate] for gate in used}
        if link:
            kind = "w" if "diag" in link else "W"
            peepholes = case.named(role)
            found |= {f"{g}.{kind}_c": v for g, v in zip("ifo", _peepholes(peepholes), strict=True)}
        return found

    return _stated(case, lines, keyed("par"), keyed("grad"))


def _peepholes(values: dict[str, Array]) -> list[Array]:
    """The three peephole arrays of a case, to i, f and o."""
    stacked = [value for name, value in sorted(values.items()) if name[0].lower() == "p"]
    return list(stacked[0]) if len(stacked) == 1 else stacked


def _stated(case: Stored, lines: list[str], parameters: dict[str, Array], gradients: dict[str, Array]) -> Stated:
    """What both families share: x, the starts, the target, the squared error."""
    starts = {name: case[f"init.{name}"] for name in ("h0", "c0") if f"init.{name}" in case}
    outputs = [Expected("h", case["out.Y"], case.rtol, case.atol)]
    if "out.C" in case:
        outputs.append(Expected("c", case["out.C"], case.rtol, case.atol))
    return Stated(
        network(case.family, ("D", "H"), lines),
        {"D": int(case["in.X"].shape[-1]), "H": int(case["out.Y"].shape[-1])},
        parameters,
        {"x": case["in.X"], "t": case["tgt.Y"]} | starts,
        tuple(outputs),
        float(case["loss"]),
        gradients | {name: case[f"grad.{name}"] for name in starts} | {"x": case["grad.X"]},
        rtol=case.rtol,
        atol=case.atol,
    )
