"""`generate`: a network that makes its own next input, against its own steps, and against what it draws from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import stored
from numpy.testing import assert_allclose, assert_array_equal

import rnnc

TOKENS = """network lm(V = 5, E = 3, H = 4) {
  axis n
  input  w[n] : token(V)
  input  u[n] : 2
  input  c : 1
  unit   e[n] : E = embedding(w[n], E)
  unit   h[n] : H = tanh(full(e[n]) + full(e[n-2], as = W2) + full(h[n-1]) + full(u) + where(n == 1, c, 0) + bias)
  start  h = learned
  output p[n] : V = softmax(full(h[n]) + bias)
  feedback w[n+1] = sample(p[n])
}
"""
FLAT = """network flat(V = 5) {
  axis n
  input  w[n] : token(V)
  output p[n] : V = softmax(bias + 0 * embedding(w[n], V))
  feedback w[n+1] = sample(p[n])
}
"""
FLAGS = """network flags(D = 4) { axis n input x[n] : D unit p[n] : D = sigmoid(bias + 0 * x)
    output y[n] : D = x feedback x[n+1] = sample(p[n]) }"""
MIXTURE = """network mixture(M = 3) {{
  axis n
  input  x[n] : 2
  unit   pi[n] : M = softmax(bias + 0 * sum(x[n]))
  unit   mu[n] : 2*M = bias + 0 * sum(x[n])
  unit   sigma[n] : 2*M = exp(bias + 0 * sum(x[n]))
  {rho}
  output y[n] : 2 = x[n]
  feedback x[n+1] = sample(pi[n], mu[n], sigma[n]{named})
}}
"""
CLOSED = """network closed(D = 2) {
  axis n
  input  x[n] : D
  unit   h[n] : D = tanh(full(x[n]) + full(h[n-1]) + bias)
  output y[n] : D = full(h[n]) + bias
  feedback x[n+1] = x[n] + 0.5 * y[n]
}
"""
MANY = 40_000


def spread(module: Any, seed: int = 1, scale: float = 1.0, **sizes: int) -> Any:
    p = module.init(seed=seed, dtype="float64", **sizes)
    p.flat[...] = scale * np.random.default_rng(seed).normal(size=p.flat.size)
    return p


def data(steps: int, batch: int | None) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    lead = () if batch is None else (batch,)
    return {"u": rng.normal(size=(steps, *lead, 2)), "c": rng.normal(size=(*lead, 1))}


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("length", [1, 4])
def test_generate_is_step_after_step(batch: int | None, length: int) -> None:
    module = rnnc.compile_text(TOKENS)
    p = spread(module)
    lead = () if batch is None else (batch,)
    prefix = np.random.default_rng(2).integers(0, 5, (length, *lead))
    given = data(length + 7, batch)
    out = module.generate(p, 8, prefix=prefix, seed=3, observe=["h"], **given)
    assert out["w"].shape == (8, *lead)
    assert out["p"].shape == (8, *lead, 5)
    assert out["h"].shape == (8, *lead, 4)
    read = np.concatenate([prefix, out["w"]])
    state = module.start(p, batch=batch)
    for n in range(length + 7):
        one, state = module.step(p, state, w=read[n], u=given["u"][n], c=given["c"])
        if n >= length - 1:
            assert_allclose(out["p"][n - length + 1], one["p"], rtol=1e-12)
    for name, value in state.items():
        assert_allclose(out["state"][name], value, rtol=1e-12, err_msg=name)


def test_seeds() -> None:
    module = rnnc.compile_text(TOKENS)
    p = spread(module)
    given = data(30, 3)
    first, second, other = (module.generate(p, 30, seed=s, batch=3, **given) for s in (1, 1, 2))
    for name in ("w", "p"):
        assert_array_equal(first[name], second[name])
    assert (first["w"] != other["w"]).any()
    assert (first["w"][:, 0] != first["w"][:, 1]).any(), "the sequences of a batch draw numbers of their own"


def test_a_sequence_of_a_batch_draws_what_the_first_ones_draw() -> None:
    """A longer batch changes nothing for the sequences it begins with."""
    module = rnnc.compile_text(FLAT)
    p = spread(module)
    three, two, alone = (module.generate(p, 20, batch=b)["w"] for b in (3, 2, None))
    assert_array_equal(three[:, :2], two)
    assert_array_equal(two[:, 0], alone)


@pytest.mark.parametrize("batch", [None, 2])
def test_two_halves_are_one_run(batch: int | None) -> None:
    module = rnnc.compile_text(TOKENS)
    p = spread(module)
    given = data(10, batch)
    whole = module.generate(p, 10, seed=4, batch=batch, **given)
    first = module.generate(p, 6, seed=4, batch=batch, u=given["u"][:6], c=given["c"])
    rest = {"u": given["u"][6:], "c": given["c"]}
    second = module.generate(p, 4, seed=4, prefix=first["w"][-1:], state=first["state"], made=6, **rest)
    assert_array_equal(np.concatenate([first["w"], second["w"]]), whole["w"])
    assert_array_equal(np.concatenate([first["p"], second["p"]]), whole["p"])
    chunk = module.forward(p, w=whole["w"][:-1], u=given["u"][1:], c=given["c"], state=_after_first(module, p, given))
    assert_allclose(chunk["p"], whole["p"][1:], rtol=1e-12)


def _after_first(module: Any, p: Any, given: dict[str, Any]) -> Any:
    zeros = np.zeros(given["u"].shape[:-1], int)[:1]
    return module.forward(p, w=zeros, u=given["u"][:1], c=given["c"])["state"]


def agree(counts: Any, expected: Any) -> None:
    """Pearson's chi-square: the sum stays below its mean plus six deviations."""
    kept = expected > 0
    assert_array_equal(counts[~kept], 0)
    statistic = ((counts[kept] - expected[kept]) ** 2 / expected[kept]).sum()
    freedom = kept.sum() - 1
    assert statistic < freedom + 6 * np.sqrt(2 * freedom), statistic


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
@pytest.mark.parametrize("without", [(), (1, 4)])
def test_frequencies_of_tokens(temperature: float, without: tuple[int, ...]) -> None:
    module = rnnc.compile_text(FLAT)
    p = spread(module)
    out = module.generate(p, 2, batch=MANY, temperature=temperature, seed=8, without=without)
    z = p["p.b"] / temperature
    shares = np.exp(z)
    shares[list(without)] = 0
    shares /= shares.sum()
    agree(np.bincount(out["w"][0], minlength=5), MANY * shares)
    # the second draw does not know the first
    pairs = np.bincount(5 * out["w"][0] + out["w"][1], minlength=25)
    agree(pairs, MANY * np.outer(shares, shares).ravel())


def test_temperature_zero_takes_the_first_of_the_likeliest() -> None:
    module = rnnc.compile_text(FLAT)
    p = spread(module)
    p["p.b"] = np.array([0.0, 2.0, 1.0, 2.0, -1.0])
    assert_array_equal(module.generate(p, 5, temperature=0)["w"], 1)
    assert_array_equal(module.generate(p, 5, temperature=0, without=[1])["w"], 3)
    p["p.b"] = 0.0
    assert_array_equal(module.generate(p, 5, temperature=0, batch=2)["w"], 0)
    cold = module.generate(p, 50, temperature=1e-300, seed=1)["w"]
    assert len(set(cold)) > 1, "equal weights stay equal at any temperature above 0"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("temperature", [1e-320, 5e-324])
def test_nothing_is_said_of_temperatures_near_zero(temperature: float) -> None:
    module = rnnc.compile_text(FLAT)
    p = spread(module)
    p["p.b"] = np.array([0.0, 2.0, 1.0, 1.5, -1.0])
    assert_array_equal(module.generate(p, 5, temperature=temperature)["w"], 1)
    flags = rnnc.compile_text(FLAGS)
    p = flags.init()
    p["p.b"] = np.array([-3.0, 0.01, 1.0, 40.0])
    assert_array_equal(flags.generate(p, 1, temperature=temperature)["x"], [[0.0, 1.0, 1.0, 1.0]])


def test_frequencies_of_flags() -> None:
    module = rnnc.compile_text(FLAGS)
    p = spread(module)
    p["p.b"] = np.array([-3.0, 0.0, 1.0, 40.0])
    for temperature in (1.0, 2.0):
        flags = module.generate(p, 1, batch=MANY, temperature=temperature)["x"][0]
        assert set(np.unique(flags)) == {0.0, 1.0}
        shares = 1 / (1 + np.exp(-p["p.b"] / temperature))
        deviation = np.sqrt(shares * (1 - shares) / MANY)
        assert (np.abs(flags.mean(axis=0) - shares) <= 5 * deviation + 1e-15).all()
        assert abs(np.corrcoef(flags[:, 1], flags[:, 2])[0, 1]) < 5 / np.sqrt(MANY)
    assert_array_equal(module.generate(p, 1, temperature=0)["x"], [[0.0, 0.0, 1.0, 1.0]])


def mixture(*, rho: bool) -> Any:
    said = "unit rho[n] : M = tanh(bias + 0 * sum(x[n]))" if rho else ""
    return rnnc.compile_text(MIXTURE.format(rho=said, named=", rho[n]" if rho else ""))


@pytest.mark.parametrize("rho", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.25])
def test_moments_of_mixtures(rho: bool, temperature: float) -> None:
    """Means, variances and the covariance of 40,000 draws, each within five of its own standard errors."""
    module = mixture(rho=rho)
    p = spread(module, seed=6)
    drawn = module.generate(p, 1, batch=MANY, temperature=temperature, seed=2)["x"][0]
    weights = np.exp(p["pi.b"] / temperature)
    weights /= weights.sum()
    means, deviations = p["mu.b"].reshape(2, -1), np.exp(p["sigma.b"]).reshape(2, -1) * np.sqrt(temperature)
    correlation = np.tanh(p["rho.b"]) if rho else 0.0
    mean = means @ weights
    centred = means - mean[:, None]
    variance = (centred**2 + deviations**2) @ weights
    covariance = ((centred[0] * centred[1]) + correlation * deviations[0] * deviations[1]) @ weights
    for found, wanted in (
        (drawn[:, 0], mean[0]),
        (drawn[:, 1], mean[1]),
        ((drawn[:, 0] - mean[0]) ** 2, variance[0]),
        ((drawn[:, 1] - mean[1]) ** 2, variance[1]),
        ((drawn[:, 0] - mean[0]) * (drawn[:, 1] - mean[1]), covariance),
    ):
        assert abs(found.mean() - wanted) < 5 * found.std() / np.sqrt(MANY)
    likeliest = means[:, np.argmax(weights)]
    assert_allclose(module.generate(p, 1, temperature=0)["x"], [likeliest], rtol=1e-12)


def test_an_expression_is_fed_back_as_it_is() -> None:
    module = rnnc.compile_text(CLOSED)
    p = spread(module)
    first = np.array([[0.3, -0.2]])
    out = module.generate(p, 6, prefix=first)
    x, h = first[0], np.zeros(2)
    for n in range(6):
        h = np.tanh(p["h.W_x"] @ x + p["h.W_h"] @ h + p["h.b"])
        y = p["y.W_h"] @ h + p["y.b"]
        x = x + 0.5 * y
        assert_allclose(out["y"][n], y, rtol=1e-12)
        assert_allclose(out["x"][n], x, rtol=1e-12)


@pytest.mark.parametrize("name", [n for n in stored.names("models") if n.startswith("narx_parallel")])
def test_narx_in_a_closed_loop(name: str) -> None:
    """z[n] is y[n-1]; what stands before the first step comes from the case."""
    case = stored.load("models", name)
    du, dy = case["par.Wu"].shape[1] - 1, case["par.Wy"].shape[1]
    early = " ".join(f"input y{k} : 1 start z[first-{k - 1}] = y{k}" for k in range(2, dy + 1))
    text = f"""network narx(H = 4) {{
      axis n
      input u[n] : 1
      input z[n] : 1
      {early}
      unit h[n] : H = tanh(full(u[n-{du}..n]) + full(z[n-{dy - 1}..n]) + bias)
      output y[n] : 1 = full(h[n]) + bias
      feedback z[n+1] = y[n]
    }}"""
    module = rnnc.compile_text(text)
    p = {
        "h.W_u": case["par.Wu"][:, ::-1],
        "h.W_z": case["par.Wy"][:, ::-1],
        "h.b": case["par.b"],
        "y.W_h": case["par.v"][None],
        "y.b": case["par.c"][None],
    }
    starts = {f"y{k}": case["init.y"][None, k - 1 : k] for k in range(2, dy + 1)}
    steps = len(case["in.u"])
    first = case["init.y"][None, None, :1]
    out = module.generate(p, steps, prefix=first, u=case["in.u"][:, None, None], **starts)
    assert_allclose(out["y"][:, 0, 0], case["out.Y"], rtol=case.rtol, atol=case.atol)
    assert_array_equal(out["z"], out["y"])


def test_two_inputs_are_fed_back_by_name() -> None:
    text = """network two(V = 3) {
      axis n
      input w[n] : token(V)
      input x[n] : 2
      output p[n] : V = softmax(full(x) + bias)
      output y[n] : 2 = embedding(w[n], 2)
      feedback w[n+1] = sample(p[n])
      feedback x[n+1] = y[n]
    }"""
    module = rnnc.compile_text(text)
    p = spread(module)
    out = module.generate(p, 5, prefix={"w": np.array([2, 1])})
    assert out["w"].shape == (5,)
    assert_array_equal(out["x"], out["y"])
    assert_array_equal(out["x"][1:], p["y.E_w"][out["w"][:-1]])
    with pytest.raises(ValueError, match="prefix must be a dict by name: fed back are w, x"):
        module.generate(p, 5, prefix=np.array([1]))


def test_names_that_the_function_has_taken() -> None:
    text = """network hostile(V = 3) {
      axis n
      input seed[n] : token(V)
      input steps[n], lambda[n], observe[n] : 1
      unit prefix[n] : V = softmax(full(steps, lambda, observe) + embedding(seed, V))
      output state[n] : V = prefix
      feedback seed[n+1] = sample(state[n])
    }"""
    module = rnnc.compile_text(text)
    p = spread(module)
    rng = np.random.default_rng(0)
    given = {name: rng.normal(size=(6, 2, 1)) for name in ("steps_", "lambda", "observe_")}
    out = module.generate(p, 5, prefix=np.array([[0, 1], [2, 2]]), **given, observe=["prefix"])
    read = np.concatenate([[[0, 1], [2, 2]], out["seed"]])[:6]
    whole = module.forward(
        p, seed_=read, steps=given["steps_"], observe_=given["observe_"], **{"lambda": given["lambda"]}
    )
    assert_allclose(out["state_"], whole["state_"][1:], rtol=1e-12)
    assert_allclose(out["prefix"], whole["state_"][1:], rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1, found 0"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
        ({"temperature": -1.0}, "temperature must be a number of at least 0, found -1.0"),
        ({"temperature": float("nan")}, "temperature must be a number of at least 0"),
        ({"temperature": "hot"}, "temperature must be a number of at least 0"),
        ({"prefix": np.array([7])}, "`w` is 7, expected a token 0 to 4"),
        ({"prefix": np.array([0.5])}, "input `w` holds tokens"),
        ({"prefix": {"v": np.array([1])}}, "prefix names `v`; fed back are w"),
        ({"u": np.zeros((3, 2))}, "input `u` has 3 positions; 5 steps after 1 need 5"),
        ({"u": None}, "input `u` is missing"),
        ({"without": [9]}, "without names token 9; tokens are 0 to 4"),
        ({"without": range(5)}, "no token is left to draw"),
        ({"without": [-1]}, "a token of without must be a whole number of at least 0, found -1"),
        ({"batch": 4}, "batch is 4, the inputs and the state have none"),
        ({"observe": ["q"]}, "no unit `q`"),
    ],
)
def test_mistakes(given: dict[str, Any], said: str) -> None:
    module = rnnc.compile_text(TOKENS)
    p = spread(module)
    with pytest.raises(ValueError, match=said):
        module.generate(p, **{"steps": 5, **data(5, None), **given})


def test_what_is_not_finite_is_not_drawn_from() -> None:
    module = rnnc.compile_text(FLAT)
    p = spread(module)
    p["p.b"] = np.nan
    with pytest.raises(ValueError, match="`p` is not finite, so the next `w` cannot be drawn from it"):
        module.generate(p, 3)


def test_no_feedback_no_generate() -> None:
    module = rnnc.compile_text(FLAT.replace("feedback w[n+1] = sample(p[n])", ""))
    assert not hasattr(module, "generate")
    assert hasattr(module, "step")
