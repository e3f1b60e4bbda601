"""Families ranked by their fit to data: maximum likelihood, AIC, BIC, and whether the data contradict them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import tomli_w
from scipy import special

from engine.draws.distributions import scipy_catalogue
from engine.draws.limits import FARTHEST, LARGEST
from engine.errors import UserError, did_you_mean
from engine.fitting.likelihood import FAILURES, SEED, Form, anderson_darling, maximum, p_value, thinned

FEWEST = 8
"""Least number of values for a fit."""
REAL = (
    "normal", "logistic", "t", "laplace", "gumbel_r", "gumbel_l", "skewnorm", "genextreme", "uniform", "triangular",
)  # fmt: skip
POSITIVE = ("lognormal", "gamma", "weibull_min", "expon", "invgauss", "fisk", "pareto")
UNIT = ("beta", "logit-normal")
"""Families fitted by default: `REAL` to any data, `POSITIVE` to values above 0, `UNIT` to values between 0 and 1."""
OWN = {"normal": "norm", "lognormal": "lognorm", "triangular": "triang", "logit-normal": "johnsonsb"}
"""SciPy's names of families that have another name in a study."""

MOST = 50_000
"""Greatest number of values that are fitted; of more, a random sample.

Parameters are then known to half a percent of a standard deviation.
"""
LISTED = 100
"""Greatest number of values in the table of an empirical law that is printed."""
CONTRADICTED = 0.01
"""Greatest p-value at which the data contradict a family."""
FAR_SHAPE = 1e4
"""Absolute value of a shape beyond which a fit has run off to a limit of its family."""
ALIKE = 2.0
"""Difference in AIC up to which neither of two families is preferred.

Burnham and Anderson, Sociological Methods & Research 33 (2004) 261, doi:10.1177/0049124104268644.
"""

NOT_FITTED = {"vonmises", "vonmises_line", "wrapcauchy", "erlang", "irwinhall", "ksone", "kstwo"}
"""SciPy's continuous distributions of directions, and those with an integer shape."""


@dataclass(frozen=True)
class Fit:
    """One family fitted to one sample.

    Args:
      family: its name in a study; SciPy's where the study has no name of its own.
      parameters: by name, as a study gives them.
      k: number of fitted parameters.
      log_likelihood: maximum of the log likelihood.
      aic: 2 k - 2 log_likelihood (Akaike, IEEE Trans. Automatic Control 19 (1974) 716, doi:10.1109/TAC.1974.1100705).
      bic: k ln(n) - 2 log_likelihood (Schwarz, Annals of Statistics 6 (1978) 461, doi:10.1214/aos/1176344136).
      statistic: Anderson-Darling's A^2, without values that define an end of the support.
      p_value: (1 + number of resamples with a statistic at least as large) / (1 + resamples); NaN where not computed.
      resamples: number of resamples; the p-value is at least 1 / (1 + resamples).
      warnings: what to know before the distribution is used.
      failed: why there is no fit; all numbers are then NaN.
    """

    family: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    k: int = 0
    log_likelihood: float = math.nan
    aic: float = math.nan
    bic: float = math.nan
    statistic: float = math.nan
    p_value: float = math.nan
    resamples: int = 0
    warnings: tuple[str, ...] = ()
    failed: str = ""

    @property
    def contradicted(self) -> bool:
        """Whether the data contradict the family: p_value <= `CONTRADICTED`."""
        return self.p_value <= CONTRADICTED


def rank(
    values: np.ndarray, families: Sequence[str] = (), shifted: bool = False, source: str = "values"
) -> tuple[Fit, ...]:
    """Families by ascending AIC; those that could not be fitted last, with the reason.

    Families of positive values have loc fixed at 0. Families on [0, 1], except uniform and triangular, have loc fixed
    at 0 and scale at 1 if all data lie between these; otherwise both are fitted.

    Args:
      values: the sample.
      families: names of a study or of SciPy's continuous distributions; if empty, up to 19 that suit the data.
      shifted: whether to fit loc (and scale) for these families too.
      source: the name of the sample in errors.

    Raises:
      UserError: for fewer than 8 values, all equal, not all finite, or unknown names, all of them together.
    """
    x = np.sort(np.asarray(values, dtype=np.float64))
    _refuse_useless(x, source)
    if not families:
        families = (*REAL, *(POSITIVE if x[0] > 0 else ()), *(UNIT if x[0] > 0 and x[-1] < 1 else ()))
    with scipy_catalogue.quietly():
        fits = [_fit(name, x, shifted) for name in _canonical_names(families)]
    return tuple(sorted(fits, key=lambda fit: (bool(fit.failed), fit.aic)))


def at_most(values: np.ndarray) -> np.ndarray:
    """The values, or a random sample of 50,000 of them if there are more, the same in every call."""
    if len(values) <= MOST:
        return values
    return np.random.default_rng(SEED).choice(values, MOST, replace=False)


def remarks(values: np.ndarray) -> tuple[str, ...]:
    """Sentences, before any fit, on why a continuous distribution or the default families may not suit the data."""
    distinct, texts = len(np.unique(values)), []
    if np.all(values == np.round(values)) and distinct < len(values):
        texts.append(
            f"all values are whole numbers, {distinct:,} different ones. The law may be discrete, but only"
            " continuous laws are compared."
        )
    elif distinct < 0.5 * len(values):
        texts.append(
            f"only {distinct:,} of {len(values):,} values are different: rounded or repeated values make p-values too"
            " small."
        )
    if np.min(values) <= 0 < np.quantile(values, 0.05):
        texts.append("laws of positive values are left out, because a few values are 0 or below.")
    return tuple(texts)


def reading(fits: Sequence[Fit]) -> str:
    """Interpretation of a ranking in one or two sentences."""
    best, *others = (fit for fit in fits if not fit.failed)
    lowest = f"{best.family} has the lowest AIC"
    if best.contradicted:
        text = f"{lowest}, but the data contradict it ({p_text(best)}). Use the data themselves, family 'empirical'"
        if other := next((fit for fit in others if fit.p_value > CONTRADICTED), None):
            above = f"AIC {other.aic - best.aic:.1f} above"
            text += f", or {other.family}, which they do not contradict ({p_text(other)}, {above})"
        return f"{text}."
    if math.isfinite(best.p_value):
        text = f"{lowest}, and the data do not contradict it ({p_text(best)})."
    else:
        text = f"{lowest}, and whether it fits was not tested."
    if alike := [fit.family for fit in others if fit.aic - best.aic <= ALIKE and not fit.contradicted]:
        text += f" Within {ALIKE:g} of it, which is not a relevant difference: {', '.join(alike)}."
    return text


def p_text(fit: Fit) -> str:
    """p-value as text with its resolution: `p = 0.42`, `p <= 0.002`, or `no p`."""
    if not math.isfinite(fit.p_value):
        return "no p"
    least = fit.p_value * (fit.resamples + 1) < 1.5
    return f"p {'<=' if least else '='} {fit.p_value:.2g}"


def snippet(name: str, family: str, parameters: Mapping[str, float | str], source: str) -> str:
    """TOML table of a factor with this name, family and parameters; numbers in full precision."""
    return tomli_w.dumps({"factors": {name: {"family": family, **parameters, "source": source}}})


def data_snippet(name: str, values: np.ndarray, source: str) -> str:
    """TOML table of a factor whose law is that of the values: at most `LISTED` of them, at evenly spaced ranks."""
    few = thinned(np.sort(values), LISTED).tolist()
    if len(few) < len(values):
        source += f", {len(few)} of them at evenly spaced ranks"
    listed = textwrap.fill(f"values = {few}", 100)
    return snippet(name, "empirical", {}, source).replace("\nsource =", f"\n{listed}\nsource =", 1)


def _refuse_useless(x: np.ndarray, source: str) -> None:
    if not np.all(np.abs(x) <= LARGEST):
        raise UserError(source, [f"expected finite numbers alone, at most {LARGEST:.2g} in size, as a study takes."])
    if len(x) < FEWEST:
        raise UserError(source, [f"expected at least {FEWEST} numbers to fit a law to, got {len(x)}."])
    if x[0] == x[-1]:
        raise UserError(source, [f"all {len(x):,} are {x[0]:g}. Use family 'fixed', value = {float(x[0])!r}."])


def _canonical_names(families: Sequence[str]) -> dict[str, None]:
    """The families in the names of a study, each once; refuses those that cannot be fitted."""
    known = {*scipy_catalogue.continuous_names(), *OWN} - NOT_FITTED
    if problems := [
        f"family '{name}' cannot be fitted: expected a continuous law with real parameters.{did_you_mean(name, known)}"
        for name in families
        if name not in known
    ]:
        raise UserError("--families", problems)
    ours = {law: name for name, law in OWN.items() if name != "logit-normal"}
    return dict.fromkeys(ours.get(name, name) for name in families)


def _form(name: str, x: np.ndarray, shifted: bool) -> Form:
    """The distribution with its fixed parameters, as `rank` describes; ValueError if the data are out of its range."""
    form, inside = Form(OWN.get(name, name), {}), x[0] > 0 and x[-1] < 1
    if name == "logit-normal":
        if not inside:
            raise ValueError(f"needs values between 0 and 1; these range from {x[0]:g} to {x[-1]:g}.")
        return Form("johnsonsb", {"loc": 0.0, "scale": 1.0})  # x in (0, 1), and a + b logit(x) standard normal
    if shifted or name in ("uniform", "triangular") or (form.law.a < 0 and name != "loguniform"):
        return form
    if math.isfinite(form.law.b):
        return Form(form.name, {"loc": 0.0, "scale": 1.0}) if inside else form
    if x[0] < 0 or (x[0] == 0 and name != "expon"):
        raise ValueError(f"needs values above 0, and the smallest is {x[0]:g}. --shifted fits loc, too.")
    return Form(form.name, {"loc": 0.0})


def _fit(name: str, x: np.ndarray, shifted: bool) -> Fit:
    try:
        form = _form(name, x, shifted)
        z, move, unit = form.standardised(x)
        best = maximum(form, z)
        top = form.log_likelihood(z, best) - len(x) * math.log(unit)
        *shapes, loc, scale = best
        row = (*shapes, move + unit * loc, unit * scale)
        warnings = _warnings(form, row)
        statistic = float(anderson_darling(form, form.law(*best), z))
        if not np.all(np.isfinite([top, statistic, *best])):
            raise ValueError("under it some values have no probability in double precision.")
    except FAILURES as error:
        return Fit(name, failed=str(error) or type(error).__name__)
    try:
        p, resamples = p_value(form, z, best, statistic)
    except FAILURES as error:
        p, resamples, warnings = math.nan, 0, (*warnings, f"no p-value: {error}")
    family, parameters = _in_a_study(form, row)
    k = len(row) - len(form.fixed)
    return Fit(
        family, parameters, k, top, 2 * k - 2 * top, k * math.log(len(x)) - 2 * top, statistic, p, resamples, warnings
    )


def _in_a_study(form: Form, row: Sequence[float]) -> tuple[str, dict[str, float]]:
    """Name and parameters of a law as a study gives them."""
    *shapes, loc, scale = row
    match form.name:
        case "norm":
            return "normal", {"mean": loc, "sd": scale}
        case "uniform":
            return "uniform", {"low": loc, "high": loc + scale}
        case "triang":
            return "triangular", {"low": loc, "mode": loc + shapes[0] * scale, "high": loc + scale}
        case "lognorm" if loc == 0:
            return "lognormal", {"median": scale, "sigma": shapes[0]}
        case "johnsonsb" if loc == 0 and scale == 1:
            a, b = shapes
            return "logit-normal", {"median": float(special.expit(-a / b)), "sigma": 1 / b}
    return form.name, dict(zip(scipy_catalogue.parameter_names(form.name), row, strict=True))


def _warnings(form: Form, row: Sequence[float]) -> tuple[str, ...]:
    law = form.law(*row)
    mean, sd = float(law.mean()), float(law.std())
    texts = []
    if not math.isfinite(mean):
        texts.append("its mean is infinite, so means and ES of dependent outcomes do not converge.")
    elif not math.isfinite(sd):
        texts.append("its standard deviation is infinite, so means converge slowly and intervals are too narrow.")
    if not np.all(np.abs(law.ppf(special.ndtr([-FARTHEST, FARTHEST]))) <= LARGEST):
        texts.append("its extreme draws exceed single precision, so a study refuses it.")
    ends = [f"{end:.4g}" for end in law.support() if math.isfinite(end)]
    if ends and (not form.fixed or form.name == "pareto"):
        own = f"it ends at {' and '.join(ends)}, from the data's own ends"
        texts.append(f"{own}. No draw lies beyond it, and AIC is approximate.")
    far = [
        (shape, value)
        for shape, value in zip(scipy_catalogue.shapes(form.name), row, strict=False)
        if abs(value) > FAR_SHAPE
    ]
    return (*texts, *(f"{shape} diverges to {value:.1g}, so a simpler law fits as well." for shape, value in far))
