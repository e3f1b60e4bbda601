"""What the model reads: factors drawn once per path, and shocks drawn every year."""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.modelling.records import Factor, Shock
from engine.models.rustbelt.labels import Scalar


class Now(NamedTuple):
    """What this year is given: draws, levers in force, years since 2016 and since the policy in force began."""

    factors: Any
    shocks: Any
    levers: Any
    elapsed: Scalar
    since_start: Scalar


FACTORS = {
    # commodity prices
    "steel_recovery_years": Factor("year", "years until 90 % of the steel price gap to its target is closed"),
    "coal_recovery_years": Factor("year", "years until 90 % of the coal price gap to its target is closed"),
    "cement_recovery_years": Factor(
        "year", "years until 90 % of the cement price gap to its target is closed"
    ),
    "steel_price_response": Factor("1", "log price target per unit of steel utilisation above its target"),
    "coal_price_response": Factor("1", "log price target per unit of coal utilisation above its target"),
    "cement_price_response": Factor("1", "log price target per unit of cement utilisation above its target"),
    "exit_rate": Factor("1/yr", "capacity that leaves in a year per unit of log price below normal"),
    "price_volatility": Factor("1/yr^0.5", "annual noise of the log price"),
    "slump_rate": Factor("1/yr", "chance of a slump in a year"),
    # demand
    "steel_demand_drift": Factor("1/yr", "drift of domestic steel demand"),
    "coal_demand_drift": Factor("1/yr", "drift of domestic coal demand"),
    "cement_demand_drift": Factor("1/yr", "drift of domestic cement demand"),
    "national_growth_decline": Factor("1/yr^2", "yearly decline of national growth from 6.7 %"),
    "trade": Factor("1/yr", "drift of the export demand index"),
    "urbanisation_years": Factor("year", "years until the pace of urbanisation has faded by 80 %"),
    "pandemic_depth": Factor("1", "national growth lost in the first year of the pandemic"),
    "property_downturn": Factor("1/yr", "cement demand lost in each year of the property slump"),
    "share_volatility": Factor(
        "1/yr^0.5", "annual noise of the log share of a northeastern province in a sector's output"
    ),
    "belt_road_demand_share": Factor("1", "extra external demand at full lever, share of 2015 steel demand"),
    "belt_road_cost": Factor("1/yr", "loans lost by Belt and Road projects in full, share of GDP in a year"),
    # plans and their execution
    "steel_cut_total": Factor("Mt", "steel capacity that the plan closes over five years"),
    "coal_closure_years": Factor("year", "years over which the plan closes 500 Mt of coal capacity"),
    "coal_restructuring_years": Factor(
        "year", "years over which a further 500 Mt of coal capacity is restructured"
    ),
    "compliance": Factor("1", "executed cut over planned cut"),
    # labour effect of cuts
    "steel_cut_labour_elasticity": Factor("1", "labour freed by a steel cut c is 1 - (1 - c)^this"),
    "coal_cut_labour_elasticity": Factor("1", "the same for coal, halved in the northeast"),
    "cement_cut_labour_elasticity": Factor("1", "the same for cement"),
    "indirect_layoff_ratio": Factor("1", "layoffs at suppliers and in towns per direct layoff"),
    # labour market
    "internal_transfer_share": Factor("1", "share of the laid off moved inside the firm when funded"),
    "early_retirement_share": Factor("1", "share of the laid off retired early when funded"),
    "reemployment_hazard_base": Factor("1/yr", "base chance of re-employment within a year"),
    "fund_search_effect": Factor("1", "log gain of the hazard at 41 thousand yuan per layoff"),
    "service_sector_effect": Factor("1", "log gain of the hazard at full service-sector support"),
    "sme_credit_effect": Factor(
        "1", "log gain of the hazard at full credit to small firms, without a crunch"
    ),
    "startup_effect": Factor("1", "log gain of the hazard at full start-up support"),
    "out_migration_hazard": Factor("1/yr", "hazard of leaving the northeast"),
    "mobility_effect": Factor("1", "hazard of leaving that full help to move adds, over the drawn hazard"),
    "job_creation_rate": Factor("1", "level of new urban jobs over its 2015 level"),
    "spin_off_jobs": Factor("1", "jobs in new firms per laid-off worker after two years"),
    "anchor_jobs": Factor("k persons", "jobs brought by one anchor investment"),
    "congestion_exponent": Factor("1", "how strongly a crowded pool slows re-employment"),
    "layoff_scarring": Factor(
        "1", "log loss of the hazard per point of urban jobs that the pool exceeds 0.2 % by"
    ),
    "displaced_demand_effect": Factor("1", "log of new jobs lost per point of urban jobs that is displaced"),
    "default_layoffs": Factor("1", "workers laid off per unit of debt in default that is recognised"),
    # what programmes cost
    "service_sector_cost": Factor(
        "thousand yuan/yr", "cost of full service-sector support per displaced person in a year"
    ),
    "startup_cost": Factor(
        "thousand yuan/yr", "cost of full support of start-ups per displaced person in a year"
    ),
    "mobility_cost": Factor("thousand yuan/yr", "cost of full help to move per displaced person in a year"),
    "anchor_cost": Factor(
        "thousand yuan", "public cost of a job of an anchor investment that a displaced person fills"
    ),
    "diversification_cost": Factor("1/yr", "cost of full diversification, share of GDP in a year"),
    "diversification_margin": Factor("1/yr", "EBITDA over assets that full diversification adds"),
    "diversification_growth": Factor(
        "1", "part of the northeast's growth gap that full diversification closes"
    ),
    # state-owned enterprises
    "steel_margin_response": Factor("1", "EBITDA over assets per unit of log steel price"),
    "coal_margin_response": Factor("1", "EBITDA over assets per unit of log coal price"),
    "cement_margin_response": Factor("1", "EBITDA over assets per unit of log cement price"),
    "northeast_cost_gap": Factor("1/yr", "disadvantage of the northeast in EBITDA over assets"),
    "subsidy_pass_through": Factor(
        "1", "share of a subsidy that reaches the cash of the firms it is paid for"
    ),
    "overstaffing_cost": Factor("1", "share of a kept worker's wage that the firm loses"),
    "default_selection": Factor("1", "how much of the worst year so far the survivors are proof against"),
    "survivor_relief": Factor("1", "part of written-off debt that lowers the leverage of firms that go on"),
    "broke_rollover": Factor("1", "debt rolled over once the budget has no room, over what is meant"),
    "broke_recognition": Factor("1/yr", "zombie debt that must be recognised once the budget has no room"),
    "kept_output_loss": Factor("1", "output lost per yuan of wages of workers kept in jobs that do not pay"),
    "asset_volatility": Factor("1/yr^0.5", "volatility of the log asset value"),
    "asset_correlation": Factor("1", "correlation of asset values"),
    "zombie_share_initial": Factor(
        "1", "insolvent, unresolved share of steel and coal debt in the northeast"
    ),
    "loss_given_default": Factor("1", "loss given default in 2015"),
    "loss_given_default_ageing": Factor(
        "1/yr", "growth of the loss given default per year of full evergreening"
    ),
    "closure_default_share": Factor("1", "share of closed capacity's debt that defaults"),
    "fire_sale_effect": Factor("1", "loss given default added per resolution flow above 3 % a year"),
    # banks
    "capital_ratio_initial": Factor("1", "capital over risk-weighted assets in 2015"),
    "pre_provision_profit_rate": Factor("1/yr", "profit before provisions over loans"),
    "other_soe_loan_share": Factor("1", "loans to other state-owned enterprises over all loans"),
    "other_distance": Factor("1", "distance to default of other state firms at growth of 4.5 %"),
    "other_growth_response": Factor("year", "distance to default of other state firms per unit of growth"),
    "swap_loss": Factor("1", "part of debt swapped for equity that banks lose"),
    "sme_credit_loss": Factor(
        "thousand yuan/yr", "loans lost by full credit to small firms per displaced person in a year"
    ),
    "bailout_sight": Factor("1", "part of hidden losses that who rescues banks goes by"),
    "bank_spread": Factor("1", "spread of capital ratios among the banks of a province"),
    "transparency_discipline": Factor("1", "part of evergreening that full transparency ends"),
    "transparency_funding_cost": Factor("1/yr", "profit lost per yuan of hidden loss that is seen"),
    "crunch_contagion": Factor("1", "spill-over of the mean northeast credit crunch"),
    "soe_bank_exposure": Factor("1", "share of the sectors' bank debt that sits in the province's banks"),
    # growth and the budget
    "crunch_growth_cost": Factor("1/yr", "growth lost per unit of credit crunch"),
    "resolution_growth_cost": Factor("1/yr", "growth lost per unit of zombie debt resolved"),
    "liaoning_reporting_error": Factor("1/yr", "measurement error of Liaoning's reported growth in 2016"),
    "lost_wage_multiplier": Factor("1", "income lost per yuan of lost wages"),
    "zombie_growth_drag": Factor("1/yr", "growth lost per unit of zombie share, lagged"),
    "reform_growth_dividend": Factor("1/yr", "growth gained after five years of reform"),
    "northeast_growth_gap": Factor("1/yr", "structural gap of northeast growth"),
    "fiscal_space_initial": Factor("1", "room for support in 2015, share of GDP"),
}

SHOCKS = {
    "growth_noise": Shock(about="national growth"),
    "export_noise": Shock(about="export demand"),
    "demand_noise": Shock(dims=("sector",), about="domestic demand"),
    "price_noise": Shock(dims=("sector",), about="price"),
    "province_growth_noise": Shock(dims=("province",), about="growth of a province"),
    "share_noise": Shock(dims=("province", "sector"), about="share of a province in a sector's output"),
    "urbanisation_noise": Shock(about="pace of urbanisation"),
    "credit_noise": Shock(about="systemic credit factor"),
    "region_credit_noise": Shock(dims=("region",), about="regional credit factor"),
    "commodity_cycle": Shock(about="common commodity cycle"),
    "slump_size": Shock(about="size of a slump"),
    "slump": Shock(law="uniform", about="whether a slump comes"),
    "anchor_arrival": Shock(dims=("province",), law="uniform", about="whether an anchor investment comes"),
}
