"""A model that says things to a terminal wherever a text may stand, and prints to it whenever it is asked."""

from engine import Cells, Factor, Lever, Outcome, PathModel, Shock, Yearly, total

SAYS = "\x1b[2J\x1b]0;title\x07 \x9b31m \u202e [bold]b[/bold] \r"
"""Clears a screen, names a window, colours, turns the direction of writing, is markup of rich, and returns to the
line's start.
"""

print("loaded", SAYS)


class Loud(PathModel):
    """A model \x1b[2J [bold]b[/bold]."""

    dims = {"region": (f"[red]north[/red]{SAYS}", "south")}
    factors = {"a": Factor(f"t {SAYS}")}
    shocks = {"rain": Shock(f"1 {SAYS}")}
    levers = {"s": Lever(f"1 {SAYS}", 1.0), "q": Lever(f"1 {SAYS}", 1.0, ("region",))}
    yearly = {"y": Yearly(f"k {SAYS}", loss=True, about=SAYS), "r": Yearly(f"[red]r[/red] {SAYS}", ("region",))}
    outcomes = {"d": Outcome(f"k {SAYS}", total("y"), loss=True, about=f"about {SAYS}")}

    def init(self, factors, levers):
        print("traced", SAYS)
        return factors.a

    def step(self, state, year, factors, shocks, levers):
        after = state + shocks.rain + levers.s
        return after, {"y": after, "r": levers.q * Cells({"region": self.dims["region"]}, [after, after])}
