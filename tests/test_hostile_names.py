"""A network by names that are words of Python, of sympy or of generated code is the same network."""

from __future__ import annotations

import builtins
import io
import json
import keyword
import re
import subprocess
import sys
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
from rnnc.emit.arguments import KEYWORDS, returned_as
from rnnc.frontend.words import RESERVED
from rnnc.places import specs_folder

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
    found |= {f"{u}[]": out[returned_as(one(u))] for u in plain.UNITS if "." not in u}
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
        found[f"step {k}"] = step[returned_as(one("Ay"))]
    rest = {key[n]: data[key[n]][2:] for n in ("Ax", "Aw")}
    return found | {"rest": module.forward(p, **rest, state=state)[returned_as(one("Ay"))]}


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


@pytest.mark.parametrize("turn", [0, 9])
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_network_by_hostile_names(name: str, turn: int) -> None:
    text = TEMPLATES[name]
    wrong = [(names, found) for names in chosen(text, turn) if (found := differing(text, names))]
    assert not wrong, "\n".join(f"{found}: {names}" for names, found in wrong)


def test_the_author_s_spelling_stays() -> None:
    text = """network def(None = 3) { axis for input lambda[for] : None input lengths : None
      output state[for] : None = tanh(full(lambda[for]) + full(state[for-1]) + lengths + bias) target wrt[for] : None
      loss squared_error(state, wrt) }"""
    module = compile_text(text)
    p = module.init(**{"None": 2})
    assert list(p) == ["state.W_lambda", "state.W_state", "state.b"] and module.OUTPUTS == ("state",)
    x, h = np.ones((3, 2)), np.ones(2)
    out = module.forward(p, **{"lambda": x}, lengths_=h, lengths=2)
    assert out["state_"].shape == (3, 2) and list(out["state"]) == ["state"]
    _, grads = module.bptt(p, **{"lambda": x}, lengths_=h, wrt_=x, wrt=["lambda", "lengths"])
    assert grads["lambda"].shape == (3, 2) and grads["lengths"].shape == (2,)
    with pytest.raises(ValueError, match="input `lambda` has shape \\(3, 5\\), expected \\(for, None\\)"):
        module.forward(p, **{"lambda": np.ones((3, 5))}, lengths_=h)
    with pytest.raises(ValueError, match="input `lengths` is missing"):
        module.forward(p, **{"lambda": x})
    with pytest.raises(TypeError, match="'lamda'"):
        module.forward(p, lamda=x, lengths_=h)


CODE_IN_SPECS = (
    'network a { unit __import__("os")[n] = x }',
    "network x=1;import os { axis n }",
    "x=1;import os",
    "import os\nos.system('true')",
    "use \"__import__('os').system('true')\"\nnetwork a { axis n input x[n] : 1 output y[n] : 1 = x }",
    'use "\\"); import os; (\\""\nnetwork a { axis n input x[n] : 1 output y[n] : 1 = x }',
    "network a { axis n input x[n] : {0.__class__} output y[n] : 1 = x }",
    "network a { axis n input x[n] : 1 output y[n] : 1 = eval(x) }",
    "network a { axis n input x[n] : 1 output y[n] : 1 = S.__class__(x) }",
    "network a { axis n input x[n] : 1 output y[n] : 1 = (lambda: 1)() }",
    "network a { axis n input x[n] : 1 output y[n] : 1 = full(x, as = __builtins__) }",
    "network a(D = __import__) { axis n input x[n] : D output y[n] : D = x }",
    "network a { axis n input x[n] : 1 output y[n] : 1 = x } # \N{PARAGRAPH SEPARATOR}import os\rimport os",
    '# """\n# import os\nnetwork a { axis n input x[n] : 1 output y[n] : 1 = x # """ + __import__("os").name + """\n}',
    "# '\\\nnetwork a { axis n input x[n] : 1 output y[n] : 1 = x \x0c# ');import os;('\n}",
)
WATCHED = """
import json, sys
import numpy as np
from rnnc.compiler import compile_text
from rnnc.diagnostics import Rejected
from rnnc.render import render

seen, watching = [], False

def watch(event, arguments):
    if not watching:
        return
    if event in ("compile", "exec"):
        what = arguments[1] if event == "compile" else getattr(arguments[0], "co_filename", "?")
        seen.append(f"{event} {what}")
    elif event.split(".")[0] in ("open", "os", "subprocess", "socket", "import", "shutil", "ctypes", "pty", "marshal"):
        seen.append(f"{event} {arguments[0]!r}")

sys.addaudithook(watch)

def run(text):
    try:
        module = compile_text(text)
    except Rejected as rejected:
        render(rejected.diagnostics)
        return "refused"
    p = module.init(seed=1)
    sizes, data = module.data_shapes(**p.sizes), {}
    for name, record in (module.INPUTS | module.TARGETS).items():
        shape, tokens = sizes[name]
        whole = (*(2 for _ in record["axes"]), 1, *shape)
        data[name + "_" * (name in KEYWORDS)] = np.zeros(whole, int) if tokens else np.ones(whole)
    module.forward(p, **data)
    if hasattr(module, "bptt"):
        module.bptt(p, **data)
    return module.__file__

plain, specs, KEYWORDS = json.loads(sys.stdin.read())
for text in plain:
    run(text)
result = []
for text in specs:
    watching = True
    made = run(text)
    watching = False
    result.append((made, list(seen)))
    seen.clear()
print(json.dumps(result))
"""


def test_nothing_in_a_spec_is_executed() -> None:
    """One module is compiled and run, and that by its own name; where a spec is refused nothing is."""
    plain = [*TEMPLATES.values(), 'use "nothing"', "network a {"]
    hostile = [renamed(text, names) for text in TEMPLATES.values() for names in chosen(text, 5)]
    given = json.dumps([plain, [*TEMPLATES.values(), *hostile, *CODE_IN_SPECS], KEYWORDS])
    made = subprocess.run([sys.executable, "-c", WATCHED], input=given, capture_output=True, text=True, check=True)
    for (file, events), text in zip(json.loads(made.stdout), json.loads(given)[1], strict=True):
        allowed = [] if file == "refused" else [f"compile {file}", f"exec {file}"]
        assert [e for e in events if e.split(" ")[0] in ("compile", "exec")] == allowed, text
        rest = [e for e in events if e not in allowed]
        # the names that a misspelt `use` may mean
        assert set(rest) <= {f"os.scandir {str(specs_folder())!r}"}, (text, rest)
