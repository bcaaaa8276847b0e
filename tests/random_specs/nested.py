"""Cells in cells, for random networks: starts and constants as arguments, a weight shared with the network."""

SHARED = "W_everywhere"

CELLS = (
    """
cell single(x, H) over {axis} {{
  gate z : H = sigmoid(full(x) + full(y[{axis}-1]) + bias)
  unit y : H = z * y[{axis}-1] + (1 - z) * tanh(full(x[{axis}-1..{axis}]))
  return y
}}
cell twice(x, H, rate, before) over {axis} {{
  unit g = single(x, H)
  unit q = single(g[{axis}-1], H) backward
  unit y : H = tanh(rate * y[{axis}-1] + full(g) + full(q, as = """
    + SHARED
    + """) + full(x[first]))
  start y[first-1] = before
  return y
}}
cell thrice(x, H, Q, rate, before) over {axis} {{
  unit a = twice(x, H, rate, before)
  unit y : Q = sin(full(a) + full(a.q) + diag(y[{axis}-2]))
  start y = 0.1
  return y
}}
"""
)
