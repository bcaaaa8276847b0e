"""The networks that are timed as a careful person writes each for itself in NumPy: no checks, one length, no state.

What such a person knows is here: one product for all steps where there is no recurrence, transposes made once, `out=`
everywhere, rows in place of indices, sigmoids by tanh with the halves in the weights, gates side by side in one
product. Loss and gradients as `bptt` gives them: (value, {name: gradient}).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Arrays = Mapping[str, Any]


def _error(h: Any, t: Any) -> tuple[float, Any]:
    """Half the squared error a sequence, and its derivative."""
    d = h - t
    flat = d.ravel()
    value = 0.5 * float(flat @ flat) / h.shape[1]
    d /= h.shape[1]
    return value, d


def elman(p: Arrays, x: Any, t: Any) -> tuple[float, dict[str, Any]]:
    """tanh(W_x x + W_h h + b)."""
    steps, batch, inputs = x.shape
    w = p["h.W_h"]
    size = len(w)
    net = (x.reshape(-1, inputs) @ p["h.W_x"].T + p["h.b"]).reshape(steps, batch, size)
    h = np.zeros((steps + 1, batch, size), x.dtype)
    product, turned = np.empty((batch, size), x.dtype), np.ascontiguousarray(w.T)
    for before, net_n, now in zip(h[:-1], net, h[1:], strict=True):
        before.dot(turned, out=product)
        net_n += product
        np.tanh(net_n, out=now)
    value, d = _error(h[1:], t)
    np.multiply(h[1:], h[1:], out=net)
    np.subtract(1.0, net, out=net)
    after = np.zeros((batch, size), x.dtype)
    for d_n, net_n in zip(d[::-1], net[::-1], strict=True):
        after.dot(w, out=product)
        d_n += product
        net_n *= d_n
        after = net_n
    flat = net.reshape(-1, size)
    grads = {"h.W_x": flat.T @ x.reshape(-1, inputs), "h.W_h": flat.T @ h[:-1].reshape(-1, size), "h.b": flat.sum(0)}
    return value, grads


def lstm(p: Arrays, x: Any, t: Any) -> tuple[float, dict[str, Any]]:
    """Gates i, f, o and the candidate g side by side in one row of 4 H."""
    gates = ("f", "i", "o", "c")
    steps, batch, inputs = x.shape
    w_x, w_y, b = (np.concatenate([p[f"h.{g}.{kind}"] for g in gates]) for kind in ("W_x", "W_y", "b"))
    size = len(b) // 4
    scale = np.full(4 * size, 0.5, x.dtype)
    scale[3 * size :] = 1.0
    half = np.array(0.5, x.dtype)
    net = (x.reshape(-1, inputs) @ (w_x.T * scale) + b * scale).reshape(steps, batch, 4 * size)
    turned = np.ascontiguousarray(w_y.T * scale)
    y, c = (np.zeros((steps + 1, batch, size), x.dtype) for _ in range(2))
    squashed = np.empty((steps, batch, size), x.dtype)
    product, work = np.empty((batch, 4 * size), x.dtype), np.empty((batch, size), x.dtype)
    f, i, o, g = (net[..., k * size : (k + 1) * size] for k in range(4))
    sigmoids = net[..., : 3 * size]
    rows = zip(y[:-1], net, sigmoids, f, i, o, g, c[:-1], c[1:], squashed, y[1:], strict=True)
    for before, net_n, s_n, f_n, i_n, o_n, g_n, c_before, c_n, squashed_n, y_n in rows:
        before.dot(turned, out=product)
        net_n += product
        np.tanh(net_n, out=net_n)
        s_n *= half
        s_n += half
        np.multiply(f_n, c_before, out=c_n)
        np.multiply(i_n, g_n, out=work)
        c_n += work
        np.tanh(c_n, out=squashed_n)
        np.multiply(o_n, squashed_n, out=y_n)
    value, d_y = _error(y[1:], t)
    d_net = np.empty_like(net)
    d_f, d_i, d_o, d_g = (d_net[..., k * size : (k + 1) * size] for k in range(4))
    through = o * (1.0 - squashed * squashed)
    np.multiply((1.0 - f) * f, c[:-1], out=d_f)
    np.multiply((1.0 - i) * i, g, out=d_i)
    np.multiply((1.0 - o) * o, squashed, out=d_o)
    np.multiply(1.0 - g * g, i, out=d_g)
    inner = d_net[..., : 2 * size].reshape(steps, batch, 2, size)
    d_c, after = np.zeros((batch, size), x.dtype), np.zeros((batch, 4 * size), x.dtype)
    back = zip(d_y[::-1], through[::-1], f[::-1], inner[::-1], d_o[::-1], d_g[::-1], d_net[::-1], strict=True)
    for d_y_n, through_n, f_n, inner_n, d_o_n, d_g_n, d_net_n in back:
        after.dot(w_y, out=work)
        d_y_n += work
        through_n *= d_y_n
        d_c += through_n
        inner_n *= d_c[:, None]
        d_g_n *= d_c
        d_o_n *= d_y_n
        d_c *= f_n
        after = d_net_n
    flat = d_net.reshape(-1, 4 * size)
    made = {"W_x": flat.T @ x.reshape(-1, inputs), "W_y": flat.T @ y[:-1].reshape(-1, size), "b": flat.sum(0)}
    cut = {g: slice(k * size, (k + 1) * size) for k, g in enumerate(gates)}
    return value, {f"h.{g}.{kind}": a[cut[g]] for kind, a in made.items() for g in gates}


def coupled(p: Arrays, x: Any, t: Any) -> tuple[float, dict[str, Any]]:
    """Gates f and o, both of which see the cell, and the candidate side by side in one row of 3 H."""
    gates = ("f", "o", "c")
    steps, batch, inputs = x.shape
    w_x, w_y, b = (np.concatenate([p[f"h.{g}.{kind}"] for g in gates]) for kind in ("W_x", "W_y", "b"))
    sees_f, sees_o = p["h.f.w_c"], p["h.o.w_c"]
    size = len(b) // 3
    scale = np.full(3 * size, 0.5, x.dtype)
    scale[2 * size :] = 1.0
    half, one = np.array(0.5, x.dtype), np.array(1.0, x.dtype)
    net = (x.reshape(-1, inputs) @ (w_x.T * scale) + b * scale).reshape(steps, batch, 3 * size)
    turned, half_f, half_o = np.ascontiguousarray(w_y.T * scale), sees_f * half, sees_o * half
    y, c = (np.zeros((steps + 1, batch, size), x.dtype) for _ in range(2))
    squashed = np.empty((steps, batch, size), x.dtype)
    product, work = np.empty((batch, 3 * size), x.dtype), np.empty((batch, size), x.dtype)
    f, o, g = (net[..., k * size : (k + 1) * size] for k in range(3))
    rows = zip(y[:-1], net, f, o, g, c[:-1], c[1:], squashed, y[1:], strict=True)
    for before, net_n, f_n, o_n, g_n, c_before, c_n, squashed_n, y_n in rows:
        before.dot(turned, out=product)
        net_n += product
        np.tanh(g_n, out=g_n)
        np.multiply(half_f, c_before, out=work)
        f_n += work
        np.tanh(f_n, out=f_n)
        f_n *= half
        f_n += half
        np.multiply(f_n, c_before, out=c_n)
        np.subtract(one, f_n, out=work)
        work *= g_n
        c_n += work
        np.multiply(half_o, c_n, out=work)
        o_n += work
        np.tanh(o_n, out=o_n)
        o_n *= half
        o_n += half
        np.tanh(c_n, out=squashed_n)
        np.multiply(o_n, squashed_n, out=y_n)
    value, d_y = _error(y[1:], t)
    d_net = _coupled_back(p, w_y, net, c, squashed, d_y)
    d_f, d_o = d_net[..., :size], d_net[..., size : 2 * size]
    flat = d_net.reshape(-1, 3 * size)
    made = {"W_x": flat.T @ x.reshape(-1, inputs), "W_y": flat.T @ y[:-1].reshape(-1, size), "b": flat.sum(0)}
    cut = {gate: slice(k * size, (k + 1) * size) for k, gate in enumerate(gates)}
    grads = {f"h.{gate}.{kind}": a[cut[gate]] for kind, a in made.items() for gate in gates}
    peepholes = {"h.f.w_c": np.einsum("abc,abc->c", d_f, c[:-1]), "h.o.w_c": np.einsum("abc,abc->c", d_o, c[1:])}
    return value, grads | peepholes


def _coupled_back(p: Arrays, w_y: Any, net: Any, c: Any, squashed: Any, d_y: Any) -> Any:
    """The derivatives by the rows of net inputs, of `d_y` by the outputs."""
    size = d_y.shape[-1]
    f, o, g = (net[..., k * size : (k + 1) * size] for k in range(3))
    d_net = np.empty_like(net)
    d_f, d_o, d_g = (d_net[..., k * size : (k + 1) * size] for k in range(3))
    sees_f, sees_o = p["h.f.w_c"], p["h.o.w_c"]
    through = o * (1.0 - squashed * squashed)
    np.multiply((1.0 - f) * f, c[:-1] - g, out=d_f)
    np.multiply((1.0 - o) * o, squashed, out=d_o)
    np.multiply(1.0 - g * g, 1.0 - f, out=d_g)
    d_c, work = (np.zeros(d_y.shape[1:], d_y.dtype) for _ in range(2))
    after = np.zeros(net.shape[1:], d_y.dtype)
    back = zip(d_y[::-1], through[::-1], f[::-1], d_f[::-1], d_o[::-1], d_g[::-1], d_net[::-1], strict=True)
    for d_y_n, through_n, f_n, d_f_n, d_o_n, d_g_n, d_net_n in back:
        after.dot(w_y, out=work)
        d_y_n += work
        d_o_n *= d_y_n
        through_n *= d_y_n
        d_c += through_n
        np.multiply(d_o_n, sees_o, out=work)
        d_c += work
        d_g_n *= d_c
        d_f_n *= d_c
        d_c *= f_n
        np.multiply(d_f_n, sees_f, out=work)
        d_c += work
        after = d_net_n
    return d_net


BY_HAND = {"elman": elman, "lstm": lstm, "coupled": coupled}
