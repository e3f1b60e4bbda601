"""The schema of study files: which keys a table has, of which types, and what each means. Docstrings of tables, and
the texts below keys, are descriptions in the JSON schema (`json_schema.py`)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, create_model

from engine.study.components import EventTable
from engine.study.entries import Correlations, Line, Name, Outcomes, Rate, Share, Single, Threshold
from engine.study.tables.challenge import Challenge
from engine.study.tables.facts import FactsTable
from engine.study.tables.gates import Gate
from engine.study.tables.observed import ObservedTable
from engine.study.tables.record import Labelled, Table

Words = str | None
Number = float | None
Names = list[str] | None
Numbers = list[float] | None


class NamedTable(Labelled):
    """The label of an outcome, a yearly variable or a lever of the model."""


class Run(Table):
    """Number of paths, and how they are sampled."""

    paths: int = Field(1_048_576, ge=1, le=2**62)
    """number of paths"""
    seed: int = Field(2016, ge=0, le=2**63 - 1)
    """seed of all random words"""
    sampler: str = "antithetic"
    """sampler, which converts path numbers to random numbers"""
    precision: Literal["float32", "float64"] = "float32"
    """type of all numbers that are computed and stored"""
    program: Literal["loop", "xla"] = "loop"
    """form of the compiled program: loop where the model allows it, or xla"""
    nonfinite: float = Field(0.0, ge=0, le=0.01)
    """share of paths that may be excluded as not finite"""
    until: list[str] = []
    """targets of precision at which the run ends, in sentences"""
    tile: int | None = Field(None, ge=1)
    """paths in one compiled pass, a power of two from 16 to 131072"""


class Time(Table):
    """The years of a model that has years; or other steps, such as weeks, by their numbers."""

    first: int = Field(ge=0, le=999_999)
    """first calendar year, or number of the first step"""
    last: int = Field(ge=0, le=999_999)
    """last calendar year or step, included"""
    unit: str = "year"
    """name of a time step"""


class Truncation(Table):
    """Bounds of a truncated law, both included."""

    low: Number = None
    """lowest value that is kept"""
    high: Number = None
    """highest value that is kept"""


_QUANTILES: dict[str, Any] = {
    f"p{percent:02}": (Number, Field(None, description=f"the {percent} % quantile"))
    for percent in (1, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 95, 99)
}
_Quantiles = create_model("_Quantiles", __base__=Table, **_QUANTILES)


class LawTable(_Quantiles):
    """A law. All other keys are parameters of the family, by SciPy's names."""

    model_config = ConfigDict(extra="allow")

    family: Words = None
    """name of the law"""
    value: Number = None
    """the value of a fixed number"""
    low: Number = None
    """lowest value"""
    mode: Number = None
    """most likely value: a parameter of the law, or a value that the fitted law must have"""
    high: Number = None
    """highest value"""
    mean: Number = None
    """mean: a parameter of the law, or a value that the fitted law must have"""
    sd: Number = None
    """standard deviation: a parameter of the law, or a value that the fitted law must have"""
    median: Number = None
    """median of a lognormal or logit-normal law"""
    sigma: Number = None
    """standard deviation of the logarithm, or of the logit"""
    range90: Numbers = None
    """the 5 % and the 95 % quantile"""
    quantiles: list[list[float]] | None = None
    """pairs of a probability and its quantile"""
    terms: int | None = None
    """terms of a metalog, 3 to 9"""
    labels: Names = None
    """names of categories"""
    weights: Numbers = None
    """weight of each category, of any sum"""
    values: Numbers = None
    """values of the categories, or the data themselves"""
    resampled: bool | None = None
    """whether draws are resampled data rather than interpolated"""
    parts: list[WeightedLaw] | None = None
    """laws of a mixture, each with its weight"""
    experts: list[WeightedLaw] | None = None
    """laws stated by several experts, each with its weight"""
    pool: Words = None
    """method that pools experts"""
    truncate: Truncation | None = None
    """bounds of a truncated law"""
    transform: list[Any] | None = None
    """functions applied to the value, in this order"""
    source: Words = None
    """source of the law"""


class WeightedLaw(LawTable):
    """A law among several, with its weight."""

    weight: Number = None
    """weight relative to the others"""


LawTable.model_rebuild()


class FactorTable(Labelled, LawTable):
    """An uncertain input, drawn once on each path."""

    about: Words = None
    """meaning"""
    unit: Words = None
    """unit of the factor, which must equal the model's"""
    group: Words = None
    """group of dependent inputs that it belongs to"""
    source: Words = None
    """source of the prior"""


class ShockTable(Labelled, LawTable):
    """A shock: its law, its group and its persistence."""

    about: Words = None
    """meaning"""
    group: Words = None
    """group of dependent inputs that it belongs to"""
    persistence: Number = None
    """correlation of its normal score with that of the year before"""
    probability: Share | None = None
    """probability of a jump in a year, or a factor that gives it"""
    rate: Rate | None = None
    """expected number of jumps in a year, or a factor that gives it"""
    size: LawTable | None = None
    """law of one jump"""


class GroupTable(Labelled):
    """A group of dependent factors or shocks."""

    copula: str = "gaussian"
    """copula of the members"""
    correlation: Number = None
    """Pearson correlation of the normal scores of any two members"""
    pearson: Correlations | None = None
    """the same correlation, or a matrix of correlations in the order of members"""
    spearman: Correlations | None = None
    """Spearman's rank correlation of any two members, or a matrix"""
    kendall: Correlations | None = None
    """Kendall's rank correlation of any two members, or a matrix"""
    df: Number = None
    """degrees of freedom of the t copula, 1 to 1000"""
    members: Names = Field(None, min_length=1)
    """names of the members"""
    against: Names = Field(None, min_length=1)
    """members with the opposite sign of dependence"""
    ranks: dict[str, list[int]] | None = Field(None, min_length=1)
    """ranks of the data by member, from 0"""


class PolicyTable(Labelled):
    """A decision. All other keys are levers of the model."""

    model_config = ConfigDict(extra="allow")

    about: Words = None
    """meaning of the policy"""
    like: Words = None
    """policy to start from: its levers, start, before and implementation"""
    before: Words = None
    """policy in force before the start, and that a partial implementation starts from"""
    start: int | None = None
    """first year in force"""
    implementation: Share | None = None
    """share of the change from before that is implemented, or a factor that gives it"""
    when: dict[str, dict[str, Any]] | None = None
    """values of levers while triggers act, by trigger"""


# `for` cannot be the name of an attribute
_FOR: dict[str, Any] = {
    "for": (float, Field(1.0, description="number of consecutive years that the variable must be beyond it"))
}
_Lasting = create_model("_Lasting", __base__=Table, **_FOR)


class TriggerTable(_Lasting):
    """A rule by which policies set levers while a recorded variable is beyond a threshold."""

    about: Words = None
    """meaning of the trigger"""
    reads: str = ""
    """yearly variable that it reads; the model marks it as observed"""
    below: Threshold | None = None
    """threshold that the variable falls below"""
    above: Threshold | None = None
    """threshold that the variable exceeds"""
    until_above: Threshold | None = None
    """threshold above which it ends, by default below"""
    until_below: Threshold | None = None
    """threshold below which it ends, by default above"""
    delay: float = 0.0
    """number of further years before it acts"""


class AssumptionTable(Labelled):
    """An assumption that the results may depend on: changes if it does not hold, and if its effect is doubled."""

    about: Words = None
    """meaning of the assumption"""
    off: dict[str, Any] | None = None
    """changes that switch it off: factors and levers by name"""
    doubled: dict[str, Any] | None = None
    """changes that double its effect"""


class LeverGroupTable(Labelled):
    """A group of levers for an attribution, and its label."""

    levers: list[str] = Field(min_length=1)
    """the levers"""


class KeepTable(Table):
    """What is stored path by path."""

    outcomes: Outcomes = "all"
    """outcomes that are stored path by path"""
    draws: int = Field(131_072, ge=0)
    """number of first paths whose factor draws are stored"""
    yearly: int = Field(16_384, ge=0)
    """number of first paths that yearly estimates use"""


class RiskTable(Table):
    """Risk measures of the outcomes."""

    levels: list[float] = Field([], max_length=20)
    """levels of VaR and ES in per cent, beside 95, 99 and 99.9"""


class StudyText(Table):
    """A study: model, priors, policies, events and number of paths."""

    extends: Words = None
    """study to extend: a shipped one, or a file"""
    name: Name
    """name of the study, and of its runs' folders"""
    question: str = ""
    """question that the study answers"""
    author: Line = ""
    """author, as named in the report"""
    model: Words = None
    """name of a model that ships or that an installed package provides, or FILE:CLASS of your own"""
    baseline: Words = None
    """policy that the others are compared with"""
    compare: Names = Field(None, min_length=1)
    """policies that run, in this order"""
    headline: Names = Field(None, min_length=1)
    """outcomes that short tables show, in this order"""
    run: Run = Run()
    """number of paths, sampler and precision"""
    time: Time | None = None
    """years of a model with years"""
    groups: dict[str, GroupTable] = {}
    """groups of dependent factors or shocks"""
    factors: dict[str, FactorTable] = {}
    """uncertain inputs, drawn once on each path"""
    constants: dict[str, Single] = {}
    """other values of the model's constants"""
    shocks: dict[str, ShockTable] = {}
    """laws of yearly shocks, in place of the model's"""
    policies: dict[str, PolicyTable] = {}
    """decisions, by their levers"""
    triggers: dict[str, TriggerTable] = {}
    """rules by which policies set levers where a recorded variable passes a threshold"""
    events: dict[str, EventTable] = {}
    """thresholds on outcomes"""
    lever_groups: dict[str, LeverGroupTable] = {}
    """groups of levers for attribute"""
    assumptions: dict[str, AssumptionTable] = {}
    """assumptions that the results may depend on"""
    challenge: Challenge = Challenge()
    """claims of the study, and alternative choices that test them"""
    gates: dict[str, Gate] = {}
    """facts that the model should reproduce"""
    observed: ObservedTable = ObservedTable()
    """observed figures that the study is scored on"""
    facts: FactsTable | None = None
    """observed figures that the study is conditioned on"""
    outcomes: dict[str, NamedTable] = {}
    """labels of the model's outcomes"""
    yearly: dict[str, NamedTable] = {}
    """labels of the model's yearly variables"""
    levers: dict[str, NamedTable] = {}
    """labels of the model's levers"""
    risk: RiskTable = RiskTable()
    """risk measures of the outcomes"""
    dimensions: dict[str, list[int]] = {}
    """Sobol' dimensions by random stream, of shocks one a year"""
    keep: KeepTable = KeepTable()
    """numbers that are stored path by path"""


SECTIONS: dict[str, type[Table]] = {
    "run": Run,
    "time": Time,
    "challenge": Challenge,
    "observed": ObservedTable,
    "facts": FactsTable,
    "risk": RiskTable,
    "keep": KeepTable,
}
NAMED: dict[str, type[Table]] = {
    "groups": GroupTable,
    "factors": FactorTable,
    "shocks": ShockTable,
    "policies": PolicyTable,
    "triggers": TriggerTable,
    "events": EventTable,
    "lever_groups": LeverGroupTable,
    "assumptions": AssumptionTable,
    "gates": Gate,
    "outcomes": NamedTable,
    "yearly": NamedTable,
    "levers": NamedTable,
}
