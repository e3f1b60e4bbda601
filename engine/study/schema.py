"""The schema of study files: which keys a table has, of which types, and what each means. Docstrings of tables, and
texts of keys, are descriptions in the JSON schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, create_model
from pydantic.json_schema import GenerateJsonSchema

from engine.study import lever_groups
from engine.study.components import EventTable
from engine.study.entries import Correlations, Outcomes, Rate, Share, Threshold
from engine.study.tables.challenge import Challenge
from engine.study.tables.facts import FactsTable
from engine.study.tables.gates import Gate
from engine.study.tables.observed import ObservedTable
from engine.study.tables.record import Labelled, Table, says

Words = str | None
Number = float | None
Names = list[str] | None
Numbers = list[float] | None


class NamedTable(Labelled):
    """The label of an outcome, a yearly variable or a lever of the model."""


class Run(Table):
    """Number of paths, and how they are sampled."""

    paths: int = says("number of paths", 1_048_576, ge=1, le=2**62)
    seed: int = says("seed of all random words", 2016, ge=0, le=2**63 - 1)
    sampler: str = says("how path numbers become random numbers", "antithetic")
    precision: Literal["float32", "float64"] = says("type of all numbers that are computed and stored", "float32")
    program: Literal["loop", "xla"] = says(
        "form of the compiled program: loop where the model allows it, or xla", "loop"
    )
    nonfinite: float = says("share of paths that may be excluded as not finite", 0.0, ge=0, le=0.01)
    until: list[str] = says("targets of precision at which the run ends, in sentences", [])
    tile: int | None = says("paths in one compiled pass, a power of two from 16 to 131072", ge=1)


class Time(Table):
    """The years of a model that has years; or other steps, such as weeks, by their numbers."""

    first: int = says("first calendar year, or number of the first step", ..., ge=0, le=999_999)
    last: int = says("the last one, included", ..., ge=0, le=999_999)
    unit: str = says("name of a step", "year")


class Truncation(Table):
    """Bounds of a truncated law, both included."""

    low: Number = says("lowest value that is left")
    high: Number = says("highest value that is left")


_QUANTILES: dict[str, Any] = {
    f"p{percent:02}": (Number, says(f"the {percent} % quantile"))
    for percent in (1, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 95, 99)
}
_Quantiles = create_model("_Quantiles", __base__=Table, **_QUANTILES)


class LawTable(_Quantiles):  # type: ignore[valid-type, misc]
    """A law. All other keys are parameters of the family, by SciPy's names."""

    model_config = ConfigDict(extra="allow")

    family: Words = says("name of the law")
    value: Number = says("the value of a fixed number")
    low: Number = says("lowest value")
    mode: Number = says("most likely value, a parameter or a statement")
    high: Number = says("highest value")
    mean: Number = says("mean, a parameter or a statement")
    sd: Number = says("standard deviation, a parameter or a statement")
    median: Number = says("median of a lognormal or logit-normal law")
    sigma: Number = says("standard deviation of the logarithm, or of the logit")
    range90: Numbers = says("the 5 % and the 95 % quantile")
    quantiles: list[list[float]] | None = says("pairs of a probability and its quantile")
    terms: int | None = says("terms of a metalog, 3 to 9")
    labels: Names = says("names of categories")
    weights: Numbers = says("weight of each category, of any sum")
    values: Numbers = says("values of the categories, or the data themselves")
    resampled: bool | None = says("whether draws are resampled data rather than interpolated")
    parts: list[WeightedLaw] | None = says("laws of a mixture, each with its weight")
    experts: list[WeightedLaw] | None = says("laws stated by several experts, each with its weight")
    pool: Words = says("how experts are pooled")
    truncate: Truncation | None = says("bounds of a truncated law")
    transform: list[Any] | None = says("functions applied to the value, in this order")
    source: Words = says("where the law comes from")


class WeightedLaw(LawTable):
    """A law among several, with its weight."""

    weight: Number = says("weight among the others, of any sum")


LawTable.model_rebuild()


class FactorTable(Labelled, LawTable):
    """An uncertain input, drawn once on each path."""

    about: Words = says("what it means")
    unit: Words = says("must equal the model's unit")
    group: Words = says("group of dependent inputs that it belongs to")
    source: Words = says("where the prior comes from")


class ShockTable(Labelled, LawTable):
    """A shock: its law, its group and its persistence."""

    about: Words = says("what it means")
    group: Words = says("group of dependent inputs that it belongs to")
    persistence: Number = says("correlation of its normal score with that of the year before")
    probability: Share | None = says("probability of a jump in a year, or the factor that is")
    rate: Rate | None = says("expected number of jumps in a year, or the factor that is")
    size: LawTable | None = says("law of one jump")
    regime: Words = says("the regime that chooses its law, or whose state it is")
    states: dict[str, LawTable] | None = says("its law in each state of the regime")


class RegimeTable(Labelled):
    """A Markov chain: a state every year."""

    about: Words = says("what it means")
    source: Words = says("where its probabilities come from")
    states: list[str] = says("names of the states; the model sees their numbers, from 0", ...)
    start: Numbers = says("probabilities of the states in the first year")
    transition: list[list[float]] = says("a row for each state: probabilities of next year's states", ...)


class GroupTable(Labelled):
    """A group of dependent factors or shocks."""

    copula: str = says("copula of the members", "gaussian")
    correlation: Number = says("Pearson correlation of the normal scores of any two members")
    pearson: Correlations | None = says("the same number, or a matrix of them in the order of members")
    spearman: Correlations | None = says("Spearman's rank correlation of any two members, or a matrix")
    kendall: Correlations | None = says("Kendall's rank correlation of any two members, or a matrix")
    df: Number = says("degrees of freedom of the t copula, 1 to 1000")
    members: Names = says("names of the members", min_length=1)
    against: Names = says("members with the opposite sign of dependence", min_length=1)
    ranks: dict[str, list[int]] | None = says("ranks of the data by member, from 0", min_length=1)


class PolicyTable(Labelled):
    """A decision. All other keys are levers of the model."""

    model_config = ConfigDict(extra="allow")

    about: Words = says("meaning of the policy")
    like: Words = says("policy to start from: its levers, start, before and implementation")
    before: Words = says("policy in force before the start, and that a partial implementation starts from")
    start: int | None = says("first year in force")
    implementation: Share | None = says("share of the way from before to here that is reached, or the factor that is")
    when: dict[str, dict[str, Any]] | None = says("values of levers while triggers act, by trigger")


# `for` cannot be the name of an attribute
_FOR: dict[str, Any] = {"for": (float, says("years in a row that the variable is beyond it first", 1.0))}
_Lasting = create_model("_Lasting", __base__=Table, **_FOR)


class TriggerTable(_Lasting):  # type: ignore[valid-type, misc]
    """A rule by which policies set levers while a recorded variable is beyond a threshold."""

    about: Words = says("what it stands for")
    reads: str = says("yearly variable that it reads; the model marks it as observed", "")
    below: Threshold | None = says("threshold that the variable falls below")
    above: Threshold | None = says("threshold that the variable exceeds")
    until_above: Threshold | None = says("threshold above which it ends, by default below")
    until_below: Threshold | None = says("threshold below which it ends, by default above")
    delay: float = says("years by which it acts later than in the year after", 0.0)


class AssumptionTable(Labelled):
    """An assumption that the results may depend on: changes if it does not hold, and if its effect is doubled."""

    about: Words = says("what is assumed")
    off: dict[str, Any] | None = says("changes if it does not hold: factors and levers by name")
    doubled: dict[str, Any] | None = says("changes if its effect is doubled")


_Levers = Annotated[list[str], Field(min_length=1)]


class LeverGroupTable(Labelled):
    """A group of levers for an attribution, and its label."""

    levers: _Levers = says("the levers", ...)


_LeverGroup = Annotated[
    LeverGroupTable, BeforeValidator(lever_groups.table, json_schema_input_type=_Levers | LeverGroupTable)
]


class KeepTable(Table):
    """What is stored path by path."""

    outcomes: Outcomes = says("outcomes that are stored path by path", "all")
    draws: int = says("number of first paths whose factor draws are stored", 131_072, ge=0)
    yearly: int = says("number of first paths that yearly numbers come from", 16_384, ge=0)


class RiskTable(Table):
    """Risk measures of the outcomes."""

    levels: list[float] = says("levels of VaR and ES in per cent, beside 95, 99 and 99.9", [])


class StudyText(Table):
    """A study: model, priors, policies, events and number of paths."""

    extends: Words = says("study to extend: a shipped one, or a file")
    name: str = says("name of the study, and of its runs' folders", ...)
    question: str = says("question that the study answers", "")
    author: str = says("author, as named in the report", "")
    model: Words = says("name of a model that ships or that an installed package provides, or FILE:CLASS of your own")
    baseline: Words = says("policy that the others are compared with")
    compare: Names = says("policies that run, in this order", min_length=1)
    headline: Names = says("outcomes that short tables show, in this order", min_length=1)
    run: Run = says("number of paths, and how they are sampled", Run())
    time: Time | None = says("the years of a model that has years")
    groups: dict[str, GroupTable] = says("groups of dependent factors or shocks", {})
    factors: dict[str, FactorTable] = says("uncertain inputs, drawn once on each path", {})
    constants: dict[str, float] = says("constants of the model with other values here", {})
    regimes: dict[str, RegimeTable] = says("Markov chains that shocks follow", {})
    shocks: dict[str, ShockTable] = says("laws of yearly shocks, in place of the model's", {})
    policies: dict[str, PolicyTable] = says("decisions, by their levers", {})
    triggers: dict[str, TriggerTable] = says(
        "rules by which policies set levers where a recorded variable passes a threshold", {}
    )
    events: dict[str, EventTable] = says("thresholds on outcomes", {})
    lever_groups: dict[str, _LeverGroup] = says("groups of levers for an attribution, by name", {})
    assumptions: dict[str, AssumptionTable] = says("assumptions that the results may depend on", {})
    challenge: Challenge = says("claims of the study, and other choices that test them", Challenge())
    gates: dict[str, Gate] = says("facts that the model should reproduce", {})
    observed: ObservedTable = says("observed figures that the study is scored on", ObservedTable())
    facts: FactsTable | None = says("observed figures that the study is conditioned on")
    outcomes: dict[str, NamedTable] = says("labels of the model's outcomes", {})
    yearly: dict[str, NamedTable] = says("labels of the model's yearly variables", {})
    levers: dict[str, NamedTable] = says("labels of the model's levers", {})
    risk: RiskTable = says("risk measures of the outcomes", RiskTable())
    dimensions: dict[str, list[int]] = says("Sobol' dimensions by random stream, of shocks one a year", {})
    keep: KeepTable = says("what is stored path by path", KeepTable())


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
    "regimes": RegimeTable,
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


class _Plain(GenerateJsonSchema):
    """JSON schema in which no key is null, which TOML does not have; and none must be there, nor has a default, as it
    may stand in the study that is extended.
    """

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    default_schema = nullable_schema

    def field_is_required(self, field: Any, total: bool) -> bool:
        return False


def as_json_schema() -> dict[str, Any]:
    """The JSON schema of study files, of any model: it lists no names of parts or laws."""
    return {"$schema": _Plain.schema_dialect, **StudyText.model_json_schema(schema_generator=_Plain)}
