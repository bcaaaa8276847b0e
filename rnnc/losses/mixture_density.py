"""-log of a mixture of Gaussians: Bishop (1994), bivariate as in Graves (2013), arXiv:1308.0850, equations 23-26.

Everything is said in logarithms, so that a target far from every component costs a finite number. With rho = tanh r the
bivariate normal needs neither 1 - rho^2 nor a division by it:

    (z1^2 - 2 rho z1 z2 + z2^2) / (1 - rho^2)  =  z1^2 + (z2 cosh r - z1 sinh r)^2
    log(1 - rho^2)                             =  log 4 - softplus(2 r) - softplus(-2 r)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rnnc.losses.terms import Logarithms, apply, choose, cut, entries, number, reshaped, rows_added, total
from rnnc.model.forms import Apply, Expr, Type
from rnnc.sizes import ONE, Size

NO_WEIGHT = -1e30
"""The logarithm of a weight that is 0: no component, and finite."""
STEEPEST = 85.0
"""The largest exponent of a reciprocal, e^85 being still a float32: the least deviation is e^-85."""
FARTHEST = 1e15
"""In deviations: a square that is still a float32. Beyond it the distance counts as this."""
HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class Mixture:
    """What both kinds of mixture are made of. `narrow` is 1 / sigma, `log_sigma` its negative logarithm; `here` is
    1 where a coordinate of the target t is present."""

    log_pi: Expr
    mu: Expr
    log_sigma: Expr
    narrow: Expr
    t: Expr
    here: Expr
    network: Logarithms


def mixture_density(loss: Apply, logarithms: Logarithms) -> Expr:
    """-log sum_m pi_m N(t; mu_m, sigma_m[, rho_m]) over the coordinates of t that are present; 0 where none is.

    pi (M), mu and sigma (d * M) coordinate by coordinate, rho (M) with d = 2, t (d).
    """
    pi, mu, sigma, *rho, t = loss.args
    log_sigma = logarithms.log(sigma)
    if log_sigma is None:
        log_sigma, narrow = apply("log", sigma), apply("/", number(1.0, sigma), sigma)
    else:
        narrow = apply("exp", apply("min", apply("neg", log_sigma), number(STEEPEST, sigma)))
    log_pi = _log_weights(pi, logarithms)
    here = logarithms.value(apply("present", t), "present")
    of = Mixture(log_pi, mu, logarithms.value(log_sigma, "logsigma", "log sigma"), narrow, t, here, logarithms)
    densities = _bivariate(of, _fisher(rho[0], logarithms)) if rho else _independent(of)
    some = Apply("max", (here,), Type(t.type.axes, ()), t.span) if t.type.shape else here
    return choose(
        some,
        apply("neg", _log_sum_exp(logarithms.value(densities, "density", "log pi + log N(t; mu, sigma)"), logarithms)),
        0.0,
    )


def _log_weights(pi: Expr, logarithms: Logarithms) -> Expr:
    logs = logarithms.log(pi)
    if logs is not None:
        return logs
    live = apply(">", pi, number(0.0, pi))
    return choose(live, apply("log", choose(live, pi, 1.0)), NO_WEIGHT)


def _fisher(rho: Expr, logarithms: Logarithms) -> Expr:
    """r of rho = tanh r: what stands in the author's tanh, or 1/2 log((1 + rho) / (1 - rho))."""
    net = logarithms.argument(rho, "tanh")
    if net is not None:
        return net
    return _halved(apply("-", apply("log1p", rho), apply("log1p", apply("neg", rho))))


def _independent(of: Mixture) -> Expr:
    """log pi_m - sum_c (z_cm^2 / 2 + log sigma_cm + log(2 pi) / 2), (M)."""
    coordinates, components = entries(of.t), entries(of.log_pi)
    parts: tuple[Expr, ...] = (of.mu, of.log_sigma, of.narrow)
    if coordinates != ONE:
        parts = tuple(reshaped(a, (coordinates, components)) for a in parts)
    mu, log_sigma, narrow = parts
    halves = _halved(apply("square", _distance(of.here, of.t, mu, narrow)))
    scale = choose(of.here, apply("+", log_sigma, number(HALF_LOG_TWO_PI, mu)), 0.0)
    costs = of.network.value(apply("+", halves, scale), "cost", "-log N(t; mu, sigma), coordinate by coordinate")
    return apply("-", of.log_pi, costs if coordinates == ONE else rows_added(costs))


def _distance(here: Expr, t: Expr, mu: Expr, narrow: Expr) -> Expr:
    """(t - mu) / sigma, 0 where t is missing."""
    return _bounded(apply("*", choose(here, apply("-", t, mu), 0.0), narrow))


def _bounded(z: Expr) -> Expr:
    return apply("clip", z, number(-FARTHEST, z), number(FARTHEST, z))


def _halved(a: Expr) -> Expr:
    return apply("*", number(0.5, a), a)


def _bivariate(of: Mixture, r: Expr) -> Expr:
    """log pi_m + log N(t; mu_m, sigma_m, tanh r_m), (M); where one coordinate is missing, the other's own density."""
    value, components = of.network.value, entries(of.log_pi)
    both = value(Apply("min", (of.here,), Type(of.here.type.axes, ()), of.t.span), "both")
    r = value(choose(both, r, 0.0), "r", "r of rho = tanh r")
    z1, z2 = (value(_coordinate(of, k, components), f"z{k + 1}", "(t - mu) / sigma") for k in range(2))
    # 2 (z2 cosh r - z1 sinh r), without the difference of two large numbers
    up, down = (apply("exp", apply("min", e, number(STEEPEST, r))) for e in (r, apply("neg", r)))
    sheared = apply("+", apply("*", apply("-", z2, z1), up), apply("*", apply("+", z2, z1), down))
    across = value(_bounded(_halved(sheared)), "across", "(z2 - rho z1) / sqrt(1 - rho^2)")
    squares = apply("+", apply("square", z1), apply("square", across))
    twice = apply("*", number(2.0, r), r)
    spread = apply("+", apply("softplus", twice), apply("softplus", apply("neg", twice)))
    tilt = _halved(apply("-", spread, number(math.log(4.0), r)))  # -1/2 log(1 - rho^2)
    density = apply("+", apply("-", of.log_pi, _halved(squares)), tilt)
    for k in range(2):
        scale = apply("+", cut(of.log_sigma, k, components), number(HALF_LOG_TWO_PI, r))
        density = apply("-", density, choose(cut(of.here, k, ONE), scale, 0.0))
    return density


def _coordinate(of: Mixture, k: int, components: Size) -> Expr:
    mu, narrow = cut(of.mu, k, components), cut(of.narrow, k, components)
    return _distance(cut(of.here, k, ONE), cut(of.t, k, ONE), mu, narrow)


def _log_sum_exp(a: Expr, logarithms: Logarithms) -> Expr:
    """The largest taken out first: its own share of the gradient is 1 - 1."""
    if entries(a) == ONE:
        return total(a)
    largest = logarithms.value(Apply("max", (a,), Type(a.type.axes, ()), a.span), "largest")
    return apply("+", largest, apply("log", total(apply("exp", apply("-", a, largest)))))
