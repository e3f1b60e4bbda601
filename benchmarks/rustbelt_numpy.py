"""The rustbelt model in plain NumPy: vectorised over paths, arrays [region, sector, path]; what the engine is timed against.

The equations are those of `engine/models/rustbelt`, outcomes only, without the yearly variables that no outcome needs.
"""

import math
from types import SimpleNamespace

import numpy as np
from scipy import special

from engine.models.rustbelt.base_2015 import BASE
from engine.study.study import Policy, Study

NE = slice(0, 3)
REGIONS, SECTORS, COAL = 4, 3, 1


def draw(study: Study, n_paths: int, rng: np.random.Generator, dtype=np.float64):
    """Factor draws and shock draws of one chunk: name -> [path], name -> [year, *labels, path]."""
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


def lever_values(policy: Policy, name: str, at: int, factors):
    """A lever in year number `at`, [label, path or 1] where it has labels, else a number; by path where a factor gives it."""
    values = policy.levers[name][at]
    values = values[..., None] if np.ndim(values) else float(values)
    for factor, weights in policy.drawn.get(name, {}).items():
        weight = weights[at]
        values = values + (weight[..., None] if np.ndim(weight) else weight) * factors[factor]
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


def simulate(study: Study, policy: Policy, factors, shocks):
    """Outcomes by name [path] under one policy."""
    dtype = next(iter(factors.values())).dtype
    n_paths = len(next(iter(factors.values())))
    run = _Run(SimpleNamespace(**factors), dtype, n_paths)
    for t, year in enumerate(study.years):
        noise = SimpleNamespace(**{name: value[t] for name, value in shocks.items()})
        run.step(year, noise, levers_in_force(study, policy, year, factors))
    return run.outcomes()


def _base(name: str, dtype):
    value = getattr(BASE, name)
    shape = tuple(len(labels) for labels in value.labels.values())
    return np.asarray(value.values, dtype).reshape(*shape, 1)


class _Run:
    """All paths of a chunk under one policy; `step` lives through one year."""

    def __init__(self, factors, dtype, n_paths):
        self.f, self.dtype = factors, dtype
        self.base = SimpleNamespace(
            **{
                name: _base(name, dtype)
                for name in BASE.__dataclass_fields__
                if hasattr(getattr(BASE, name), "labels")
            }
        )
        b = self.base
        self.national_capacity = b.capacity.sum(0)
        self.national_output = b.output.sum(0)
        self.here = np.array([1, 1, 1, 0], dtype)[:, None]

        def by_sector(form):
            return np.stack([getattr(factors, form.format(sector)) for sector in ("steel", "coal", "cement")])

        self.reversion = 1 - np.exp(-math.log(10) / by_sector("{}_recovery_years"))
        self.response = by_sector("{}_price_response")
        self.drift = by_sector("{}_demand_drift")
        self.margin_response = by_sector("{}_margin_response")
        self.elasticity = b.labour_elasticity_scale * by_sector("{}_cut_labour_elasticity")
        self.root_r, self.root_rest = (
            np.sqrt(factors.asset_correlation),
            np.sqrt(1 - factors.asset_correlation),
        )

        def full(values):
            return np.broadcast_to(values, (*np.shape(values)[:-1], n_paths)).astype(dtype)

        self.exports, self.demand = np.ones(n_paths, dtype), np.ones((SECTORS, n_paths), dtype)
        self.capacity, self.output, self.price = full(b.capacity), full(b.output), full(b.price_gap)
        self.leverage = full(b.leverage)
        self.zombie = factors.zombie_share_initial * b.zombie_scale
        self.zombie_other = factors.zombie_share_initial * b.zombie_scale_other
        self.first_zombie = 0.5 * self.zombie.mean(1) + 0.5 * self.zombie_other
        self.ageing = np.zeros((REGIONS, n_paths), dtype)
        self.loans = full(b.loans)
        self.capital = factors.capital_ratio_initial * 0.78 * self.loans
        self.provisions = b.provisions * self.loans
        self.crunch = np.zeros((REGIONS, n_paths), dtype)
        self.employment = full(b.employment)
        self.pool, self.spin_offs, self.later_spin_offs = np.zeros((3, REGIONS, n_paths), dtype)
        self.entered, self.reemployed = np.zeros((2, n_paths), dtype)
        self.gdp, self.national = np.ones((REGIONS, n_paths), dtype), np.ones(n_paths, dtype)
        self.slow, self.zombie_lag = full(b.growth_average), np.zeros((REGIONS, n_paths), dtype)
        self.space = factors.fiscal_space_initial * b.fiscal_scale
        self.index = np.ones(n_paths, dtype)
        self.last_growth = None
        self.layoffs, self.person_years, self.bank_loss, self.cost, self.national_cut = np.zeros(
            (5, n_paths), dtype
        )
        self.pool_peak, self.shortfall_peak = np.zeros((2, n_paths), dtype)
        self.lowest_ratio, self.worst_spell = np.full((2, n_paths), np.inf, dtype)

    def step(self, year, shocks, levers):
        self._industry(year - 2016, year - levers.start, shocks, levers)
        self._enterprises(year - levers.start, shocks, levers)
        self._banks(levers)
        self._labour(year - levers.start, shocks, levers)
        self._economy(shocks, levers)

    def _industry(self, elapsed, since, shocks, levers):
        f, b = self.f, self.base
        self.slump = np.where(
            shocks.slump < f.slump_rate, 0.15 * shocks.slump_size - 0.20, self.dtype.type(0)
        )
        pace = np.maximum(1 - 0.8 * elapsed / f.urbanisation_years, 0.2)
        trend = np.maximum(0.067 - f.national_growth_decline * elapsed, 0.03)
        self.growth_china = trend + 0.009 * shocks.growth_noise + 0.1 * np.minimum(self.slump, 0)
        self.exports = self.exports * np.exp(f.trade + 0.06 * shocks.export_noise + 0.5 * self.slump)
        belt_road = levers.belt_road * min((elapsed + 1) / 8, 1.0) * f.belt_road_demand_share

        sd = np.array([[0.028], [0.022], [0.028]], self.dtype)
        noise = sd * (0.5 * shocks.commodity_cycle + 0.87 * shocks.demand_noise)
        common = 0.35 * (self.growth_china - 0.067) + 0.012 * (pace - 1)
        self.demand = self.demand * np.exp(self.drift + common + noise)
        exported = np.array([[0.14], [0.01], [0.02]], self.dtype)
        road = np.array([[1.0], [0.1], [0.5]], self.dtype)
        mix = (1 - exported) * self.demand + exported * self.exports + road * belt_road
        wanted = self.national_output * mix

        def whole(years, speed):
            return np.maximum(np.round(years / speed), 1)

        def planned(total, years, after):
            return np.where((after >= 0) & (after < years), total / years, 0)

        executed = levers.capacity_cut * f.compliance * (1 - levers.follows_schedule)
        coal_years = whole(f.coal_closure_years, levers.closure_speed)
        order = np.empty((SECTORS, len(f.compliance)), self.dtype)
        order[0] = planned(f.steel_cut_total, whole(5.0, levers.closure_speed), since)
        order[1] = planned(500.0, coal_years, since)
        order[2] = planned(500.0, whole(4.0, levers.closure_speed), since)
        order = order * executed + levers.follows_schedule * levers.scheduled_cut
        part = b.cut_intensity * b.capacity / self.capacity
        self.closed = np.minimum(order / self.national_capacity * part, 0.9)
        reorder = planned(500.0, whole(f.coal_restructuring_years, 1.0), since - coal_years) * executed
        self.restructured = np.minimum(reorder / self.national_capacity[COAL] * part[:, COAL], 0.6)

        scale = np.array([0.6, 0.6, 0.6, 1.0], self.dtype)[:, None, None]
        added = levers.new_capacity * 0.10 * np.maximum(self.price, 0) * scale
        self.capacity = self.capacity * (1 - self.closed + added)
        self.use = np.minimum(wanted / self.capacity.sum(0), 0.97)
        weight = b.output / b.capacity * self.capacity
        self.output_before = self.output
        self.output = np.minimum(wanted * weight / weight.sum(0), 0.97 * self.capacity)
        target = self.response * (self.use - b.target_utilisation)
        swing = f.price_volatility * (0.6 * shocks.commodity_cycle + 0.8 * shocks.price_noise)
        hit = self.slump * np.array([[1.0], [0.8], [0.3]], self.dtype)
        self.price = np.clip(self.price + self.reversion * (target - self.price) + swing + hit, -1.1, 0.8)

    def _enterprises(self, since, shocks, levers):
        f, b, here = self.f, self.base, self.here
        self.solvent = self.space > 0
        self.ramp = min(max((since + 1) / 5, 0.0), 1.0) * levers.diversification
        per_sector = self.margin_response * self.price + 0.08 * (self.use - b.target_utilisation)
        level = 0.105 + 0.012 * self.ramp - f.northeast_cost_gap * here
        self.margin = per_sector + level[:, None]
        cash = self.margin - 0.03 * self.leverage - 0.045
        systemic = 0.45 * shocks.commodity_cycle + 0.30 * shocks.growth_noise + 0.84 * shocks.credit_noise
        cycle = math.sqrt(0.8) * systemic + math.sqrt(0.2) * shocks.region_credit_noise + 4.0 * self.slump
        distance = (2 * np.clip(cash, -0.1, 0.08) - np.log(self.leverage)) / f.asset_volatility
        pulled = self.root_r * cycle
        distressed = special.ndtr((-distance - pulled[:, None]) / self.root_rest)

        rolled = levers.evergreening * np.where(self.solvent, self.dtype.type(1), self.dtype.type(0.45))
        forced = np.where(self.solvent, self.dtype.type(0), self.dtype.type(0.15)) * (
            1 - levers.resolution_rate
        )
        cured = 0.6 * np.clip(0.04 + 0.5 * self.price, 0, 0.35)
        settled = self.zombie * (levers.resolution_rate + forced)[:, None]
        alive = 1 - self.zombie
        fresh = 0.5 * distressed * (1 - rolled)[:, None]
        self.default = np.minimum(
            fresh * alive + settled + self.closed * f.closure_default_share * alive, 0.6
        )
        entering = distressed * alive * rolled[:, None]
        self.zombie = np.clip(self.zombie + entering - settled - self.zombie * cured, 0, 0.95)
        self.layoff_default = np.minimum(fresh * (1 - self.zombie) + settled, 0.6)

        distance = 2.1 + 9 * (self.slow - 0.045)
        distressed = special.ndtr((-distance - pulled) / self.root_rest) + 0.15 * self.default.mean(1) * here
        hasty = np.where(self.solvent, self.dtype.type(0), self.dtype.type(0.10))
        settled_other = self.zombie_other * (levers.resolution_rate * 0.7 + hasty)
        fresh = distressed * (1 - self.zombie_other)
        self.default_other = 0.5 * fresh * (1 - rolled) + settled_other
        cured = self.zombie_other * np.clip(0.05 + 0.8 * (self.slow - 0.04), 0, 0.3)
        self.zombie_other = np.clip(self.zombie_other + 0.5 * fresh * rolled - settled_other - cured, 0, 0.9)

        self.resolved = 0.5 * settled.mean(1) + 0.5 * settled_other
        dear = 0.15 * 0.5 * (self.price[0] + self.price[1])
        hurry = f.fire_sale_effect * np.clip(self.resolved - 0.03, 0, 0.4)
        self.lgd = np.clip(f.loss_given_default + self.ageing - dear + hurry, 0.2, 0.95)
        financed = cash * np.where(cash < 0, self.dtype.type(-0.9), self.dtype.type(-0.45))
        written_off = 0.9 * self.default * self.lgd[:, None]
        self.leverage = np.clip((self.leverage + financed) * (1 - written_off) - levers.debt_swap, 0.3, 1.3)
        self.debt = b.liabilities * (self.leverage / b.leverage) * (self.capacity / b.capacity)
        self.ageing = self.ageing + f.loss_given_default_ageing * (rolled - 0.3)

    def _banks(self, levers):
        f, here = self.f, self.here
        exposure = f.soe_bank_exposure * 0.55 * self.debt
        self.other_loans = f.other_soe_loan_share * self.loans
        bad = (self.default * exposure).sum(1) + self.default_other * self.other_loans
        everyday = 0.0035 * self.loans * np.exp(-10 * np.clip(self.slow - 0.05, -0.08, 0.05))
        loss = bad * self.lgd + everyday
        hidden = ((self.zombie * exposure).sum(1) + self.zombie_other * self.other_loans) * self.lgd
        covered = np.minimum(loss, self.provisions)
        self.provisions = self.provisions - covered + 0.0025 * self.loans
        rate = (f.pre_provision_profit_rate - 0.0025 * here) * (1 - 0.4 * self.crunch) - 0.0025
        weighted = 0.78 * self.loans
        earned = self.capital + 0.62 * rate * self.loans - (loss - covered)
        self.recapitalised = levers.recapitalisation * np.maximum(0.105 * weighted - earned, 0)
        self.capital = earned + self.recapitalised
        reported = self.capital / weighted
        self.true_ratio = (self.capital + self.provisions - hidden) / weighted
        seen = levers.bank_transparency * self.true_ratio + (1 - levers.bank_transparency) * reported
        squeeze = np.clip((0.105 - seen) / 0.105, 0, 1.2)
        spill = f.crunch_contagion * squeeze[NE].mean(0) * (0.1 + 0.9 * here)
        self.crunch = 0.5 * self.crunch + 0.5 * np.minimum(squeeze + spill, 1.5)
        self.bank_loss += loss[NE].sum(0)
        self.lowest_ratio = np.minimum(self.lowest_ratio, self.true_ratio[NE].min(0))

    def _labour(self, since, shocks, levers):
        f, b, here = self.f, self.base, self.here
        freed = 1 - np.exp(self.elasticity * np.log(1 - self.closed))
        cut = self.employment * freed
        left = self.employment - cut
        freed = 1 - np.exp(self.elasticity[:, COAL] * np.log(1 - self.restructured))
        restructuring = 0.35 * left[:, COAL] * freed
        cut[:, COAL] += restructuring
        left[:, COAL] -= restructuring
        missing = np.clip(0.03 + 0.03 * self.leverage - self.margin, 0, 0.12)
        kept = levers.job_protection * np.where(self.solvent, self.dtype.type(1), self.dtype.type(0.25))
        market = left * 1.2 * missing * (1 - kept)[:, None]
        left = left - market
        disorder = np.where(np.asarray(levers.job_protection) < 0.5, self.dtype.type(0.6), self.dtype.type(1))
        effect = 0.12 + np.where(self.solvent, self.dtype.type(0), self.dtype.type(0.25)) * disorder
        default = left * self.layoff_default * effect[:, None]
        left = left - default
        self.employment = left * (1 - 0.028)

        layoffs = (cut + market + default).sum(1)
        national = np.maximum(layoffs.sum(0), 1)
        spent = levers.resettlement_fund / 2.0 if since < 2 else 0.0
        outlay = np.minimum(spent * 1000 / national / 41, 1.5)
        funded = np.minimum(outlay, 1)
        moved = f.internal_transfer_share * (0.45 + 0.55 * funded)
        retired = np.minimum(f.early_retirement_share * (0.5 + 0.5 * funded), 1 - moved)
        inflow = layoffs * (1 - moved - retired + 0.6 * f.indirect_layoff_ratio)

        tight = np.minimum(self.crunch, 1)
        pace = np.clip(self.slow - b.normal_growth, -0.12, 0.06)
        jobs = b.new_jobs * f.job_creation_rate * np.exp(6 * pace) * (1 - 0.4 * tight) + self.spin_offs
        anchors = np.where(shocks.anchor_arrival < 0.5, f.anchor_jobs, self.dtype.type(0))
        jobs[NE] += levers.anchor_investment * anchors
        pool = self.pool + inflow
        support = (
            f.fund_search_effect * outlay
            + f.service_sector_effect * levers.service_sector_support
            + f.startup_effect * levers.startup_support
            + f.sme_credit_effect * levers.sme_credit * (1 - tight)
        )
        crowding = f.congestion_exponent * np.log(1 + pool / jobs)
        base = -np.log(1 - f.reemployment_hazard_base)
        hazard = base * np.sqrt(jobs / b.new_jobs) * np.exp(support - crowding)
        leaving = hazard + f.out_migration_hazard * (0.5 + 1.5 * levers.labour_mobility) * here + 0.06
        staying = np.exp(-leaving)
        self.pool_before, self.pool = self.pool, pool * staying
        found = pool * (1 - staying) / leaving * hazard
        self.spin_offs, self.later_spin_offs = (
            self.later_spin_offs,
            levers.startup_support * f.spin_off_jobs * layoffs,
        )
        self.entered += inflow[NE].sum(0)
        self.reemployed += found[NE].sum(0)
        self.spent, self.fund = spent, spent * (layoffs / national)
        self.layoffs += layoffs[NE].sum(0)
        self.national_cut += cut.sum((0, 1))
        displaced = self.pool[NE].sum(0)
        self.person_years += displaced
        self.pool_peak = np.maximum(self.pool_peak, displaced)

    def _economy(self, shocks, levers):
        f, b, here = self.f, self.base, self.here
        zombie = 0.5 * self.zombie.mean(1) + 0.5 * self.zombie_other
        self.zombie_lag = 0.72 * self.zombie_lag + 0.28 * (zombie - self.first_zombie)
        change = np.log(np.maximum(self.output, 1e-6) / np.maximum(self.output_before, 1e-6))
        industrial = 0.8 * (b.value_added_share * change).sum(1)
        wages = 0.045 * (self.pool - self.pool_before) / (b.gdp * self.gdp)
        gap = (f.northeast_growth_gap + b.growth_gap_offset) * (1 - 0.15 * self.ramp)
        local = (
            gap
            + f.zombie_growth_drag * self.zombie_lag
            + f.resolution_growth_cost * self.resolved * (1 + 4 * self.resolved)
            - f.reform_growth_dividend * self.ramp
            - 2e-5 * self.spent
        )
        local[NE] -= 0.012 * shocks.province_growth_noise
        growth = (
            self.growth_china
            - here * local
            + industrial
            - f.lost_wage_multiplier * wages
            - f.crunch_growth_cost * self.crunch
        )
        self.gdp = self.gdp * np.exp(growth)
        self.national = self.national * np.exp(self.growth_china)
        owed = 1.6 * self.zombie.mean(1) * self.debt.sum(1) + 0.35 * self.zombie_other * self.other_loans
        subsidies = np.where(self.space > -0.02, levers.subsidy_rate * owed, self.dtype.type(0))
        fed = 0.0040 * np.exp(6 * np.clip(growth - 0.04, -0.1, 0.1))
        self.space = np.minimum(self.space + fed - subsidies / (b.gdp * self.gdp), 0.12)
        self.slow = 0.5 * self.slow + 0.5 * growth
        self.loans = self.loans * np.exp(np.clip(0.75 * growth + 0.025 - 0.06 * self.crunch, -0.1, 0.12))

        self.cost += (subsidies + self.recapitalised + self.fund)[NE].sum(0)
        short = np.maximum(0.105 - self.true_ratio, 0) * 0.78 * self.loans
        self.shortfall_peak = np.maximum(self.shortfall_peak, short[NE].sum(0))
        index = (self.gdp * b.gdp)[NE].sum(0) / b.gdp[NE].sum()
        grown = np.log(index / self.index)
        if self.last_growth is not None:
            self.worst_spell = np.minimum(self.worst_spell, np.maximum(grown, self.last_growth))
        self.last_growth, self.index = grown, index

    def outcomes(self):
        share = 100 / self.base.gdp[NE].sum()
        return {
            "layoffs": self.layoffs,
            "displaced_peak": self.pool_peak,
            "displaced_person_years": self.person_years,
            "zombie_share_2030": self.zombie[NE].mean((0, 1)),
            "capital_shortfall_peak": self.shortfall_peak * share,
            "lowest_true_capital_ratio": self.lowest_ratio,
            "worst_two_year_growth": self.worst_spell,
            "bank_loss": self.bank_loss * share,
            "gdp_index_2030": self.index,
            "gdp_loss_2030": 1 - self.index / self.national,
            "public_cost": self.cost * share,
            "reemployed_share": self.reemployed / np.maximum(self.entered, 1e-6),
            "national_cut_layoffs": self.national_cut,
        }
