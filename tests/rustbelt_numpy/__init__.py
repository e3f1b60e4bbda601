"""The rustbelt model in plain NumPy, written from its page: `docs/rustbelt-model.md` and `base_2015.csv`, nothing of its code.

Vectorised over paths: arrays [region, sector, path], [region, path], [sector, path] or [path]. In the page's letters; Python's
`x1` is a letter with a prime there, this year's value, and `x` is last year's.
"""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np

from engine.study.study import Policy, Study
from tests.rustbelt_numpy import blocks
from tests.rustbelt_numpy.base_2015 import NE, end_of_2015, read
from tests.rustbelt_numpy.inputs import draw, levers_in_force, shocks_of
from tests.rustbelt_numpy.outcomes import outcomes

__all__ = ["draw", "live", "outcomes", "read", "shocks_of", "simulate"]


def live(study: Study, policy: Policy, factors, shocks) -> Iterator[dict[str, np.ndarray]]:
    """The values of each year by name, [*labels, path]: those that are recorded, and what outcomes and balances need."""
    f, base = read(factors)
    state = end_of_2015(f, base)
    for at, year in enumerate(study.years):
        e = SimpleNamespace(**{name: value[at] for name, value in shocks.items()})
        lever = levers_in_force(study, policy, year, factors)
        yield _year(year, f, base, state, e, lever)


def simulate(study: Study, policy: Policy, factors, shocks) -> dict[str, np.ndarray]:
    """Outcomes by name [path] under one policy."""
    return outcomes(live(study, policy, factors, shocks))


def _year(year, f, base, s, e, lever) -> dict[str, np.ndarray]:
    """One year: moves the state on and gives the year's values by name."""
    y = SimpleNamespace(year=year, t=year - 2016, since=year - lever.start)
    y.empty = (s.F <= 0).astype(s.F.dtype)
    y.E = lever.evergreening * (1 - 0.55 * y.empty)
    y.ramp = lever.diversification * max(min((y.since + 1) / 5, 1), 0)
    blocks.environment(f, s, e, lever, y)
    blocks.industry(f, base, s, e, lever, y)
    y.purse, y.by_centre, y.by_province, y.bills = np.maximum(s.F + 0.02, 0) * s.Y, 0, 0, 0
    blocks.enterprises(f, base, s, e, lever, y)
    blocks.banks(f, base, s, lever, y)
    blocks.labour(f, base, s, e, lever, y)
    blocks.economy(f, base, s, e, y)
    return _move_on(base, s, y)


def _move_on(base, s, y) -> dict[str, np.ndarray]:
    """The year's values by name; the state becomes that of the end of the year."""
    path = s.national_path + y.g_CN
    net_jobs_lost = s.net_jobs_lost + y.layoffs - y.moved - y.retired_early - y.reemployed
    northeast_gdp = y.Y1[NE].sum(0)
    northeast_index = northeast_gdp / base.gdp[NE].sum(0)
    values = {
        "cut_layoffs": y.by_cut,
        "market_layoffs": y.by_market,
        "default_layoffs": y.by_default,
        "indirect_layoffs": y.indirect,
        "employment": y.L1,
        "kept_workers": y.kept1 * y.L1,
        "displaced_pool": y.V1,
        "displaced_spell": y.V1 / np.maximum(y.reemployed, 0.001),
        "reemployed": y.reemployed,
        "internal_transfer": y.moved,
        "early_retired": y.retired_early,
        "out_migrated": y.out_migrated,
        "exited": y.exited,
        "net_jobs_lost": net_jobs_lost,
        "soe_default_share": y.default,
        "zombie_share": y.z1,
        "northeast_zombie_share": (y.z1 * y.B1)[NE].sum((0, 1)) / y.B1[NE].sum((0, 1)),
        "leverage": y.d1,
        "interest_cover": y.interest_cover,
        "loss_given_default": y.LGD,
        "loans": y.N1,
        "capital": y.capital1,
        "provisions": y.provisions1,
        "bank_loss": y.loss,
        "hidden_loss": y.hidden,
        "npl_ratio": y.npl1,
        "capital_shortfall": y.shortfall,
        "capital_ratio": y.reported,
        "true_capital_ratio": y.true,
        "loan_growth": y.loan_growth,
        "gdp_loss": 1 - y.Y1 / (base.gdp * np.exp(path)),
        "gdp_index": y.Y1 / base.gdp,
        "northeast_gdp_index": northeast_index,
        "growth": y.g1,
        "reported_growth": y.reported_growth,
        "job_pace": y.job_pace,
        "public_cost": y.subsidies + y.put_in + y.fund_paid,
        "paid_by_centre": y.by_centre,
        "paid_by_provinces": y.by_province,
        "subsidies": y.subsidies,
        "recapitalisation_cost": y.put_in,
        "fund_spending": y.fund_paid,
        "fiscal_space": y.F1,
        "price_gap": y.p1,
        "utilisation": y.u1,
        "capacity": y.K1.sum(0),
        "output": y.Q1.sum(0),
        "export_demand": y.X1,
        "urban_share": y.urban_share,
        "northeast_growth": np.log(northeast_gdp / s.northeast_gdp),
        "northeast_gdp_loss": 1 - northeast_index / np.exp(path),
        "inflow": y.inflow,
        "closed_share": y.c,
        "given_up_share": y.x,
        "restructured_share": y.restructured,
        "bailout": y.bailout,
        "bills": y.bills,
        "kept_profit": y.kept_profit,
        "income": y.income,
    }
    s.layoffs_before = (s.layoffs_before[1], y.startup * y.layoffs)
    s.D, s.X, s.urban_share, s.p, s.q = y.D1, y.X1, y.urban_share, y.p1, y.Q1.sum(0) / y.K1.sum(0)
    s.K, s.Q, s.L = y.K1, y.Q1, y.L1
    s.d, s.z, s.z_O, s.w, s.w_O, s.age = y.d1, y.z1, y.z_O1, y.w1, y.w_O1, y.age1
    s.capital, s.provisions, s.npl, s.crunch, s.N = y.capital1, y.provisions1, y.npl1, y.crunch1, y.N1
    s.V, s.kept, s.net_jobs_lost = y.V1, y.kept1, net_jobs_lost
    s.Y, s.gbar, s.F, s.S, s.lagged_z = y.Y1, y.gbar1, y.F1, y.S1, y.lagged_z1
    s.national_path, s.northeast_gdp = path, northeast_gdp
    return values
