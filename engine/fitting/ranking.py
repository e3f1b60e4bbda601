"""Families ranked by their fit to data: maximum likelihood, AIC, BIC, and whether the data contradict them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import tomli_w
from scipy import special

from engine.draws.distributions import scipy_catalogue
from engine.draws.limits import FARTHEST, LARGEST
from engine.errors import UserError, unknown
from engine.fitting.goodness import SEED, anderson_darling, p_value
from engine.fitting.likelihood import FAILURES, Failed, Form, maximum

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

SECONDS = 5.0
"""Computing time that one family may take for its fit, and again for its p-value [s]."""
MOST = 50_000
"""Greatest number of values that are fitted; of more, a random sample.

Parameters are then known to half a percent of a standard deviation.
"""
CONTRADICTED = 0.01
"""Greatest p-value at which the data contradict a family."""
FAR_SHAPE = 1e4
"""Absolute value of a shape beyond which a fit has run off to a limit of its family."""
ALIKE = 2.0
"""Difference in AIC up to which neither of two families is preferred.

Burnham and Anderson, Sociological Methods & Research 33 (2004) 261, doi:10.1177/0049124104268644.
"""

_DIRECTIONS = {"vonmises", "vonmises_line", "wrapcauchy"}


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
      how: how the p-value was computed, or why it was not.
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
    how: str = ""
    warnings: tuple[str, ...] = ()
    failed: str = ""

    @property
    def contradicted(self) -> bool:
        """Whether the data contradict the family: p_value <= `CONTRADICTED`."""
        return self.p_value <= CONTRADICTED


def rank(values: np.ndarray, families: Sequence[str] = (), shifted: bool = False) -> tuple[Fit, ...]:
    """Families by ascending AIC; those that could not be fitted last, with the reason.

    Families of positive values have loc fixed at 0. Families on [0, 1], except uniform and triangular, have loc fixed
    at 0 and scale at 1 if all data lie between these; otherwise both are fitted.

    Args:
      values: the sample.
      families: names of a study or of SciPy's continuous distributions; if empty, up to 19 that suit the data.
      shifted: whether to fit loc (and scale) for these families too.

    Raises:
      UserError: for fewer than 8 values, all equal, not all finite, or unknown names, all of them together.
    """
    x = np.sort(np.asarray(values, dtype=np.float64))
    _refuse_useless(x)
    if not families:
        families = (*REAL, *(POSITIVE if x[0] > 0 else ()), *(UNIT if x[0] > 0 and x[-1] < 1 else ()))
    forms = {name: _form(name, x, shifted) for name in _canonical_names(families)}
    with scipy_catalogue.quietly():
        fits = [_fit(name, form, x) for name, form in forms.items()]
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
            f"all values are whole numbers, {distinct:,} different ones: a law of counts may be meant, and only"
            " continuous ones are compared here."
        )
    elif distinct < 0.5 * len(values):
        texts.append(
            f"only {distinct:,} of {len(values):,} values are different: rounded or repeated values make p-values too"
            " small."
        )
    if np.min(values) <= 0 < np.quantile(values, 0.05):
        texts.append("a few values are 0 or below: laws of positive values are left out because of them.")
    return tuple(texts)


def reading(fits: Sequence[Fit]) -> str:
    """Interpretation of a ranking in one or two sentences."""
    best, *others = (fit for fit in fits if not fit.failed)
    lowest, known = f"{best.family} has the lowest AIC", f"({p_text(best)})"
    if best.contradicted:
        use = f"and the data contradict it {known}. Use the data themselves, family 'empirical'"
        text = f"No family fits: {best.family} is the best by AIC, {use}."
        if other := next((fit for fit in others if fit.p_value > CONTRADICTED), None):
            text = (
                f"The best family does not fit: {lowest}, {use}, or {other.family}, which they do not contradict"
                f" ({p_text(other)}, AIC {other.aic - best.aic:.1f} above)."
            )
    else:
        tested = math.isfinite(best.p_value)
        verdict = f"the data do not contradict it {known}" if tested else "whether it fits was not tested"
        text = f"{lowest}, and {verdict}."
        if alike := [fit.family for fit in others if fit.aic - best.aic <= ALIKE and not fit.contradicted]:
            text += f" Within {ALIKE:g} of it, which is no difference: {', '.join(alike)}."
    late = [fit.family for fit in fits if fit.failed.endswith("too long.")]
    return f"{text} Not tried to the end: {', '.join(late)}." if late else text


def p_text(fit: Fit) -> str:
    """p-value as text with its resolution: `p = 0.42`, `p <= 0.002`, or `no p`."""
    if not math.isfinite(fit.p_value):
        return "no p"
    least = fit.p_value * (fit.resamples + 1) < 1.5
    return f"p {'<=' if least else '='} {fit.p_value:.2g}"


def snippet(name: str, family: str, parameters: Mapping[str, float | str], source: str) -> str:
    """TOML table of a factor with this name, family and parameters; numbers in full precision."""
    return tomli_w.dumps({"factors": {name: {"family": family, **parameters, "source": source}}})


def _refuse_useless(x: np.ndarray) -> None:
    if not np.all(np.abs(x) <= LARGEST):
        raise UserError("values", [f"expected finite numbers alone, at most {LARGEST:.2g} in size, as a study takes."])
    if len(x) < FEWEST:
        raise UserError("values", [f"expected at least {FEWEST} numbers to fit a law to, got {len(x)}."])
    if x[0] == x[-1]:
        raise UserError("values", [f"all {len(x):,} are {x[0]:g}. Use family 'fixed', value = {float(x[0])!r}."])


def _canonical_names(families: Sequence[str]) -> dict[str, None]:
    """The families in the names of a study, each once; refuses those that cannot be fitted."""
    known = {*scipy_catalogue.continuous_names(), *OWN} - _DIRECTIONS
    out = {name: f"'{name}' cannot be a prior: {reason}" for name, reason in scipy_catalogue.LEFT_OUT.items()}
    for names, reason in (
        (("fixed", "empirical"), "has no parameters to fit. Leave it out."),
        (_DIRECTIONS, "is a law of directions, not of numbers. Leave it out."),
        (scipy_catalogue.discrete_names(), "is a law of whole numbers, and only continuous ones are compared."),
    ):
        out |= {name: f"'{name}' {reason}" for name in names}
    problems = [out.get(name) or unknown("family", name, known) for name in families if name not in known]
    if problems:
        raise UserError("--families", problems)
    ours = {law: name for name, law in OWN.items() if name != "logit-normal"}
    return dict.fromkeys(ours.get(name, name) for name in families)


def _form(name: str, x: np.ndarray, shifted: bool) -> Form:
    """The distribution with its fixed parameters, as `rank` describes."""
    if name == "logit-normal":
        return Form("johnsonsb", loc=0.0, scale=1.0)  # x in (0, 1), and a + b logit(x) standard normal
    form = Form(OWN.get(name, name))
    low, high = form.law.a, form.law.b
    if shifted or name in ("uniform", "triangular") or not (low >= 0 or form.name == "loguniform"):
        return form
    if math.isfinite(high):
        return Form(form.name, loc=0.0, scale=1.0) if x[0] > 0 and x[-1] < 1 else form
    return Form(form.name, loc=0.0)


def _fit(name: str, form: Form, x: np.ndarray) -> Fit:
    if form.loc == 0 and (x[0] < 0 or (x[0] == 0 and form.name != "expon")):
        remedy = "" if name in OWN and name != "lognormal" else " --shifted fits loc, too."
        return Fit(name, failed=f"needs values above 0, and the smallest is {x[0]:g}.{remedy}")
    if form.scale == 1 and x[-1] >= 1:
        return Fit(name, failed=f"needs values below 1, and the largest is {x[-1]:g}.")
    z, move, unit = form.standardised(x)
    try:
        best = maximum(form, z, time.thread_time() + SECONDS)
        top = form.log_likelihood(z, best) - len(x) * math.log(unit)
        statistic = float(anderson_darling(form, form.law(*best), z))
        if not np.all(np.isfinite([top, statistic, *best])):
            raise Failed("under it some values have no probability in double precision.")
    except FAILURES as error:
        return Fit(name, failed=_reason(error))
    try:
        p, resamples, how = p_value(form, z, best, statistic, time.thread_time() + SECONDS)
    except FAILURES as error:
        p, resamples, how = math.nan, 0, f"no p-value: {_reason(error)}"
    *shapes, loc, scale = best
    row = (*shapes, move + unit * loc, unit * scale)
    family, parameters = _in_a_study(form, row)
    k = len(row) - len(form.fixed)
    return Fit(
        family, parameters, k, top, 2 * k - 2 * top, k * math.log(len(x)) - 2 * top,
        statistic, p, resamples, how, _warnings(form, row),
    )  # fmt: skip


def _reason(error: Exception) -> str:
    own = isinstance(error, Failed)
    return str(error) if own else f"SciPy cannot fit it: {type(error).__name__}: {error}"


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
    return form.name, dict(zip((*form.shapes, "loc", "scale"), row, strict=True))


def _warnings(form: Form, row: Sequence[float]) -> tuple[str, ...]:
    law = form.law(*row)
    mean, sd = float(law.mean()), float(law.std())
    texts = []
    if not math.isfinite(mean):
        texts.append("its mean is infinite: means and ES of what depends on it do not settle.")
    elif not math.isfinite(sd):
        texts.append("its standard deviation is infinite: means settle slowly, and intervals are too narrow.")
    if not np.all(np.abs(law.ppf(special.ndtr([-FARTHEST, FARTHEST]))) <= LARGEST):
        texts.append("its far draws are beyond single precision: a study refuses it.")
    ends = [f"{end:.4g}" for end in law.support() if math.isfinite(end)]
    if ends and (form.loc is None or form.name == "pareto"):
        own = f"it ends at {' and '.join(ends)}, from the data's own ends"
        texts.append(f"{own}: nothing beyond is drawn, and AIC is approximate.")
    far = [(shape, value) for shape, value in zip(form.shapes, row, strict=False) if abs(value) > FAR_SHAPE]
    return (*texts, *(f"{shape} ran off, to {value:.1g}: a simpler law fits as well." for shape, value in far))
