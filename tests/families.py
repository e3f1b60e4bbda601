"""A table for tests: members of every family that a study may name, with SciPy's law of each where SciPy has one."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special, stats

from engine.draws.distributions.law import Law
from engine.draws.distributions.prior import prior
from engine.draws.distributions.scipy_catalogue import shapes

CONTINUOUS: dict[str, list[tuple[float, ...]]] = {
    "alpha": [(3.5,)], "anglit": [()], "arcsine": [()], "argus": [(1.0,)], "beta": [(2, 5), (0.5, 0.5), (40, 0.7)],
    "betaprime": [(5, 6), (0.5, 1.5)], "bradford": [(0.3,)], "burr": [(10.5, 4.3)], "burr12": [(10, 4)],
    "cauchy": [()], "chi": [(2,), (78,)], "chi2": [(1,), (55,)], "cosine": [()], "crystalball": [(2, 3)],
    "dgamma": [(1.1,)], "dpareto_lognorm": [(3, 1.2, 1.5, 2)], "dweibull": [(2.07,)], "erlang": [(10,)],
    "expon": [()], "exponnorm": [(1.5,)], "exponpow": [(2.7,)], "exponweib": [(2.9, 1.95)], "f": [(29, 18), (2, 3)],
    "fatiguelife": [(2,), (29,)], "fisk": [(3.1,)], "foldcauchy": [(4.7,)], "foldnorm": [(1.95,)],
    "gamma": [(2,), (0.3,), (200,)], "gausshyper": [(13.8, 3.1, 2.5, 5.2)], "genexpon": [(9.1, 16.2, 3.3)],
    "genextreme": [(-0.1,), (0.2,), (-0.6,)], "gengamma": [(4.4, 3.1), (4.4, -3.1)], "genhalflogistic": [(0.77,)],
    "genhyperbolic": [(0.5, 1.5, -0.5)], "geninvgauss": [(2.3, 1.5)], "genlogistic": [(0.41,)], "gennorm": [(1.3,)],
    "genpareto": [(0.1,), (-0.3,), (1.2,)], "gibrat": [()], "gompertz": [(0.95,)], "gumbel_l": [()], "gumbel_r": [()],
    "halfcauchy": [()], "halfgennorm": [(0.67,)], "halflogistic": [()], "halfnorm": [()], "hypsecant": [()],
    "invgamma": [(4.1,)], "invgauss": [(0.15,), (3,)], "invweibull": [(10.6,)], "irwinhall": [(10,)],
    "jf_skew_t": [(8, 4)], "johnsonsb": [(4.3, 3.2)], "johnsonsu": [(2.6, 2.2)], "kappa3": [(1,)],
    "kappa4": [(0, 0), (-0.1, 0.1)], "ksone": [(1000,)], "kstwo": [(10,)], "kstwobign": [()], "landau": [()],
    "laplace": [()], "laplace_asymmetric": [(2,)], "levy": [()], "levy_l": [()], "loggamma": [(0.41,)],
    "logistic": [()], "loglaplace": [(3.25,)], "lognorm": [(0.95,)], "loguniform": [(0.01, 1.25)], "lomax": [(1.9,)],
    "maxwell": [()], "mielke": [(10.4, 4.6)], "moyal": [()], "nakagami": [(5,)], "ncf": [(27, 27, 0.42)],
    "nct": [(14, 0.24)], "ncx2": [(21, 1.06)], "norm": [()], "norminvgauss": [(1.25, 0.5)], "pareto": [(2.6,), (1,)],
    "pearson3": [(0.1,), (-2,)], "powerlaw": [(1.66,), (0.66,)], "powerlognorm": [(2.1, 0.45)], "powernorm": [(4.4,)],
    "rayleigh": [()], "rdist": [(1.6,)], "recipinvgauss": [(0.63,)], "reciprocal": [(0.01, 1.25)],
    "rel_breitwigner": [(36.5,)], "rice": [(0.77,)], "semicircular": [()], "skewcauchy": [(0.5,)], "skewnorm": [(4,)],
    "t": [(2.7,), (1,), (30,)], "trapezoid": [(0.2, 0.8)], "triang": [(0.16,)], "truncexpon": [(4.7,)],
    "truncnorm": [(-1.1, 2.7), (0.1, 2)], "truncpareto": [(1.8, 5.3)], "truncweibull_min": [(2.5, 0.25, 1.75)],
    "tukeylambda": [(3.1,), (-0.2,)], "uniform": [()], "vonmises": [(4,)], "vonmises_line": [(4,)], "wald": [()],
    "weibull_max": [(2.9,)], "weibull_min": [(1.8,), (0.5,)], "wrapcauchy": [(0.03,)],
}  # fmt: skip
"""SciPy's name -> shapes of members; location and scale are those of `PLACED`."""
DISCRETE: dict[str, list[tuple[float, ...]]] = {
    "bernoulli": [(0.3,)], "betabinom": [(5, 2.3, 0.63)], "betanbinom": [(5, 9.3, 1)],
    "binom": [(5, 0.4), (1000, 0.02)], "boltzmann": [(1.4, 19)], "dlaplace": [(0.8,)], "geom": [(0.5,), (0.01,)],
    "hypergeom": [(30, 12, 6)], "logser": [(0.6,)], "nbinom": [(0.4, 0.4), (5, 0.5)],
    "nchypergeom_fisher": [(140, 80, 60, 0.5)], "nchypergeom_wallenius": [(140, 80, 60, 0.5)],
    "nhypergeom": [(20, 7, 1)], "planck": [(0.51,)], "poisson": [(0.6,), (3,), (3000,)], "randint": [(7, 31)],
    "skellam": [(15, 8)], "yulesimon": [(11,)], "zipf": [(6.6,)], "zipfian": [(0.75, 15)],
}  # fmt: skip
SLOW = {
    "dpareto_lognorm", "gausshyper", "genhyperbolic", "geninvgauss", "irwinhall", "kappa4", "ksone", "kstwo",
    "nchypergeom_fisher", "nchypergeom_wallenius", "norminvgauss", "recipinvgauss", "rel_breitwigner", "vonmises",
    "vonmises_line",
}  # fmt: skip
"""Laws whose quantiles take SciPy milliseconds each."""
MISTAKEN = "levy_l"
"""SciPy's quantiles of it lose digits in its heavy tail; it is compared with those of its mirror image instead."""
PLACED = {"lognorm": (-1.0, 2.0), "gamma": (3.0, 0.25), "t": (10.0, 3.0), "beta": (-2.0, 5.0), "uniform": (1.0, 3.0)}
"""Location and scale of some members; all others have 0 and 1."""

_DATA = [-2.0, -0.5, 0.25, 0.25, 1.0, 4.0, 4.5, 9.0]
_NORMAL = {"family": "normal", "mean": 1.0, "sd": 2.0}
_EXPERTS = [{"range90": [1, 5]}, {"range90": [2, 9], "weight": 2}]
OWN: dict[str, tuple[dict[str, Any], Any]] = {
    "closed uniform": ({"family": "uniform", "low": 10, "high": 15}, stats.uniform(10, 5)),
    "closed normal": (_NORMAL, stats.norm(1, 2)),
    "closed lognormal": ({"family": "lognormal", "median": 3, "sigma": 0.46}, stats.lognorm(0.46, scale=3)),
    "logit-normal": (
        {"family": "logit-normal", "median": 0.03, "sigma": 0.6},
        stats.johnsonsb(-special.logit(0.03) / 0.6, 1 / 0.6),
    ),
    "triangular": ({"family": "triangular", "low": 1, "mode": 2, "high": 5}, stats.triang(0.25, 1, 4)),
    "triangular falling": ({"family": "triangular", "low": 0, "mode": 0, "high": 2}, stats.triang(0.0, 0, 2)),
    "triangular rising": ({"family": "triangular", "low": 0, "mode": 2, "high": 2}, stats.triang(1.0, 0, 2)),
    "pert": ({"family": "pert", "low": 2, "mode": 3, "high": 7}, stats.beta(1.8, 4.2, 2, 5)),
    "integers": ({"family": "integers", "low": 1, "high": 6}, stats.randint(1, 7)),
    "plain names": ({"family": "negative-binomial", "n": 5, "p": 0.5}, stats.nbinom(5, 0.5)),
    "metalog": ({"family": "metalog", "p10": 1, "p50": 2, "p90": 5}, None),
    "metalog from 0": ({"family": "metalog", "p10": 1, "p50": 2, "p90": 5, "low": 0}, None),
    "metalog from 0 to 1": ({"family": "metalog", "p10": 0.2, "p50": 0.3, "p90": 0.7, "low": 0, "high": 1}, None),
    "empirical": ({"family": "empirical", "values": _DATA}, None),
    "resampled": ({"family": "empirical", "values": _DATA, "resampled": True}, None),
    "categories": (
        {"family": "categories", "labels": ["a", "b", "c"], "weights": [1, 2, 5]},
        stats.rv_discrete(values=([0, 1, 2], [0.125, 0.25, 0.625])),
    ),
    "mixture": ({"family": "mixture", "parts": [_NORMAL, {"family": "gamma", "a": 2, "weight": 3}]}, None),
    "mixture apart": (
        {
            "family": "mixture",
            "parts": [{"family": "normal", "mean": 0, "sd": 1}, {"family": "normal", "mean": 100, "sd": 1}],
        },
        None,
    ),
    "mixture with an atom": (
        {"family": "mixture", "parts": [{"family": "fixed", "value": 0, "weight": 0.3}, {"family": "gamma", "a": 2}]},
        None,
    ),
    "mixture of numbers": (
        {"family": "mixture", "parts": [{"family": "poisson", "mu": 3}, {"family": "integers", "low": 10, "high": 12}]},
        None,
    ),
    "truncated": (_NORMAL | {"truncate": {"low": 0}}, stats.truncnorm(-0.5, np.inf, 1, 2)),
    "truncated far": (_NORMAL | {"truncate": {"low": 9, "high": 12}}, stats.truncnorm(4, 5.5, 1, 2)),
    "truncated numbers": ({"family": "poisson", "mu": 3, "truncate": {"low": 1, "high": 5}}, None),
    "exp": (_NORMAL | {"transform": ["exp"]}, stats.lognorm(2, scale=np.e)),
    "log": ({"family": "lognorm", "s": 0.5, "transform": ["log"]}, stats.norm(0, 0.5)),
    "times": ({"family": "gamma", "a": 2, "transform": [{"times": -3}, {"plus": 1}]}, None),
    "power": ({"family": "expon", "transform": [{"power": 0.5}]}, stats.weibull_min(2)),
    "falling power": ({"family": "gamma", "a": 3, "transform": [{"power": -1}]}, stats.invgamma(3)),
    "numbers falling": ({"family": "poisson", "mu": 3, "transform": [{"times": -2}]}, None),
    "experts": ({"family": "normal", "experts": _EXPERTS}, None),
    "experts by quantile": ({"family": "gamma", "loc": 0, "experts": _EXPERTS, "pool": "quantile"}, None),
}
"""Name of a member here -> a study's table of it, and SciPy's law where SciPy has it."""


def named_table(name: str, given: tuple[float, ...]) -> Mapping[str, Any]:
    """A study's table of one of SciPy's laws."""
    table = {"family": name} | dict(zip(shapes(name), given, strict=True))
    if name in PLACED:
        table |= dict(zip(("loc", "scale"), PLACED[name], strict=True))
    return table


def scipys(name: str, given: tuple[float, ...]) -> Any:
    """SciPy's own law."""
    return getattr(stats, name)(*given, *PLACED.get(name, ()))


NAMES = [
    f"{name}{list(given) or ''}" for table in (CONTINUOUS, DISCRETE) for name in table for given in table[name]
] + list(OWN)
"""Names of all members."""
TYPICAL = [
    "beta[0.5, 0.5]", "cauchy", "expon", "gamma[0.3]", "gamma[2]", "genpareto[-0.3]", "genpareto[1.2]", "laplace",
    "levy", "levy_l", "lognorm[0.95]", "norm", "pareto[1]", "t[1]", "t[2.7]", "uniform", "weibull_min[0.5]",
    "bernoulli[0.3]", "geom[0.01]", "poisson[3]", "poisson[3000]", "randint[7, 31]", *OWN,
]  # fmt: skip
"""Members that the default run tests, one or two of each kind: bounded, heavy on either side, without a mean, ..."""
LATE = [name for name in NAMES if name.split("[")[0] in SLOW]
OTHERS = [name for name in NAMES if name not in {*TYPICAL, *LATE}]


@functools.cache
def member(name: str) -> tuple[Law, Any]:
    """A member's law, and SciPy's, None where it has none."""
    if name in OWN:
        table, law = OWN[name]
        return prior(table).law, law
    head = name.split("[")[0]
    for given in CONTINUOUS.get(head) or DISCRETE[head]:
        if name == f"{head}{list(given) or ''}":
            return prior(named_table(head, given)).law, scipys(head, given)
    raise KeyError(name)
