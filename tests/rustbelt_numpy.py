"""The rustbelt model in plain NumPy, written from its page: `docs/rustbelt-model.md` and `base_2015.csv`, nothing of its code.

Vectorised over paths: arrays [region, sector, path], [region, path], [sector, path] or [path]. One function per section of the
page, in its order and in its letters. Python's `x1` is a letter with a prime there, this year's value; `x` is last year's.
"""

import csv
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
from scipy import special

import engine
from engine.draws import random_words
from engine.draws.sampling import SAMPLERS, path_order
from engine.modelling.records import shock_streams
from engine.study.study import Policy, Study

REGIONS = ("Liaoning", "Jilin", "Heilongjiang", "Rest of China")
SECTORS = ("steel", "coal", "cement")
NE = slice(0, 3)
STEEL, COAL, CEMENT = range(3)
TABLE = Path(engine.__file__).parent / "models" / "rustbelt" / "base_2015.csv"
GDP = 2021 + 1001.8 + 1169
"""GDP of the northeast in 2015 [bn yuan]."""
TONNE = 1e-6
"""[Mt]"""
WAGE = 0.045
"""45 thousand yuan a year: bn yuan per thousand persons."""


# ------------------------------------------------------------------ what a study brings


def draw(study: Study, n_paths: int, rng: np.random.Generator, dtype=np.float64):
    """Factor draws and shock draws of one chunk: name -> [path], name -> [year, *labels, path].

    All pairs of a group get the same positive correlation: enough to be timed on.
    """
    normal = lambda *shape: rng.standard_normal((*shape, n_paths), dtype=dtype)  # noqa: E731
    common = {name: normal() for name in study.groups}
    factors = {}
    for item in study.inputs:
        z = normal()
        if item.group:
            r = study.groups[item.group].copula.correlation
            z = math.sqrt(r) * common[item.group] + math.sqrt(1 - r) * z
        factors[item.name] = from_normal(item.marginal.family, item.marginal.parameters, z)
    shocks = {}
    for name, shock in study.model.shocks.items():
        shape = (len(study.years), *(len(study.model.dims[dim]) for dim in shock.dims))
        uniform = shock.law == "uniform"
        shocks[name] = rng.random((*shape, n_paths), dtype=dtype) if uniform else normal(*shape)
    return factors, shocks


def from_normal(family: str, parameters, z):
    """The draw of a normal score, for the families that the study uses."""
    if family == "lognormal":
        return parameters[0] * np.exp(parameters[1] * z)
    if family == "normal":
        return parameters[0] + parameters[1] * z
    if family == "logit-normal":
        median = parameters[0]
        return 1 / (1 + (1 - median) / median * np.exp(-parameters[1] * z))
    if family == "uniform":
        return parameters[0] + (parameters[1] - parameters[0]) * special.ndtr(z)
    raise ValueError(family)


def shocks_of(study: Study, n_paths: int, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """Shock draws of the first paths as the kernel makes them: name -> [year, *labels, path]."""
    sampler = SAMPLERS[study.sampler]
    order = np.argsort(path_order(sampler, n_paths))
    values = {}
    for name, streams in shock_streams(study.model).items():
        shock = study.model.shocks[name]
        keys = [
            [random_words.stream_key(study.seed, f"shock:{stream}", step) for stream in streams]
            for step in range(len(study.years))
        ]
        words = sampler.words(np.array(keys, np.uint32), (np.uint32(0), np.uint32(0)), n_paths)
        law = random_words.normal if shock.law == "normal" else random_words.uniform
        shape = [len(study.model.dims[dim]) for dim in shock.dims]
        with jax.enable_x64(dtype == np.float64):
            drawn = np.asarray(law(words, dtype))
        values[name] = drawn[..., order].reshape(len(study.years), *shape, n_paths)
    return values


def lever_values(policy: Policy, name: str, at: int, factors):
    """A lever in year number `at`, [label, path or 1] where it has labels, else a number; by path where a factor gives it."""
    values = policy.levers[name][at]
    values = values[..., None] if np.ndim(values) else float(values)
    for factor, weights in policy.drawn.get(name, {}).items():
        weight, drawn = weights[at], factors[factor]
        weight = weight[..., None].astype(drawn.dtype) if np.ndim(weight) else float(weight)
        values = values + weight * drawn
    return values


def levers_in_force(study: Study, policy: Policy, year: int, factors) -> SimpleNamespace:
    """This year's levers: a number, or one per path where the lever or the implementation is drawn."""
    at, dtype = study.years.index(year), next(iter(factors.values())).dtype
    before = policy.before or policy
    share = policy.implementation
    share = factors[share] if isinstance(share, str) else share
    levers = {}
    for name, lever in study.model.levers.items():
        old, new = (lever_values(one, name, at, factors) for one in (before, policy))
        if lever.dims:
            old, new = np.asarray(old, dtype), np.asarray(new, dtype)
        unchanged = year < policy.start or np.array_equal(old, new)
        levers[name] = old if unchanged else old + share * (new - old)
    started = year >= policy.start
    return SimpleNamespace(**levers, start=policy.start if started else before.start)


# ------------------------------------------------------------------ the whole of it


def live(study: Study, policy: Policy, factors, shocks) -> Iterator[dict[str, np.ndarray]]:
    """The values of each year by name, [*labels, path]: those that are recorded, and what outcomes and balances need."""
    f, base = read(factors)
    state = _base_year(f, base)
    for at, year in enumerate(study.years):
        e = SimpleNamespace(**{name: value[at] for name, value in shocks.items()})
        lever = levers_in_force(study, policy, year, factors)
        yield _step(year, f, base, state, e, lever)


def simulate(study: Study, policy: Policy, factors, shocks) -> dict[str, np.ndarray]:
    """Outcomes by name [path] under one policy."""
    return outcomes(live(study, policy, factors, shocks))


def read(factors) -> tuple[SimpleNamespace, SimpleNamespace]:
    """Factors, those of a sector as [sector, path] besides; the base year as [region, sector, 1], [region, 1], [sector, 1]."""
    f = SimpleNamespace(**factors)
    dtype = f.exit_rate.dtype
    for name in (
        "recovery_years",
        "price_response",
        "demand_drift",
        "cut_labour_elasticity",
        "margin_response",
    ):
        setattr(f, name, np.stack([factors[f"{sector}_{name}"] for sector in SECTORS]))
    rows = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = row["region"], row["sector"]
            rows.setdefault(row["quantity"], {})[key] = float(row["value"])
    base = SimpleNamespace()
    for name, values in rows.items():
        of = lambda region, values=values: [values[region, sector] for sector in SECTORS]  # noqa: E731
        if name in ("capacity", "output", "employment", "liabilities"):
            provinces, nation = np.array([of(region) for region in REGIONS[NE]]), np.array(of("China"))
            table = np.vstack([provinces, nation - provinces.sum(0)])
        elif name == "cut_intensity":
            provinces, capacity = np.array([of(region) for region in REGIONS[NE]]), base.capacity[..., 0]
            rest = (capacity.sum(0) - (provinces * capacity[NE]).sum(0)) / capacity[3]
            table = np.vstack([provinces, rest])
        elif ("China", "") in values:
            table = np.array(values["China", ""])
        elif ("China", "steel") in values:
            table = np.array(of("China"))
        elif ("Liaoning", "steel") in values:
            table = np.array([of(region) for region in REGIONS])
        else:
            table = np.array([values[region, ""] for region in REGIONS])
        setattr(base, name, table[..., None])
    for name, table in vars(base).items():
        setattr(base, name, table.astype(dtype))
    base.here = np.array([1, 1, 1, 0], dtype)[:, None]
    return f, base


def _base_year(f, base) -> SimpleNamespace:
    """The end of 2015 (section 3)."""
    paths = np.zeros_like(f.exit_rate)
    regions, cells = paths + np.zeros_like(base.gdp), paths + np.zeros_like(base.capacity)
    z, z_O = f.zombie_share_initial * base.zombie_scale, f.zombie_share_initial * base.zombie_scale_other
    return SimpleNamespace(
        D=paths + np.ones_like(base.price_gap),
        X=paths + 1,
        urban_share=paths + base.urban_share,
        p=paths + base.price_gap,
        q=paths + base.output.sum(0) / base.capacity.sum(0),
        K=cells + base.capacity,
        Q=cells + base.output,
        L=cells + base.employment,
        d=cells + base.leverage,
        Y=regions + base.gdp,
        N=regions + base.loans,
        z=z,
        z_O=z_O,
        region_z_2015=0.5 * _mean(z, base.liabilities) + 0.5 * z_O,
        lagged_z=regions,
        gbar=regions + base.growth_average,
        capital=f.capital_ratio_initial * 0.78 * base.loans,
        provisions=regions + base.provisions * base.loans,
        npl=regions + base.npl_ratio,
        F=f.fiscal_space_initial * base.fiscal_scale,
        V=regions,
        kept=cells,
        crunch=regions,
        layoffs_before=(regions, regions),
        w=cells,
        w_O=regions,
        age=regions,
        S=regions,
        national_path=paths,
        northeast_gdp=paths + base.gdp[NE].sum(0),
        net_jobs_lost=regions,
    )


def _mean(values, weights):
    """Mean over sectors [region, path]."""
    return (values * weights).sum(1) / weights.sum(1)


def _step(year, f, base, s, e, lever) -> dict[str, np.ndarray]:
    """One year: moves the state on and gives the year's values by name."""
    y = SimpleNamespace(year=year, t=year - 2016, since=year - lever.start)
    y.empty = (s.F <= 0).astype(s.F.dtype)
    y.E = lever.evergreening * (1 - 0.55 * y.empty)
    y.ramp = lever.diversification * max(min((y.since + 1) / 5, 1), 0)
    _environment(f, s, e, lever, y)
    _industry(f, base, s, e, lever, y)
    y.purse, y.by_centre, y.by_province, y.bills = np.maximum(s.F + 0.02, 0) * s.Y, 0, 0, 0
    _enterprises(f, base, s, e, lever, y)
    _banks(f, base, s, lever, y)
    _labour(f, base, s, e, lever, y)
    _economy(f, base, s, e, y)
    return _move_on(base, s, y)


# ------------------------------------------------------------------ the blocks


def _environment(f, s, e, lever, y):
    y.J = np.where(e.slump < f.slump_rate, -0.20 + 0.15 * e.slump_size, 0)
    y.pace = np.maximum(1 - 0.8 * y.t / f.urbanisation_years, 0.2)
    y.urban_share = s.urban_share + 0.012 * y.pace
    pandemic = {2020: -1, 2021: 0.8, 2022: -0.65}.get(y.year, 0)
    y.g_CN = (
        np.maximum(0.067 - f.national_growth_decline * y.t, 0.03)
        + 0.009 * e.growth_noise
        + 0.1 * np.minimum(y.J, 0)
        + f.pandemic_depth * pandemic
    )
    y.X1 = s.X * np.exp(f.trade + 0.06 * e.export_noise + 0.5 * y.J)
    y.O = lever.belt_road * f.belt_road_demand_share * min(1, (y.t + 1) / 8)


def _industry(f, base, s, e, lever, y):
    column = lambda *values: np.array(values, f.exit_rate.dtype)[:, None]  # noqa: E731
    sd, x_D, w_O = column(0.028, 0.022, 0.028), column(0.14, 0.01, 0.02), column(1, 0.1, 0.5)
    slump = column(0.5, 0, 1) * (2022 <= y.year <= 2025)
    y.D1 = s.D * np.exp(
        f.demand_drift
        + 0.35 * (y.g_CN - 0.067)
        + 0.012 * (y.pace - 1)
        + sd * (0.5 * e.commodity_cycle + 0.87 * e.demand_noise)
        - slump * f.property_downturn
    )
    demand = base.output.sum(0) * ((1 - x_D) * y.D1 + x_D * y.X1 + w_O * y.O)

    ordered, y.restructured = _orders(f, base, s, lever, y)
    y.c = np.minimum(ordered * base.cut_intensity * base.capacity / s.K, 0.9)
    y.x = np.minimum(f.exit_rate * np.maximum(-s.p, 0), 0.5) * (1 - s.z * y.E[:, None])
    freedom = lever.new_capacity + (1 - lever.new_capacity) * np.clip(10 * (s.q - 0.85), 0, 1)
    new = freedom * 0.10 * np.maximum(s.p, 0) * s.K * (1 - 0.4 * base.here[:, None])
    y.K1 = s.K * (1 - y.c) * (1 - y.x) + new

    use = demand / y.K1.sum(0)
    y.u1 = np.minimum(use, 0.97)
    weight = base.output / base.capacity * y.K1
    y.Q1 = np.minimum(demand * weight / weight.sum(0), 0.97 * y.K1)
    closing = 1 - 10 ** (-1 / f.recovery_years)
    target = f.price_response * (np.minimum(use, 1.2) - base.target_utilisation)
    noise = f.price_volatility * (0.6 * e.commodity_cycle + 0.8 * e.price_noise)
    p1 = s.p + closing * (target - s.p) + noise + column(1, 0.8, 0.3) * y.J
    y.p1 = np.clip(p1, -1.3, 1.0)


def _orders(f, base, s, lever, y):
    """Ordered closures as a share of national capacity [sector, path]; restructured share [region, sector, path]."""
    nation = base.capacity.sum(0)
    length = lambda years: np.maximum(1, np.rint(years / lever.closure_speed))  # noqa: E731
    ordered = lever.capacity_cut * f.compliance
    years = (length(5 + 0 * f.compliance), length(f.coal_closure_years), length(4 + 0 * f.compliance))
    totals = (f.steel_cut_total, 500, 500)
    plan = [
        ordered * total / span * ((y.since >= 0) & (y.since < span))
        for total, span in zip(totals, years, strict=True)
    ]
    follows = lever.follows_schedule
    order = (follows * lever.scheduled_cut + (1 - follows) * np.stack(plan)) / nation
    span = np.maximum(1, np.rint(f.coal_restructuring_years))
    under_way = (y.since >= years[COAL]) & (y.since < years[COAL] + span)
    restructured = np.zeros_like(s.K)
    share = (1 - follows) * ordered * 500 / span * under_way / nation[COAL]
    scale = base.cut_intensity[:, COAL] * base.capacity[:, COAL] / s.K[:, COAL]
    restructured[:, COAL] = np.minimum(share * scale, 0.6)
    return order, restructured


def _pay(bill, lever, y):
    """What is paid of a bill [region, path]: by the centre, and by the province as far as its purse goes."""
    by_province = np.minimum((1 - lever.central_share) * bill, y.purse)
    by_centre = lever.central_share * bill
    y.bills = y.bills + bill
    y.purse = y.purse - by_province
    y.by_centre, y.by_province = y.by_centre + by_centre, y.by_province + by_province
    return by_centre + by_province


def _enterprises(f, base, s, e, lever, y):
    here = base.here[:, None]
    target = base.target_utilisation
    y.R = (
        0.105
        + f.margin_response * y.p1
        + 0.08 * (y.u1 - target)
        - f.northeast_cost_gap * here
        + 0.012 * y.ramp
    )
    y.A = base.liabilities / (base.leverage * base.capacity) * y.K1
    B = y.A * s.d
    bill = lever.subsidy_rate * (1.6 * (s.z * B).sum(1) + 0.35 * s.z_O * f.other_soe_loan_share * s.N)
    y.subsidies = _pay(bill, lever, y)
    covered = np.where(bill == 0, 1, y.subsidies / np.where(bill == 0, 1, bill))
    y.relief = f.subsidy_pass_through * covered[:, None] * 1.6 * lever.subsidy_rate * s.z * s.d
    y.wages = f.overstaffing_cost * WAGE * s.kept * s.L / (y.A * s.K / y.K1)
    sound = y.R - y.wages - 0.03 * s.d - 0.045
    distance = (-np.log(s.d) + 2 * np.clip(sound, -0.1, 0.08)) / f.asset_volatility
    cash = sound + y.relief

    Z = 0.45 * e.commodity_cycle + 0.30 * e.growth_noise + 0.84 * e.credit_noise
    Z_r = math.sqrt(0.8) * Z + math.sqrt(0.2) * e.region_credit_noise + 4 * y.J
    root, rest = np.sqrt(f.asset_correlation), np.sqrt(1 - f.asset_correlation)
    distressed = special.ndtr((-distance - root * Z_r[:, None]) / rest)
    newly = np.maximum(distressed - f.default_selection * s.w, distressed / 5)
    y.w1 = np.maximum(s.w, distressed)
    i = 0.5 * newly * (1 - s.z)
    E, empty, res = y.E[:, None], y.empty[:, None], lever.resolution_rate
    settled = s.z * res + empty * (0.15 * s.z * (1 - res))
    y.recognised = i * (1 - E) + settled
    closed = 1 - (1 - y.c) * (1 - y.x)
    y.default = np.minimum(y.recognised + f.closure_default_share * closed * (1 - s.z), 0.6)
    recovered = 0.6 * s.z * np.clip(0.04 + 0.5 * y.p1, 0, 0.35)
    y.z1 = np.clip(s.z + i * E - settled - recovered, 0, 0.95)

    distance_O = 2.1 + 9 * (s.gbar - 0.045)
    distressed_O = special.ndtr((-distance_O - root * Z_r) / rest)
    newly_O = np.maximum(distressed_O - f.default_selection * s.w_O, distressed_O / 5)
    y.w_O1 = np.maximum(s.w_O, distressed_O)
    i_O = 0.5 * (newly_O + 0.15 * base.here * _mean(y.default, B)) * (1 - s.z_O)
    settled_O = s.z_O * (0.7 * res + 0.10 * y.empty)
    y.default_O = i_O * (1 - y.E) + settled_O
    recovered_O = s.z_O * np.clip(0.05 + 0.8 * (s.gbar - 0.04), 0, 0.3)
    y.z_O1 = np.clip(s.z_O + i_O * y.E - settled_O - recovered_O, 0, 0.9)

    y.flow = 0.5 * _mean(settled, B) + 0.5 * settled_O
    more = s.age - 0.15 * (y.p1[STEEL] + y.p1[COAL]) / 2 + f.fire_sale_effect * np.maximum(y.flow - 0.03, 0)
    LGD = f.loss_given_default
    y.LGD = np.where(more > 0, 1 - (1 - LGD) * np.exp(-more / (1 - LGD)), LGD * np.exp(more / LGD))
    y.age1 = s.age + f.loss_given_default_ageing * (y.E - 0.3)
    a, b = np.clip((1.3 - s.d) / 0.6, 0, 1), np.clip((s.d - 0.3) / 0.4, 0, 1)
    moved = s.d + 0.9 * a * np.maximum(-cash, 0) - 0.45 * b * np.maximum(cash, 0)
    y.d1 = np.clip(moved * (1 - 0.9 * y.default * y.LGD[:, None]) - b * lever.debt_swap, 0.3, 1.3)
    y.B1 = y.A * y.d1
    y.interest_cover = y.R / (0.03 * y.d1)


def _banks(f, base, s, lever, y):
    here, N = base.here, s.N
    exposure, other = 0.55 * f.soe_bank_exposure * y.B1, f.other_soe_loan_share * N
    W1 = base.npl_ratio * base.loans * 0.7 ** (y.t + 1)
    defaulted = (y.default * exposure).sum(1) + y.default_O * other
    ordinary = 0.0035 * N * np.exp(-10 * np.clip(s.gbar - 0.05, -0.08, 0.05))
    y.loss = (defaulted + 0.3 / 0.7 * W1) * y.LGD + ordinary
    y.hidden = ((y.z1 * exposure).sum(1) + y.z_O1 * other) * y.LGD
    absorbed = np.minimum(s.provisions, y.loss)
    y.provisions1 = s.provisions - absorbed + 0.0025 * N
    y.uncovered = y.loss - absorbed
    earned = (f.pre_provision_profit_rate - 0.0025 * here) * N * (1 - 0.4 * s.crunch)
    profit = earned - 0.0025 * N - y.uncovered
    y.kept_profit = 0.62 * np.maximum(profit, 0) + np.minimum(profit, 0)
    own, RWA = s.capital + y.kept_profit, 0.78 * N
    asked = lever.recapitalisation * np.maximum(0, 0.105 * RWA - own)
    y.bailout = np.maximum(0, lever.bailout_below * RWA - (own + asked))
    y.put_in = _pay(asked + y.bailout, lever, y)
    y.capital1 = own + y.put_in
    y.reported = y.capital1 / RWA
    y.true = (y.capital1 + y.provisions1 - y.hidden - W1 * y.LGD) / RWA
    T = lever.bank_transparency
    alone = np.clip((0.105 - (T * y.true + (1 - T) * y.reported)) / 0.105, 0, 1.2)
    spill = f.crunch_contagion * alone[NE].mean(0) * (0.1 + 0.9 * here)
    y.crunch1 = 0.5 * s.crunch + 0.5 * np.minimum(alone + spill, 1.5)
    y.npl1 = 0.70 * s.npl + 0.9 * (defaulted / N + 0.006 * np.exp(-8 * (s.gbar - 0.05))) + 0.0025 * here


def _labour(f, base, s, e, lever, y):
    elasticity = f.cut_labour_elasticity * base.labour_elasticity_scale
    empty, protection = y.empty[:, None], lever.job_protection
    left = s.L
    by_cut = left * (1 - (1 - y.c) ** elasticity)
    left = left - by_cut
    by_restructuring = left * 0.35 * (1 - (1 - y.restructured) ** elasticity)
    left = left - by_restructuring
    by_exit = left * (1 - (1 - y.x) ** elasticity)
    left = left - by_exit
    want = 1.2 * np.clip(-(y.R - y.wages + y.relief - 0.03 * y.d1 - 0.03), 0, 0.12)
    P = protection * (1 - 0.75 * empty)
    by_want = left * want * (1 - P)
    left = left - by_want
    xi = 0.12 + 0.25 * empty * (0.6 + 0.4 * protection)
    y.by_default = left * xi * np.minimum(y.recognised, 0.6)
    left = left - y.by_default
    y.retired = 0.028 * left
    y.L1 = left - y.retired
    y.by_cut, y.by_market = by_cut + by_restructuring, by_exit + by_want
    y.kept1 = s.kept + want * P * (1 - s.kept)
    direct = y.by_cut + y.by_market + y.by_default
    y.indirect = f.indirect_layoff_ratio * direct
    y.layoffs = direct.sum(1)

    fund = lever.resettlement_fund / 2 if y.since in (0, 1) else 0
    y.fund_paid = _pay(fund * y.layoffs / np.maximum(y.layoffs.sum(0), 1), lever, y)
    y.f = np.minimum(1.5, y.fund_paid / np.maximum(y.layoffs, 0.001) * 1000 / 41)
    moved = np.minimum(f.internal_transfer_share * (0.45 + 0.55 * np.minimum(y.f, 1)), 1)
    retired = np.minimum(f.early_retirement_share * (0.5 + 0.5 * np.minimum(y.f, 1)), 1 - moved)
    y.moved, y.retired_early = moved * y.layoffs, retired * y.layoffs
    y.inflow = y.layoffs - y.moved - y.retired_early + 0.6 * y.indirect.sum(1)

    y.job_pace = np.clip(s.gbar - base.normal_growth, -0.12, 0.06)
    crunch = np.minimum(y.crunch1, 1)
    anchors = np.vstack([e.anchor_arrival < 0.5, np.zeros((1, len(f.anchor_jobs)), bool)])
    y.startup = lever.startup_support
    J = (
        base.new_jobs * f.job_creation_rate * np.exp(6 * y.job_pace) * (1 - 0.4 * crunch)
        + f.spin_off_jobs * s.layoffs_before[0]
        + anchors * f.anchor_jobs * lever.anchor_investment
    )
    V = s.V + y.inflow
    scar = 100 * f.layoff_scarring * np.maximum(V / (30.8 * base.new_jobs) - 0.002, 0)
    psi = (
        -np.log(1 - f.reemployment_hazard_base)
        * np.sqrt(J / base.new_jobs)
        * (1 + V / J) ** -f.congestion_exponent
        * np.exp(
            f.fund_search_effect * y.f
            + f.service_sector_effect * lever.service_sector_support
            + f.sme_credit_effect * lever.sme_credit * (1 - crunch)
            + f.startup_effect * lever.startup_support
            - scar
        )
    )
    away = f.out_migration_hazard * (0.5 + 1.5 * lever.labour_mobility) * base.here
    hazard = psi + away + 0.06
    gone = V * (1 - np.exp(-hazard))
    y.reemployed, y.out_migrated, y.exited = (gone * one / hazard for one in (psi, away, 0.06))
    y.V1 = V - gone


def _economy(f, base, s, e, y):
    here = base.here
    y.S1 = f.lost_wage_multiplier * np.minimum(y.fund_paid / s.Y, 0.02)
    region_z = 0.5 * _mean(y.z1, y.B1) + 0.5 * y.z_O1
    y.lagged_z1 = 0.72 * s.lagged_z + 0.28 * (region_z - s.region_z_2015)
    noise = np.vstack([e.province_growth_noise, 0 * e.province_growth_noise[:1]])
    own = (
        f.zombie_growth_drag * y.lagged_z1
        + f.resolution_growth_cost * y.flow * (1 + 4 * y.flow)
        - f.reform_growth_dividend * y.ramp
        - 0.012 * noise
    )
    y.g1 = (
        y.g_CN
        - (f.northeast_growth_gap + base.growth_gap_offset) * here * (1 - 0.15 * y.ramp)
        + 0.8 * (base.value_added_share * np.log(np.maximum(y.Q1, TONNE) / np.maximum(s.Q, TONNE))).sum(1)
        - f.lost_wage_multiplier * WAGE * (y.V1 - s.V) / s.Y
        - f.crunch_growth_cost * y.crunch1
        + (y.S1 - 0.75 * s.S)
        - here * own
    )
    y.Y1 = s.Y * np.exp(y.g1)
    y.gbar1 = 0.5 * s.gbar + 0.5 * y.g1
    y.reported_growth = y.g1.copy()
    if y.year == 2016:
        y.reported_growth[0] += f.liaoning_reporting_error
    y.income = 0.004 * np.exp(6 * np.clip(y.g1 - 0.04, -0.1, 0.1))
    y.F1 = np.minimum(s.F + y.income - y.by_province / y.Y1, 0.12)
    y.loan_growth = np.clip(0.75 * y.g1 + 0.025 - 0.06 * y.crunch1, -0.1, 0.12)
    y.N1 = s.N * np.exp(y.loan_growth)
    y.shortfall = np.maximum(0, 0.105 - y.true) * 0.78 * y.N1


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


# ------------------------------------------------------------------ outcomes


def outcomes(years: Iterable[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Outcomes by name [path], of the values of all years."""
    rows = [_northeast(values) for values in years]
    of = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    percent = lambda money: 100 * money / GDP  # noqa: E731
    laid_off = of["national_layoffs"]
    three_years = laid_off + sum(
        np.concatenate([0 * laid_off[:back], laid_off])[: len(laid_off)] for back in (1, 2)
    )
    hole = percent(of["capital_shortfall"][-1])
    paid = {name: percent(of[name].sum(0)) for name in ("public_cost", "paid_by_centre", "paid_by_provinces")}
    return {
        "layoffs": of["layoffs"].sum(0),
        "displaced_peak": of["displaced_pool"].max(0),
        "displaced_person_years": of["displaced_pool"].sum(0),
        "zombie_share_last": of["northeast_zombie_share"][-1],
        "capital_shortfall_peak": percent(of["capital_shortfall"].max(0)),
        "lowest_true_capital_ratio": of["true_capital_ratio"].min(0),
        "worst_two_year_growth": np.maximum(of["northeast_growth"][:-1], of["northeast_growth"][1:]).min(0),
        "bank_loss": percent(of["bank_loss"].sum(0)),
        "gdp_index_last": of["northeast_gdp_index"][-1],
        "gdp_loss_last": of["northeast_gdp_loss"][-1],
        **paid,
        "hole_left": hole,
        "total_bill": paid["paid_by_centre"] + paid["paid_by_provinces"] + hole,
        "reemployed_share": (of["reemployed"] + of["out_migrated"]).sum(0) / of["inflow"].sum(0),
        "reemployed_in_northeast_share": of["reemployed"].sum(0) / of["inflow"].sum(0),
        "layoffs_three_years": three_years.max(0),
        "national_cut_layoffs": of["national_cut_layoffs"].sum(0),
        "sector_jobs_last": of["employment"][-1],
        "population_loss": of["out_migrated"].sum(0),
    }


SUMS = (
    "displaced_pool",
    "capital_shortfall",
    "bank_loss",
    "public_cost",
    "paid_by_centre",
    "paid_by_provinces",
    "reemployed",
    "out_migrated",
    "inflow",
)
"""Yearly values by region that outcomes read as sums over the northeast."""


def _northeast(values) -> dict[str, np.ndarray]:
    """What outcomes read of a year, [path]."""
    direct = values["cut_layoffs"] + values["market_layoffs"] + values["default_layoffs"]
    return {
        **{name: values[name][NE].sum(0) for name in SUMS},
        "layoffs": direct[NE].sum((0, 1)),
        "national_layoffs": (direct + values["indirect_layoffs"]).sum((0, 1)),
        "national_cut_layoffs": values["cut_layoffs"].sum((0, 1)),
        "employment": values["employment"][NE].sum((0, 1)),
        "true_capital_ratio": values["true_capital_ratio"][NE].min(0),
        **{
            name: values[name]
            for name in (
                "northeast_zombie_share",
                "northeast_growth",
                "northeast_gdp_index",
                "northeast_gdp_loss",
            )
        },
    }
