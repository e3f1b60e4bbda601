"""A random walk with drift in two places, whose predictive laws are known by hand, and studies of it that state
observations.
"""

from engine.modelling.cells import each, table
from engine.modelling.folds import total
from engine.modelling.imposing import imposed
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, Yearly
from engine.study.loading import read_study

PLACES = ("north", "south")
YEARS = range(2021, 2031)


class Walk(PathModel):
    """Height = drift x years + the sum of a shock a year, 0 before the first; damage is twice the height."""

    dims = {"place": PLACES}
    factors = {"drift": Factor("kt/yr")}
    shocks = {"step": Shock(dims=("place",))}
    levers = {"brake": Lever("1")}
    yearly = {"height": Yearly("kt", ("place",)), "damage": Yearly("kt", ("place",), loss=True), "total": Yearly("kt")}
    outcomes = {"sum": Outcome("kt", total("damage"), loss=True)}
    imposable = ("height",)

    def init(self, factors, levers):
        return {"height": table({"place": PLACES}, [0.0 for _ in PLACES])}

    def step(self, state, year, factors, shocks, levers):
        height = risen(state["height"], factors.drift * (1.0 - levers.brake), shocks.step)
        height = imposed(levers, "height", height)
        return {"height": height}, {"height": height, "damage": 2.0 * height, "total": height.over("place")}


@each
def risen(height, drift, step):
    return height + drift + step


def row(time, value, at="place=north", variable="height", **more):
    """A figure that was read and that nobody had seen."""
    known = {"series": f"{variable} {at}", "unit": "kt", "source": "gauge", "confidence": "read"}
    return {**known, "time": time, "value": value, "variable": variable, **({"at": at} if at else {}), **more}


def walk(*rows, paths=4096, observed=None, **changes):
    """The study of the walk with some figures; `changes` are tables of it."""
    text = {
        "name": "walk",
        "time": {"first": YEARS[0], "last": YEARS[-1]},
        "run": {"paths": paths, "seed": 3},
        "factors": {"drift": {"family": "normal", "mean": 0.0, "sd": 0.5}},
        "policies": {"old": {}, "new": {"brake": 1.0}},
        "baseline": "old",
        "observed": {"policy": "old", "rows": [*rows], **(observed or {})},
        **changes,
    }
    return read_study(text, "walk.toml", model=Walk())
