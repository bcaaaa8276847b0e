"""What a generated module does with what it is given: it changes none of it, and takes it in every layout."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

import rnnc
from rnnc.places import specs_folder

Array = NDArray[Any]

NAMES = ("lstm", "encoder_decoder", "bidirectional_concat", "attention", "rnn2d", "narx", "one_to_many", "nettalk")


@cache
def module_of(name: str) -> ModuleType:
    found: ModuleType = rnnc.compile_file(specs_folder() / f"{name}.rnn")
    return found


def call_of(name: str, *, batch: int = 3, seed: int = 0) -> tuple[Any, Any, Any]:
    """Parameters, data and ragged lengths."""
    module, draw = module_of(name), np.random.default_rng(seed)
    p = module.init(seed=seed, dtype="float64")
    units, data = module.data_shapes(**p.sizes), {}
    longest = {axis: 5 - k for k, axis in enumerate(module.AXES)}
    for datum, record in (module.INPUTS | module.TARGETS).items():
        shape, tokens = units[datum]
        whole = (*(longest[a] for a in record["axes"]), batch, *shape)
        data[datum] = draw.integers(0, tokens, whole) if tokens else draw.uniform(0.1, 0.9, whole)
    lengths = {a: np.array([n, 2, 1] * batch)[:batch] for a, n in longest.items()}
    return p, data, lengths


def everything(name: str, p: Any, data: Any, **options: Any) -> dict[str, Any]:
    """All that forward and bptt give."""
    module = module_of(name)
    wrt = [n for n, record in module.INPUTS.items() if record["token"] is None]
    value, grads = module.bptt(p, **data, **options, wrt=wrt)
    out = module.forward(p, **data, **options, observe=module.UNITS)
    state = {f"state {n}": a for n, a in out.pop("state", {}).items()}
    return {"value": value, **out, **state, **{f"d {n}": a for n, a in grads.items()}}


def same(found: dict[str, Any], expected: dict[str, Any], tolerance: float = 1e-13) -> None:
    assert found.keys() == expected.keys()
    for name, a in expected.items():
        assert found[name].dtype == a.dtype and found[name].dtype.isnative, name
        assert_allclose(found[name], a, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_changed_and_nothing_is_shared(name: str) -> None:
    """Read-only arguments; what comes back lies in memory of its own."""
    p, data, lengths = call_of(name)
    plain = {n: a.copy() for n, a in p.items()}
    for a in (*plain.values(), *data.values(), *lengths.values()):
        a.setflags(write=False)
    kept = copy.deepcopy((plain, data, lengths))
    found = everything(name, plain, data, lengths=lengths)
    for given, before in zip((plain, data, lengths), kept, strict=True):
        for n, a in given.items():
            assert_array_equal(a, before[n], err_msg=n)
    same(found, everything(name, p, data, lengths=lengths))
    flat = [(n, a) for n, a in found.items() if isinstance(a, np.ndarray)]
    mine: list[tuple[str, Array]] = [*plain.items(), *data.items(), *lengths.items()]
    for k, (n, a) in enumerate(flat):
        assert a.flags.writeable, n
        for other, b in (*flat[k + 1 :], *mine):
            assert not np.shares_memory(a, b), f"{n} and {other}"


def spread(a: Array) -> Array:
    """Every second entry of a larger array, backwards."""
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]) if a.ndim else (), a.dtype)
    if not a.ndim:
        return a
    wide[..., ::-2] = a
    return wide[..., ::-2]


LAYOUTS: dict[str, Callable[[Array], Any]] = {
    "Fortran order": np.asfortranarray,
    "not contiguous": spread,
    "the other byte order": lambda a: a.astype(a.dtype.newbyteorder("S")),
    "lists": lambda a: a.tolist(),
    "a transposed view": lambda a: np.ascontiguousarray(a.T).T,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["lstm", "encoder_decoder", "rnn2d", "narx"])
def test_every_layout(name: str, layout: str) -> None:
    p, data, lengths = call_of(name)
    expected = everything(name, p, data, lengths=lengths)
    change = LAYOUTS[layout]
    own = {n: change(a) for n, a in lengths.items()}
    same(everything(name, p, {n: change(a) for n, a in data.items()}, lengths=own), expected)
    if layout != "lists":
        same(everything(name, {n: change(a) for n, a in p.items()}, data, lengths=lengths), expected)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64", "float16", "bool"])
def test_whole_numbers_and_other_dtypes(dtype: str) -> None:
    p, data, lengths = call_of("encoder_decoder")
    ones = {n: np.ones(a.shape, a.dtype) for n, a in data.items()}
    cast = {
        n: a.astype("int16" if dtype in ("float16", "bool") and a.dtype.kind == "i" else dtype) for n, a in ones.items()
    }
    same(
        everything("encoder_decoder", p, cast, lengths=lengths), everything("encoder_decoder", p, ones, lengths=lengths)
    )


def test_the_parameters_dtype_is_what_is_computed_in() -> None:
    p, data, _ = call_of("narx")
    for dtype in ("float32", "float64"):
        half = module_of("narx").init(seed=1, dtype=dtype)
        for q in (half, dict(half)):
            assert {a.dtype.name for a in everything("narx", q, data).values()} == {dtype}
    same(everything("narx", p, {n: a.astype("float32") for n, a in data.items()}), everything("narx", p, data), 1e-6)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("name", NAMES)
def test_padding_is_never_read(name: str, poison: float) -> None:
    """Nor are the tokens there looked at."""
    module = module_of(name)
    p, data, lengths = call_of(name)
    expected = everything(name, p, data, lengths=lengths)
    dirty = {}
    for n, a in data.items():
        axes = (module.INPUTS | module.TARGETS)[n]["axes"]
        dirty[n] = a.copy()
        for k, axis in enumerate(axes):
            past = np.arange(a.shape[k])[:, None] >= lengths[axis]
            np.moveaxis(dirty[n], (k, len(axes)), (0, 1))[past] = poison if a.dtype.kind == "f" else -9
    found = everything(name, p, dirty, lengths=lengths)
    for n, a in expected.items():
        assert_array_equal(found[n], a, err_msg=n)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_number_stays_in_its_sequence(bad: float) -> None:
    module = module_of("lstm")
    p, data, _ = call_of("lstm")
    clean = module.forward(p, **data)
    data["x"][1, 2, 0] = bad
    found = module.forward(p, **data)
    assert_array_equal(found["loss"][:2], clean["loss"][:2])
    for n in module.OUTPUTS:
        assert_array_equal(found[n][:, :2], clean[n][:, :2])
    assert np.isnan(found["loss"][2]) or np.isinf(bad)


def test_missing_targets() -> None:
    """NaN in a real target carries no error; a partly missing vector counts in the entries it has."""
    module = rnnc.compile_text(
        "network a { axis n input x[n] : 2 target t[n] : 2 output y[n] : 2 = x[n] loss squared_error(y, t) }"
    )
    x = np.arange(6.0).reshape(3, 2)
    t = np.array([[np.nan, 2.0], [0.0, 0.0], [np.nan, np.nan]])
    value, grads = module.bptt({}, x=x, t=t, wrt="x")
    assert value == 0.5 * ((2 - 1) ** 2 + 2**2 + 3**2)
    assert_array_equal(grads["x"], [[0, -1], [2, 3], [0, 0]])


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_one_is_no_batch(name: str) -> None:
    p, data, lengths = call_of(name, batch=1)
    axes = module_of(name).INPUTS | module_of(name).TARGETS
    alone = {n: a.take(0, len(axes[n]["axes"])) for n, a in data.items()}
    batched = everything(name, p, data, lengths=lengths)
    single = everything(name, p, alone, lengths={n: int(a[0]) for n, a in lengths.items()})
    assert batched.keys() == single.keys()
    for n, a in single.items():
        whole = n == "value" or (n.startswith("d ") and n[2:] not in axes)
        assert np.ndim(a) == np.ndim(batched[n]) - (not whole), n
        assert_allclose(np.ravel(a), np.ravel(batched[n]), rtol=1e-13, atol=1e-13, err_msg=n)


@pytest.mark.parametrize("lengths", [[5, 2, 3], (5, 2, 3), np.array([5, 2, 3], "u1"), {"n": [5, 2, 3]}])
def test_lengths_in_every_form(lengths: Any) -> None:
    p, data, _ = call_of("lstm")
    expected = everything("lstm", p, data, lengths=np.array([5, 2, 3]))
    same(everything("lstm", p, data, lengths=lengths), expected, 0)
    cut = {n: a[:4] for n, a in data.items()}
    same(everything("lstm", p, data, lengths=4) | {}, everything("lstm", p, data, lengths=[4, 4, 4]), 0)
    assert_allclose(
        module_of("lstm").forward(p, **data, lengths=4)["loss"], module_of("lstm").forward(p, **cut)["loss"]
    )


def test_parameters_are_one_buffer() -> None:
    module = module_of("lstm")
    p, data, _ = call_of("lstm")
    assert issubclass(type(p), dict) and sum(a.size for a in p.values()) == p.flat.size
    for n, a in p.items():
        assert np.shares_memory(a, p.flat), n
    before = {n: a.copy() for n, a in p.items()}
    p.flat *= 2
    for n, a in p.items():
        assert_array_equal(a, 2 * before[n])
    for n in p:
        p[n][...] = before[n]
    expected = everything("lstm", before, data)
    same(everything("lstm", p, data), expected)
    q = module.init(seed=9, dtype="float64")
    ways: dict[str, Callable[[Any], Any]] = {
        "keys": lambda q: [q.__setitem__(n, a) for n, a in before.items()],
        "update": lambda q: q.update(before),
        "or": lambda q: q.__ior__(before),
        "flat": lambda q: setattr(q, "flat", p.flat.copy()),
    }
    for way, assign in ways.items():
        q.flat = 0.0
        assign(q)
        assert all(np.shares_memory(a, q.flat) for a in q.values()), way
        same(everything("lstm", q, data), expected)


@pytest.mark.parametrize("how", ["copy", "deepcopy", "pickle", "method"])
def test_copies_of_parameters(how: str) -> None:
    p, data, _ = call_of("lstm")
    module = module_of("lstm")
    sys.modules[module.__name__] = module
    makers: dict[str, Callable[[Any], Any]] = {
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
        "pickle": lambda p: pickle.loads(pickle.dumps(p)),
        "method": lambda p: p.copy(),
    }
    q = makers[how](p)
    assert type(q) is type(p) and q.sizes == p.sizes and list(q) == list(p)
    same(everything("lstm", q, data), everything("lstm", p, data), 0)
    q.flat += 1
    assert all(np.shares_memory(a, q.flat) and not np.shares_memory(a, p[n]) for n, a in q.items())
    assert all((q[n] == p[n] + 1).all() for n in p)


def test_init_is_a_pure_function() -> None:
    """Of seed, name and shape: a size that an array does not have leaves it alone; float32 is float64, rounded."""
    module = module_of("lstm")
    p, again, other = (module.init(seed=s, dtype="float64") for s in (4, 4, 5))
    wider = module.init(seed=4, dtype="float64", D=9)
    half = module.init(seed=4)
    drawn = [n for n, a in p.items() if np.unique(a).size > 2]
    assert len(drawn) > 4
    for n, a in p.items():
        assert_array_equal(a, again[n])
        assert_array_equal(a.astype("float32"), half[n])
        if wider[n].shape == a.shape:
            assert_array_equal(a, wider[n])
    for n in drawn:
        assert not np.array_equal(p[n], other[n]), n
    for k, n in enumerate(drawn):
        for m in drawn[k + 1 :]:
            assert p[n].shape != p[m].shape or not np.array_equal(p[n], p[m]), f"{n} and {m}"
    before = np.random.get_state(legacy=False)
    module.init(seed=1)
    assert str(np.random.get_state(legacy=False)) == str(before)


def test_a_state_is_only_read() -> None:
    module = module_of("narx")
    p, data, _ = call_of("narx")
    moving = {n: a for n, a in data.items() if n in module.INPUTS}
    state = module.start(p, batch=3)
    for a in state.values():
        a.setflags(write=False)
    first, after = module.step(p, state, **{n: a[0] for n, a in moving.items()})
    again, _ = module.step(p, state, **{n: a[0] for n, a in moving.items()})
    for n in first:
        assert_array_equal(first[n], again[n])
    for n, a in after.items():
        assert a.flags.writeable and not np.shares_memory(a, state[n])
        assert not any(np.shares_memory(a, b) for m, b in after.items() if m != n)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint64])
def test_a_missing_token_of_a_state_beside_unsigned_ones(kind: type[np.unsignedinteger[Any]]) -> None:
    """-1, what was missing at the last step, is no token of the next chunk, whatever that one's tokens are kept in."""
    spec = """network said(V = 300, H = 3) {
      axis n
      input  x[n] : H
      target t[n] : token(V)
      output p[n] : V = softmax(full(x) + full(embedding(t[n-1], 2)) + bias)
      loss cross_entropy(p, t)
    }"""
    module = rnnc.compile_text(spec)
    p = module.init(seed=1, dtype="float64")
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(6, 2, 3)), rng.integers(0, 200, (6, 2))
    t[2] = -1
    whole = module.forward(p, x=x, t=t)["p"][3:]
    state = module.forward(p, x=x[:3], t=t[:3])["state"]
    second = module.forward(p, x=x[3:], t=t[3:].astype(kind), state=state)
    assert_allclose(second["p"], whole, rtol=1e-13)
    assert_allclose(module.step(p, state, x=x[3], t=t[3].astype(kind))[0]["p"], whole[0], rtol=1e-13)
    beyond = np.full((3, 2), 2**64 - 1, np.uint64)
    with pytest.raises(ValueError, match="is 18446744073709551615, expected a token 0 to 299"):
        module.forward(p, x=x[3:], t=beyond)


def test_masked_arrays_are_not_read_through_their_masks() -> None:
    p, data, _ = call_of("elman")
    name = next(iter(data))
    masked = np.ma.masked_array(data[name], np.zeros(data[name].shape, bool))
    found, wanted = (module_of("elman").forward(p, **{**data, name: a})["y"] for a in (masked, data[name]))
    assert_array_equal(found, wanted)
    masked[0] = np.ma.masked
    with pytest.raises(ValueError, match=f"`{name}` is a masked array; a missing target is NaN"):
        module_of("elman").forward(p, **{**data, name: masked})
