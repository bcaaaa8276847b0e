"""A network by names that are words of Python, of sympy or of generated code is the same network."""

from __future__ import annotations

import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Mapping
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rnnc.compiler import compile_text, emit_text
from rnnc.diagnostics import Rejected
from rnnc.emit.arguments import KEYWORDS
from rnnc.frontend.words import RESERVED

STREAM = """
fn Af(Az) = Az * sigmoid(Az)
cell Ac(Av, As) over An {
  gate Ag : As = sigmoid(full(Av) + full(Ar[An-1]) + bias)
  unit Ar : As = Ag * Ar[An-1] + (1 - Ag) * tanh(full(Av) + bias)
  return Ar
}
network Anet(Ad = 3, Ah = 4, Ak = 2, Ao = 0.5) {
  axis An
  input Ax[An] : Ad
  input Aw[An] : token(Ah)
  input Ai : Ah
  target At[An] : Ak
  param Ap : (Ah, Ad)
  unit Ae[An] : Ad = embedding(Aw, Ad)
  unit Au[An] = Ac(concat(Ax, Ae), Ah)
  unit Am[An] : Ah = tanh(Ap @ Ax[An-2] + full(Am[An-1]) + full(Au, as = Aa)) * where(An == 0, Ao, 1)
  start Am = Ai
  output Ay[An] : Ak = Af(full(Am, Au[An-2..An]) + bias)
  loss mean over An (squared_error(Ay, At))
}
"""

WHOLE = """
network Anet(Ad = 3, Ah = 4, Ak = 2) {
  axis An, Aj
  input Ax[An] : Ad
  input Aw[Aj] : token(Ak)
  target At[Aj] : token(Ak)
  unit Af[An] : Ah = tanh(full(Ax[An]) + full(Af[An+1]) + bias)
  unit Ae[Aj] : Ah = embedding(Aw[Aj], Ah)
  unit As[An, Aj] : 1 = dot(Ae[Aj], Af[An])
  unit Aa[An, Aj] : 1 = softmax over An (As[An, Aj])
  unit Ac[Aj] : Ah = sum over An (Aa[An, Aj] * Af[An]) + full(Ac[Aj-1])
  start Ac = tanh(full(Af[last]) + bias)
  unit Ag[An, Aj] : Ak = tanh(full(Ax[An]) + full(Ag[An-1, Aj], as = Ap) + full(Ag[An, Aj-1], as = Av))
  output Ay[Aj] : Ak = softmax(full(Ac[Aj]) + bias + mean over An (Ag[An, Aj]))
  loss cross_entropy(Ay, At)
}
"""

TEMPLATES = {"stream": STREAM, "whole": WHOLE}
PLACE = re.compile(r"\bA[a-z]+\b")
SYMPY = [
    "S",
    "N",
    "I",
    "E",
    "pi",
    "oo",
    "zoo",
    "nan",
    "Q",
    "O",
    "C",
    "Symbol",
    "Function",
    "Integer",
    "Rational",
    "Add",
    "Mul",
    "Pow",
    "Lambda",
    "Derivative",
]
CODE = ["x1", "os", "sys", "eval_", "exec_", "import_os", "sympify", "numpy", "math"]
LONG = ["h" * 300, "h_W_h", "d_h", "h_1", "h_2", "len_h", "past_h", "W", "b", "b_", "work2", "edge_h", "length_n"]


def places(text: str) -> list[str]:
    """The names of a template, in order."""
    return list(dict.fromkeys(PLACE.findall(text)))


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """Every hostile word that is a name of the language: of Python, of sympy, and of the emitted templates."""
    own = []
    for text in TEMPLATES.values():
        for token in tokenize.generate_tokens(io.StringIO(emit_text(text)).readline):
            if token.type == tokenize.NAME:
                own.append(token.string)
    known = [*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *SYMPY, *CODE, *LONG, *sorted(set(own))]
    fit = (w for w in known if re.fullmatch(r"[A-Za-z]\w*", w) and w not in RESERVED and not PLACE.fullmatch(w))
    return tuple(dict.fromkeys(fit))


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A text, or a parameter's key, with every name of a template replaced."""
    return re.sub(r"(?<![A-Za-z0-9])A[a-z]+(?![A-Za-z0-9])", lambda m: names[m.group()], text)


def numbers(text: str, names: Mapping[str, str]) -> dict[str, Any]:
    """All that a network by these names computes from one set of numbers, by the template's names."""
    plain = compile_text(text)
    one = names.__getitem__
    sizes = {one("Ad"): 2, one("Ah"): 5}
    # two sizes that `init` cannot take by name are chosen when the module is compiled
    pinned = {size: value for size, value in sizes.items() if size in ("seed", "dtype")}
    module = compile_text(renamed(text, names), settings=pinned)
    p = module.init(dtype="float64", **{size: n for size, n in sizes.items() if size not in pinned})
    draw = np.random.default_rng(3)
    for key in sorted(plain.PARAMETERS):
        p[renamed(key, names)] = draw.standard_normal(p[renamed(key, names)].shape) * 0.4
    length, data = {"An": 4, "Aj": 3}, {}
    for name, record in (plain.INPUTS | plain.TARGETS).items():
        units = {"Ad": 2, "Ah": 5, "Ak": 2}
        shape = [*(length[a] for a in record["axes"]), 3, *(units[z] for z in record["shape"])]
        data[one(name)] = draw.integers(0, 2, shape) if record["token"] else draw.uniform(0.1, 0.9, shape)
    ends = {one(a): np.array([length[a], 2, 1]) for a in plain.AXES}
    given: Any = ends if len(ends) > 1 else next(iter(ends.values()))
    data = {name + "_" * (name in KEYWORDS): a for name, a in data.items()}
    out = module.forward(p, **data, lengths=given, observe=[one(u) for u in plain.UNITS if "." not in u])
    value, grads = module.bptt(p, **data, lengths=given, wrt=(one("Ax"),))
    found = {"loss": out["loss"], "value": value, "Ax": grads[one("Ax")], "flat": p.flat.size}
    found |= {f"{u}[]": out[one(u)] for u in plain.UNITS if "." not in u}
    found |= {f"d {key}": grads[renamed(key, names)] for key in plain.PARAMETERS}
    return found | (streamed(module, p, data, names) if text is STREAM else {})


def streamed(module: ModuleType, p: Any, data: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Two steps from the start, and the rest as a chunk."""
    one = names.__getitem__
    key = {n: one(n) + "_" * (one(n) in KEYWORDS) for n in ("Ai", "Ax", "Aw")}
    state = module.start(p, batch=3, **{key["Ai"]: data[key["Ai"]]})
    found = {}
    for k in range(2):
        step, state = module.step(p, state, **{key[n]: data[key[n]][k] for n in ("Ax", "Aw")})
        found[f"step {k}"] = step[one("Ay")]
    rest = {key[n]: data[key[n]][2:] for n in ("Ax", "Aw")}
    return found | {"rest": module.forward(p, **rest, state=state)[one("Ay")]}


@lru_cache(maxsize=2)
def expected(text: str) -> dict[str, Any]:
    return numbers(text, {name: name for name in places(text)})


def differing(text: str, names: Mapping[str, str]) -> str:
    """What is wrong about a network by these names; nothing where it is the same, or refused in so many words."""
    try:
        found = numbers(text, names)
    except Rejected as rejected:
        said = " ".join(d.message() for d in rejected.diagnostics)
        return "" if any(f"`{word}`" in said for word in names.values()) else said
    except Exception as failure:
        return f"{type(failure).__name__}: {str(failure)[:200]}"
    for key, value in expected(text).items():
        try:
            assert_allclose(found[key], value, rtol=1e-9, atol=1e-12)
        except AssertionError:
            return f"other numbers: {key}"
    return ""


def chosen(text: str, turn: int) -> list[dict[str, str]]:
    """Every word once in some place of a template; another `turn`, another place."""
    roles = places(text)
    pool = list(words())
    groups = [pool[k : k + len(roles)] for k in range(0, len(pool), len(roles))]
    return [dict(zip(roles, [*g[turn:], *g[:turn], *roles][: len(roles)], strict=True)) for g in groups]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_network_by_hostile_names(name: str) -> None:
    text = TEMPLATES[name]
    wrong = [(names, found) for names in chosen(text, 0) if (found := differing(text, names))]
    assert not wrong, "\n".join(f"{found}: {names}" for names, found in wrong)
