"""The schema of study files: which keys a table has, of which types, and what each means. Docstrings of tables, and
texts of keys, are descriptions in the JSON schema."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic.json_schema import GenerateJsonSchema

from engine.study.entries import Correlations, Functions, Mixed, Outcomes, Places, Rate, Share, Size
from engine.study.tables.challenge import MATTERS
from engine.study.tables.observed import SEEN

Words = str | None
Number = float | None
Names = list[str] | None
Numbers = list[float] | None
LABEL = "what figures, the report and the cube call it, in place of its name as words"


def _says(text: str, default: Any = None, **limits: Any) -> Any:
    """The field of a key: its description, and its value where it is left out (`...` for one that must be there)."""
    return Field(default=default, description=text, **limits)


def _quantile(percent: int) -> Any:
    return _says(f"the {percent} % quantile")


class Table(BaseModel):
    """A table of the study file: its keys and no others, of exactly these types."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Labelled(Table):
    """A table of what may be called by other words than its name."""

    label: Words = _says(LABEL)


class NamedTable(Labelled):
    """What people call an outcome or a yearly variable that the model gives, or a lever that it takes."""


class Run(Table):
    """How many paths, and which."""

    paths: int = _says("number of paths", 1_048_576, ge=1, le=2**62)
    seed: int = _says("seed of all random words", 2016, ge=0, le=2**63 - 1)
    sampler: str = _says("how path numbers become random numbers", "antithetic")
    precision: str = _says("type of all numbers that are computed and stored, float32 or float64", "float32")
    program: str = _says("form of the compiled program: loop where the model allows it, or xla", "loop")
    nonfinite: float = _says("share of paths that may be kept out as not finite", 0.0, ge=0, le=0.01)
    until: list[str] = _says("how precise numbers are to be for the run to end, in sentences", [])
    tile: int | None = _says("paths in one compiled pass, a power of two from 16 to 131072", ge=1)


class Time(Table):
    """The years of a model that has years; or other steps, such as weeks, by their numbers."""

    first: int = _says("first calendar year, or number of the first step", ..., ge=0, le=999_999)
    last: int = _says("the last one, included", ..., ge=0, le=999_999)
    unit: str = _says("what a step is", "year")


class Truncation(Table):
    """Ends that a law is cut at, both included."""

    low: Number = _says("lowest value that is left")
    high: Number = _says("highest value that is left")


class LawTable(Table):
    """A law. All other keys are parameters of the family, by SciPy's names."""

    model_config = ConfigDict(extra="allow")

    family: Words = _says("name of the law")
    value: Number = _says("the value of a fixed number")
    low: Number = _says("lowest value")
    mode: Number = _says("most likely value, a parameter or a statement")
    high: Number = _says("highest value")
    mean: Number = _says("mean, a parameter or a statement")
    sd: Number = _says("standard deviation, a parameter or a statement")
    median: Number = _says("median of a lognormal or logit-normal law")
    sigma: Number = _says("standard deviation of the logarithm, or of the logit")
    p01: Number = _quantile(1)
    p05: Number = _quantile(5)
    p10: Number = _quantile(10)
    p20: Number = _quantile(20)
    p25: Number = _quantile(25)
    p30: Number = _quantile(30)
    p40: Number = _quantile(40)
    p50: Number = _quantile(50)
    p60: Number = _quantile(60)
    p70: Number = _quantile(70)
    p75: Number = _quantile(75)
    p80: Number = _quantile(80)
    p90: Number = _quantile(90)
    p95: Number = _quantile(95)
    p99: Number = _quantile(99)
    range90: Numbers = _says("the 5 % and the 95 % quantile")
    quantiles: list[list[float]] | None = _says("pairs of a probability and its quantile")
    terms: int | None = _says("terms of a metalog, 3 to 9")
    labels: Names = _says("names of categories")
    weights: Numbers = _says("weight of each category, of any sum")
    values: Numbers = _says("values of the categories, or the data themselves")
    file: Words = _says("CSV or Parquet file with the data")
    column: Words = _says("column of the file")
    resampled: bool | None = _says("whether the data are drawn again as they are, rather than interpolated")
    parts: list[WeightedLaw] | None = _says("laws of a mixture, each with its weight")
    experts: list[WeightedLaw] | None = _says("what each of several experts says of the law, with a weight")
    pool: Words = _says("how experts are pooled")
    truncate: Truncation | None = _says("ends that the law is cut at")
    transform: Functions | None = _says("functions that the value goes through, one after the other")
    source: Words = _says("where the law comes from")


class WeightedLaw(LawTable):
    """A law among several, with its weight."""

    weight: Number = _says("weight among the others, of any sum")


LawTable.model_rebuild()


class FactorTable(LawTable):
    """An uncertain input, drawn once on each path."""

    label: Words = _says(LABEL)
    about: Words = _says("what it means")
    unit: Words = _says("must equal the model's unit")
    group: Words = _says("the group that it moves with")
    source: Words = _says("where the prior comes from")


class ShockTable(LawTable):
    """A shock: its law, and how it moves with others and in time."""

    label: Words = _says(LABEL)
    about: Words = _says("what it means")
    group: Words = _says("the group that it moves with")
    persistence: Number = _says("correlation of its normal score with that of the year before")
    probability: Share | None = _says("probability of a jump in a year, or the factor that is")
    rate: Rate | None = _says("expected number of jumps in a year, or the factor that is")
    size: LawTable | None = _says("law of one jump")
    regime: Words = _says("the regime that chooses its law, or whose state it is")
    states: dict[str, LawTable] | None = _says("its law in each state of the regime")


class RegimeTable(Labelled):
    """A Markov chain: a state every year."""

    about: Words = _says("what it means")
    source: Words = _says("where its probabilities come from")
    states: list[str] = _says("names of the states; the model sees their numbers, from 0", ...)
    start: Numbers = _says("probabilities of the states in the first year")
    transition: list[list[float]] = _says("a row for each state: probabilities of next year's states", ...)


class GroupTable(Labelled):
    """Factors, or shocks, that move together."""

    copula: str = _says("how they move together", "gaussian")
    correlation: Number = _says("Pearson correlation of the normal scores of any two members")
    pearson: Correlations | None = _says("the same number, or a matrix of them in the order of members")
    spearman: Correlations | None = _says("Spearman's rank correlation of any two members, or a matrix")
    kendall: Correlations | None = _says("Kendall's rank correlation of any two members, or a matrix")
    theta: Number = _says("parameter of an Archimedean copula, in place of a rank correlation")
    df: Number = _says("degrees of freedom of the t copula, 1 to 1000")
    members: Names = _says("names of the members", min_length=1)
    against: Names = _says("members that move against the others", min_length=1)
    file: Words = _says("data of an empirical copula")
    ranks: dict[str, list[int]] | None = _says("ranks of the data by member, in place of the file", min_length=1)


class PolicyTable(Labelled):
    """A decision. All other keys are levers, which only the model knows."""

    model_config = ConfigDict(extra="allow")

    about: Words = _says("what it stands for")
    like: Words = _says("policy to start from: its levers, start, before and implementation")
    before: Words = _says("policy in force before the start, and that a partial implementation starts from")
    start: int | None = _says("first year in force")
    implementation: Share | None = _says("share of the way from before to here that is reached, or the factor that is")


class EventTable(Labelled):
    """A threshold on an outcome, or several events at once."""

    about: Words = _says("what it means")
    outcome: Words = _says("outcome that the threshold is on")
    above: Number = _says("threshold that the outcome has to pass")
    below: Number = _says("threshold that the outcome has to fall under")
    all: Names = _says("events that must all happen on one path, in place of a threshold")


class AssumptionTable(Labelled):
    """What the answer may rest on: what changes where it does not hold, and where there is twice of it."""

    about: Words = _says("what is assumed")
    off: dict[str, Mixed] | None = _says("what changes where it does not hold: factors and levers by name")
    doubled: dict[str, Mixed] | None = _says("what changes where there is twice of it")


class ChoiceTable(Labelled):
    """Another choice of what is measured."""

    about: Words = _says("what is measured so")
    instead: dict[str, str] | None = _says("events or outcomes, and what is looked at in their place")


class ChallengeTable(Table):
    """What the study is said to show, and other choices of what is measured that this is held against."""

    claims: list[str] = _says("sentences such as 'save better than keep in ES99 of shortage'", [])
    matters: float = _says(
        "smallest difference that reverses a claim, as a share of the larger of the two numbers", MATTERS, ge=0, lt=1
    )
    readings: dict[str, ChoiceTable] = _says("other choices of what is measured, one at a time", {})
    horizons: dict[str, ChoiceTable] = _says("the same variables over other years", {})
    thresholds: dict[str, list[Size]] = _says("other thresholds of an event, a list of numbers and multiples", {})


class GateTable(Table):
    """A fact that a study's numbers are held against before any of them is quoted: `rustbelt check STUDY --gates`."""

    about: Words = _says("what it asks, in words")
    source: Words = _says("where the fact stands")
    policy: Words = _says("policy under which it is asked")
    variable: Words = _says("yearly variable, or outcome")
    at: dict[str, Places] | None = _says("label of each dimension, or several")
    year: int | None = _says("year of a yearly variable")
    years: list[int] | None = _says("several of them, in place of one", min_length=1)
    across: Words = _says("how several years and places become one number, sum or mean")
    median_above: Number = _says("the median has to lie above it")
    median_below: Number = _says("the median has to lie below it")
    median_within: Numbers = _says("two numbers that the median has to lie between")
    inside_90: Number = _says("a number that has to lie inside the middle 90 % of the paths")


class ObservedTable(Table):
    """Figures that the model is held against, by `rustbelt backtest`: in a CSV file, or row by row."""

    file: str = _says("CSV file with a row a figure, beside the study or beside its model", "")
    rows: list[dict[str, Size]] = _says("the same rows here, by the columns of the file", [])
    policy: str = _says("policy that came nearest to what was done", "")
    seen: list[str] = _says("what of this study has seen the figures that are marked so: priors, equations", [*SEEN])
    discrepancy: dict[str, Size] = _says("by variable, standard deviation of what the model leaves out", {})


class FactsTable(Table):
    """Figures that are taken as known: futures are those in which they are likely, moved there in runs of 1,024."""

    until: int = _says("last year whose figures are known", ...)
    policy: str = _says("policy that was followed; it need not be among those that run", "")


_Levers = Annotated[list[str], Field(min_length=1)]


class LeverGroupTable(Labelled):
    """Levers that are looked at together, and what people call them."""

    levers: _Levers = _says("the levers", ...)


_LeverGroup = Annotated[
    Annotated[_Levers, Tag("list")] | Annotated[LeverGroupTable, Tag("table")],
    Discriminator(lambda stated: "table" if isinstance(stated, dict | Table) else "list"),
]


class KeepTable(Table):
    """What is stored path by path."""

    outcomes: Outcomes = _says("outcomes that are stored whole", "all")
    draws: int = _says("factor draws of the first so many paths", 131_072, ge=0)
    yearly: int = _says("numbers by year come from the first so many paths", 16_384, ge=0)


class RiskTable(Table):
    """What is measured of the outcomes."""

    levels: list[float] = _says("levels of VaR and ES in per cent, beside 95, 99 and 99.9", [])


class StudyText(Table):
    """A study: which model, which priors, which policies, what counts as an event, how many paths."""

    name: str = _says("name of the study, and of its runs' folders", ...)
    question: str = _says("what it is to answer", "")
    author: str = _says("who answers for it, as the report names them", "")
    model: Words = _says("name of a model that ships or that an installed package brings along")
    baseline: Words = _says("policy that the others are compared with")
    compare: Names = _says("policies that run, in this order", min_length=1)
    headline: Names = _says("outcomes that short tables show, in this order", min_length=1)
    run: Run = _says("how many paths, and which", Run())
    time: Time | None = _says("the years of a model that has years")
    groups: dict[str, GroupTable] = _says("factors, or shocks, that move together", {})
    factors: dict[str, FactorTable] = _says("uncertain inputs, drawn once on each path", {})
    constants: dict[str, float] = _says("numbers of the model that are otherwise here", {})
    regimes: dict[str, RegimeTable] = _says("Markov chains that shocks follow", {})
    shocks: dict[str, ShockTable] = _says("what differs from the model's own law of a yearly shock", {})
    policies: dict[str, PolicyTable] = _says("decisions, by their levers", {})
    events: dict[str, EventTable] = _says("thresholds on outcomes", {})
    lever_groups: dict[str, _LeverGroup] = _says("levers that are looked at together, by the name of the group", {})
    assumptions: dict[str, AssumptionTable] = _says("what the answer may rest on", {})
    challenge: ChallengeTable = _says(
        "what the study is said to show, and how else that may be measured", ChallengeTable()
    )
    gates: dict[str, GateTable] = _says("facts that the model is held against", {})
    observed: ObservedTable = _says("figures that it is scored by", ObservedTable())
    facts: FactsTable | None = _says("which of these figures are taken as known")
    outcomes: dict[str, NamedTable] = _says("what the model's outcomes are called", {})
    yearly: dict[str, NamedTable] = _says("what the model's yearly variables are called", {})
    levers: dict[str, NamedTable] = _says("what the model's levers are called", {})
    risk: RiskTable = _says("what is measured of the outcomes", RiskTable())
    dimensions: dict[str, list[int]] = _says("Sobol' dimensions by random stream, of shocks one a year", {})
    keep: KeepTable = _says("what is stored path by path", KeepTable())


EXTENDS = "study to build on: one that ships, or a file"
"""Description of the key `extends`, which is followed, and removed, before tables are validated."""

SECTIONS: dict[str, type[Table]] = {
    "run": Run,
    "time": Time,
    "challenge": ChallengeTable,
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
    "events": EventTable,
    "lever_groups": LeverGroupTable,
    "assumptions": AssumptionTable,
    "gates": GateTable,
    "outcomes": NamedTable,
    "yearly": NamedTable,
    "levers": NamedTable,
}


class _Plain(GenerateJsonSchema):
    """JSON schema without titles, and without null, which TOML does not have."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> dict[str, Any]:
        if schema.get("default") is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def as_json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of whole study files, of any model: it lists no names of parts or laws."""
    return StudyText.model_json_schema(schema_generator=_Plain)
