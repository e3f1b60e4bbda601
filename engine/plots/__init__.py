"""Charts of a run: a cube in, matplotlib figures or axes out. The only room that knows matplotlib."""

from engine.plots.convergence import convergence
from engine.plots.correlation import correlation
from engine.plots.differences import differences
from engine.plots.exceedance import exceedance
from engine.plots.fan import fan, fans
from engine.plots.kinds import KINDS, Kind, figure, named, refuse_options
from engine.plots.priors import priors
from engine.plots.replay import replay
from engine.plots.scatter import scatter
from engine.plots.sheet import refuse_file, save
from engine.plots.style import COLOURS, INK, STYLE
from engine.plots.tails import tails
from engine.plots.tornado import tornado

__all__ = [
    "COLOURS",
    "INK",
    "KINDS",
    "STYLE",
    "Kind",
    "convergence",
    "correlation",
    "differences",
    "exceedance",
    "fan",
    "fans",
    "figure",
    "named",
    "priors",
    "refuse_file",
    "refuse_options",
    "replay",
    "save",
    "scatter",
    "tails",
    "tornado",
]
