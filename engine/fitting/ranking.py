"""Families ranked by how well they fit data: maximum likelihood, AIC, BIC, and whether the data contradict the best of them."""

from __future__ import annotations

import json
import math
import re
import time
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import special

from engine.draws.distributions.law import LARGEST
from engine.draws.distributions.scipy_catalogue import LEFT_OUT
from engine.draws.random_words import FARTHEST
from engine.errors import Problem, UserError, unknown
from engine.fitting.likelihood import Failed, Form, maxima, maximum, refuse_slow

FEWEST = 8
"""Values that a fit needs."""
REAL = (
    "normal", "logistic", "t", "laplace", "gumbel_r", "gumbel_l", "skewnorm", "genextreme", "uniform", "triangular",
)  # fmt: skip
POSITIVE = ("lognormal", "gamma", "weibull_min", "expon", "invgauss", "fisk", "pareto")
UNIT = ("beta", "logit-normal")
"""What is fitted if nothing is asked for: to any data, to values above 0, and to values between 0 and 1."""
OWN = {"normal": "norm", "lognormal": "lognorm", "triangular": "triang", "logit-normal": "johnsonsb"}
"""Names of ours for laws of SciPy."""

SEED = 2016
RESAMPLES = 199, 999, 499
"""Resamples behind a p-value: first, and where they leave open whether it is small, up to 250 values and above."""
OPEN = range(1, 20)
"""How many of the first resamples may reach the data's statistic for it to be open: p from 0.01 to 0.1."""
RESAMPLED = 1_000
"""Values in a resample at most: from there on the law of the statistic does not change any more."""
SECONDS = 5.0
"""Seconds of computing that one family may take for its fit, and again for its p-value."""
MOST = 50_000
"""Values that are fitted: of more, so many at random. Parameters are then known to half a percent of a standard deviation."""
CONTRADICTED = 0.01
"""A p-value below: the data contradict the family."""
ALIKE = 2.0
"""A difference in AIC up to which nothing speaks for one family over another (Burnham and Anderson, Sociological Methods &
Research 33 (2004) 261, doi:10.1177/0049124104268644)."""

_ENDS = {
    "uniform": (1, 1),
    "pareto": (1, 0),
}  # values that a maximum in closed form puts at an end of the support
_NOT_LAWS = {"vonmises", "vonmises_line", "wrapcauchy"}


@dataclass(frozen=True)
class Fit:
    """One family fitted to one sample.

    Args:
      family: its name in a study: ours where we have the law, else SciPy's.
      parameters: as a study gives them, by name.
      k: how many were fitted.
      log_likelihood: its maximum, natural logarithm.
      aic: 2 k - 2 log_likelihood (Akaike, IEEE Trans. Automatic Control 19 (1974) 716, doi:10.1109/TAC.1974.1100705).
      bic: k ln(n) - 2 log_likelihood (Schwarz, Annals of Statistics 6 (1978) 461, doi:10.1214/aos/1176344136).
      statistic: Anderson and Darling's A^2; values at an end of the support that they define are left out.
      p_value: share of resamples whose statistic is no smaller, itself counted: (1 + count) / (1 + resamples); NaN without.
      resamples: how many; the p-value is at least 1 / (1 + resamples).
      how: how the p-value was got, or why it was not.
      warnings: what to know before the law is used.
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
        """Whether the data contradict it."""
        return self.p_value < CONTRADICTED


def rank(values: np.ndarray, families: Sequence[str] = (), shifted: bool = False) -> tuple[Fit, ...]:
    """Families by AIC, the best first; those that could not be fitted last, with the reason.

    Laws of positive values have loc held at 0, those between 0 and 1 also their scale at 1 if the data are between them.

    Args:
      families: names of ours or of SciPy's continuous laws; if there are none, about 17 that suit the data.
      shifted: loc (and scale) are fitted for these, too.

    Raises:
      UserError: fewer than 8 values, all the same, not all finite, or a name that is no family's; all unknown names together.
    """
    x = np.sort(np.asarray(values, dtype=np.float64))
    _refuse_useless(x)
    if not families:
        families = (*REAL, *(POSITIVE if x[0] > 0 else ()), *(UNIT if x[0] > 0 and x[-1] < 1 else ()))
    forms = {name: _form(name, x, shifted) for name in _known(families)}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # SciPy's, on the way to the top; what it gives is judged instead
        fits = [_fit(name, form, x) for name, form in forms.items()]
    return tuple(sorted(fits, key=lambda fit: (bool(fit.failed), fit.aic)))


def at_most(values: np.ndarray) -> np.ndarray:
    """The values, or 50,000 of them at random where there are more: always the same ones, each with the same chance."""
    if len(values) <= MOST:
        return values
    return np.random.default_rng(SEED).choice(values, MOST, replace=False)


def remarks(values: np.ndarray) -> tuple[str, ...]:
    """What speaks against a continuous law, or against what is tried, before anything is fitted."""
    distinct, found = len(np.unique(values)), []
    if np.all(values == np.round(values)) and distinct < len(values):
        found.append(
            f"all values are whole numbers, {distinct:,} different ones: a law of counts may be meant, and only continuous "
            "ones are compared here."
        )
    elif distinct < 0.5 * len(values):
        found.append(
            f"only {distinct:,} of {len(values):,} values are different: rounded or repeated values make p-values too small."
        )
    if np.min(values) <= 0 < np.quantile(values, 0.05):
        found.append("a few values are 0 or below: laws of positive values are left out because of them.")
    return tuple(found)


def reading(fits: Sequence[Fit]) -> str:
    """What a ranking means, in a sentence or two."""
    late = [fit.family for fit in fits if fit.failed.endswith(("too long.", "too slow."))]
    return _reading([fit for fit in fits if not fit.failed]) + (
        f" Not tried to the end: {', '.join(late)}." if late else ""
    )


def _reading(fits: Sequence[Fit]) -> str:
    best, *others = fits
    if best.contradicted:
        other = next((fit for fit in others if fit.p_value >= CONTRADICTED), None)
        if other is None:
            return f"No family fits: {best.family} is the best by AIC, and the data contradict it ({told_p(best)}). Use the data themselves, family 'empirical'."
        return (
            f"The best family does not fit: {best.family} has the lowest AIC, and the data contradict it ({told_p(best)}). Use the "
            f"data themselves, family 'empirical', or {other.family}, which they do not contradict ({told_p(other)}, AIC "
            f"{other.aic - best.aic:.1f} above)."
        )
    alike = [fit.family for fit in others if fit.aic - best.aic <= ALIKE and not fit.contradicted]
    tested = (
        f"the data do not contradict it ({told_p(best)})"
        if math.isfinite(best.p_value)
        else "whether it fits was not tested"
    )
    same = f" Within {ALIKE:g} of it, which is no difference: {', '.join(alike)}." if alike else ""
    return f"{best.family} has the lowest AIC, and {tested}.{same}"


def told_p(fit: Fit) -> str:
    """The p-value with its resolution: `p = 0.42`, `p <= 0.002`, or `no p`."""
    if not math.isfinite(fit.p_value):
        return "no p"
    least = fit.p_value * (fit.resamples + 1) < 1.5
    return f"p {'<=' if least else '='} {fit.p_value:.2g}"


def snippet(fit: Fit, name: str, source: str) -> str:
    """The table of a factor of that name with this law, as TOML; numbers in full."""
    lines = [_head(name), f"family = {_string(fit.family)}"]
    lines += [f"{key} = {float(value)!r}" for key, value in fit.parameters.items()]
    return "\n".join([*lines, f"source = {_string(source)}"]) + "\n"


def empirical_snippet(file: str, column: str, name: str, source: str) -> str:
    """The table of a factor that is drawn from the data themselves, as TOML."""
    lines = ['family = "empirical"', f"file = {_string(file)}", f"column = {_string(column)}"]
    return "\n".join([_head(name), *lines, f"source = {_string(source)}"]) + "\n"


def _head(name: str) -> str:
    return f"[factors.{name if re.fullmatch(r'[A-Za-z0-9_-]+', name) else _string(name)}]"


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _refuse_useless(x: np.ndarray) -> None:
    if not np.all(np.isfinite(x)):
        raise UserError("values", ["expected finite numbers alone."])
    if len(x) < FEWEST:
        raise UserError("values", [f"expected at least {FEWEST} numbers to fit a law to, got {len(x)}."])
    if x[0] == x[-1]:
        raise UserError(
            "values", [f"all {len(x):,} are {x[0]:g}. Use family 'fixed', value = {float(x[0])!r}."]
        )


def _known(families: Sequence[str]) -> tuple[str, ...]:
    from scipy import stats

    kind = stats.rv_continuous
    there = {name for name in dir(stats) if isinstance(getattr(stats, name), kind)} - _NOT_LAWS - {*LEFT_OUT}
    ours = {own: name for name, own in OWN.items() if name != "logit-normal"}
    problems = []
    for name in families:
        if name in ("fixed", "empirical"):
            problems.append(Problem("", f"'{name}' has no parameters to fit. Leave it out."))
        elif name in _NOT_LAWS:
            problems.append(Problem("", f"'{name}' is a law of directions, not of numbers. Leave it out."))
        elif name in LEFT_OUT:
            problems.append(Problem("", f"'{name}' cannot be a prior: {LEFT_OUT[name]}"))
        elif name not in OWN and isinstance(getattr(stats, name, None), stats.rv_discrete):
            problems.append(
                Problem("", f"'{name}' is a law of whole numbers, and only continuous ones are compared.")
            )
        elif name not in OWN and name not in there:
            problems.append(Problem("", unknown("family", name, {*there, *OWN})))
    if problems:
        raise UserError("--families", problems)
    return tuple(dict.fromkeys(ours.get(name, name) for name in families))


def _form(name: str, x: np.ndarray, shifted: bool) -> Form:
    """What of a law is fitted."""
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
    try:
        best = maximum(form, x, time.thread_time() + SECONDS)
        top = float(form.log_likelihood(x[None], best[None])[0])
        if not (math.isfinite(top) and np.all(np.isfinite(best))):
            raise Failed("under it some values have no probability in double precision.")
        statistic = float(anderson_darling(form, x[None], best[None])[0])
        p_value, resamples, how = _p_value(form, x, best, statistic)
    except Failed as reason:
        return Fit(name, failed=str(reason))
    except (ArithmeticError, ValueError, TypeError, IndexError, RuntimeError, NotImplementedError) as error:
        return Fit(name, failed=f"SciPy cannot fit it: {type(error).__name__}: {error}")
    family, parameters = _in_a_study(form, best)
    cost = -2 * top
    return Fit(
        family, parameters, form.k, top, 2 * form.k + cost, form.k * math.log(len(x)) + cost,
        statistic, p_value, resamples, how, _warnings(form, best),
    )  # fmt: skip


def anderson_darling(form: Form, samples: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """A^2 [row] = -n - sum over i of (2 i - 1) (ln F(x_i) + ln(1 - F(x_{n + 1 - i}))) / n of ascending samples [row, value].

    Where the fit puts the support's ends on the first or last value, these are left out: between them the rest is free.

    Anderson and Darling, J. American Statistical Association 49 (1954) 765, doi:10.1080/01621459.1954.10501232.
    """
    if form in (Form("uniform"), Form("pareto", loc=0.0)):
        first, last = _ENDS[form.name]
        samples = samples[:, first : samples.shape[1] - last]
    arguments = [parameters[:, i, None] for i in range(parameters.shape[1])]
    least = np.finfo(np.float64).tiny
    below = np.log(np.maximum(form.law.cdf(samples, *arguments), least))
    above = np.log(np.maximum(form.law.sf(samples, *arguments), least))
    n = samples.shape[1]
    return -n - ((2 * np.arange(1, n + 1) - 1) * (below + above[:, ::-1])).sum(axis=1) / n


def _p_value(form: Form, x: np.ndarray, best: np.ndarray, statistic: float) -> tuple[float, int, str]:
    """p-value by a parametric bootstrap, its resamples, and how it was got.

    Samples of the fitted law are fitted in their turn, because a fit is closer to its data than the true law is.
    Stute, Gonzales Manteiga, Presedo Quindimil, Metrika 40 (1993) 243, doi:10.1007/BF02613687.
    """
    n = min(len(x), RESAMPLED)
    until = time.thread_time() + SECONDS
    random = np.random.default_rng([SEED, zlib.crc32(x.tobytes()), *form.name.encode()])
    done = count = 0
    try:
        for target in (RESAMPLES[0], RESAMPLES[1 + (len(x) > 250)]):
            if done and count not in OPEN:
                break
            refuse_slow(form, x, best, 60 * n * (target - done), until)
            drawn = np.sort(form.law.rvs(*best, size=(target - done, n), random_state=random), axis=1)
            found = anderson_darling(form, drawn, maxima(form, drawn, best, until))
            if not math.isfinite(statistic) or np.isnan(found).any():
                raise Failed("SciPy's probabilities are not finite.")
            count += int(np.sum(found >= statistic))
            done = target
    except Failed as reason:
        if not done:
            return math.nan, 0, f"no p-value: {reason}"
    how = f"parametric bootstrap, {done} samples of {n:,} drawn from the fit and fitted again"
    if n < len(x):
        how += f" (the statistic is of all {len(x):,} values; its law is the same from {n:,} on)"
    return (1 + count) / (done + 1), done, how


def _in_a_study(form: Form, row: np.ndarray) -> tuple[str, dict[str, float]]:
    """Name and parameters of a law as a study gives them."""
    *shapes, loc, scale = (float(value) for value in row)
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
    return form.name, dict(zip((*form.shapes, "loc", "scale"), (*shapes, loc, scale), strict=True))


def _warnings(form: Form, row: np.ndarray) -> tuple[str, ...]:
    found = []
    law = form.law(*row)
    mean, sd = float(law.mean()), float(law.std())
    if not math.isfinite(mean):
        found.append("its mean is infinite: means and ES of what depends on it do not settle.")
    elif not math.isfinite(sd):
        found.append("its standard deviation is infinite: means settle slowly, and intervals are too narrow.")
    if not np.all(np.abs(law.ppf(special.ndtr([-FARTHEST, FARTHEST]))) <= LARGEST):
        found.append("its far draws are beyond single precision: a study refuses it.")
    if form.loc is None or form.name == "pareto":
        ends = [f"{end:.4g}" for end in law.support() if math.isfinite(end)]
        if ends:
            text = " and ".join(ends)
            found.append(
                f"it ends at {text}, from the data's own ends: nothing beyond is drawn, and AIC is approximate."
            )
    for shape in form.at_the_end(row):
        found.append(f"{shape} ran to the end of what is searched: a simpler law fits as well.")
    return tuple(found)
