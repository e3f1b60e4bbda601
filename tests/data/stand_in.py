"""A small model with names of the one that ships, for code that only names them."""

from engine.modelling.cells import each
from engine.modelling.folds import last, peak, total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, Yearly


@each
def grown(trend, luck):
    """Growth of one region in one year."""
    return trend + 0.1 * luck


class StandIn(PathModel):
    """Layoffs by a lever, growth by a trend and luck."""

    dims = {"region": ("Liaoning", "Jilin")}
    factors = {"national_growth_decline": Factor("1"), "job_creation_rate": Factor("1")}
    shocks = {"luck": Shock(dims=("region",))}
    levers = {"job_protection": Lever("1", default=1.0)}
    yearly = {"growth": Yearly("1", ("region",)), "cut_layoffs": Yearly("k persons", loss=True)}
    outcomes = {
        "capital_shortfall_peak": Outcome("k persons", peak("cut_layoffs"), loss=True),
        "reemployed_share": Outcome("1", last("growth", across="mean")),
        "layoffs": Outcome("k persons", total("cut_layoffs"), loss=True),
    }

    def init(self, factors, levers):
        return {"gone": 0.0 * factors.job_creation_rate}

    def step(self, state, year, factors, shocks, levers):
        cut = factors.national_growth_decline - levers.job_protection + 0.1 * state["gone"]
        growth = grown(factors.job_creation_rate - 0.01 * cut, shocks.luck)
        return {"gone": cut}, {"growth": growth, "cut_layoffs": cut}
