"""Statements whose numbers are those of study files, of the model, its data and its constants; they need no run."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from math import prod

from docs import article_numbers
from docs.statements.pages import (
    ARTICLE,
    FINDINGS,
    MODEL,
    README,
    ROOT,
    Statement,
    Studies,
    decimals,
    in_words,
    plain,
    read,
)
from engine.models.rustbelt.base_2015 import read_rows
from engine.questions.challenge.challenge import PATHS
from engine.questions.constants import written
from engine.questions.extremes.question import PERIODS
from engine.questions.gates import MOST_PATHS

SECTORS = ("steel", "coal", "cement")
CHINA, REPORTED, LESS = "Crude steel output of China", "as reported", "less reclassified furnaces"
"""A series, and its two readings."""
COSTS = ("service_sector_cost", "startup_cost", "mobility_cost", "sme_credit_loss", "anchor_cost")
"""Prices of help, in the order of the table of the model page."""


def python(_: Studies) -> list[str]:
    """The oldest version of Python."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'requires-python = ">=([\d.]+)"', text)


def threshold(studies: Studies, event: str, scale: float = 1.0) -> list[str]:
    """The threshold of an event, in other units."""
    one = studies.readings_study.events_by_name[event]
    return plain(scale * (one.below if one.above is None else one.above))


def share(studies: Studies, event: str) -> list[str]:
    """A threshold of a half in words."""
    return ["half"] if threshold(studies, event) == ["0.5"] else threshold(studies, event, 100.0)


def million(studies: Studies, event: str, word: str) -> list[str]:
    """A threshold in thousands that is a whole number of millions, in words."""
    (count,) = threshold(studies, event, 1e-3)
    return [word] if count == "1" else [in_words(int(count))]


def quantiles(studies: Studies, factor: str, *names: str) -> list[str]:
    """Stated quantiles of a prior."""
    table = studies.study.document["factors"][factor]
    return plain(*(table[name] for name in names))


def constant(studies: Studies, name: str, scale: float = 1.0) -> list[str]:
    """The value of a constant, in other units."""
    return plain(scale * studies.study.model.constants[name].value)


def base(quantity: str, sector: str) -> float:
    """The number of 2015 of China."""
    (row,) = (
        row for row in read_rows() if (row["quantity"], row["region"], row["sector"]) == (quantity, "China", sector)
    )
    return float(row["value"])


def cuts(share: float, *, spare: bool) -> list[str]:
    """A share of the capacity of each sector, or of what exceeds its output [Mt]."""
    sizes = (base("capacity", one) - spare * base("output", one) for one in SECTORS)
    return [f"{share * size:.0f}" for size in sizes]


def observed(studies: Studies, series: str, year: int, reading: str = "") -> float:
    """An observed figure."""
    rows = studies.study.observed.rows
    (row,) = (row for row in rows if (row.series, row.time, row.reading) == (series, year, reading))
    return row.value


def shocks(studies: Studies) -> list[str]:
    """The numbers of normal and uniform shocks of a year."""
    model, count = studies.study.model, Counter[str]()
    for one in model.shocks.values():
        count[one.law] += prod(len(model.dims[dim]) for dim in one.dims)
    return plain(count["normal"], count["uniform"])


def sources(studies: Studies) -> Iterator[str]:
    """How many priors there are, and how many have a source that was read, remembered, and none."""
    table = studies.study.document["factors"]
    texts = [table[item.name]["source"] for item in studies.study.inputs]
    letters = ["".join(re.findall(r"\[([FMD, ]+)\]", text)) for text in texts]
    read = sum("F" in one for one in letters)
    remembered = sum("M" in one and "F" not in one for one in letters)
    yield from plain(len(texts), read, remembered, len(texts) - read - remembered)


def figures(studies: Studies) -> list[str]:
    """Rows of observed figures; and figures from 2016 on, whatever their reading."""
    rows = studies.study.observed.rows
    return plain(len(rows), len({(row.series, row.time) for row in rows if row.time >= 2016}))


def share_of_heilongjiang(studies: Studies, year: int) -> float:
    """The observed share of Heilongjiang in the steel output of China."""
    return observed(studies, "Crude steel output of Heilongjiang", year) / observed(
        studies, CHINA, year, REPORTED * (year > 2015)
    )


def prices(_: Studies) -> list[str]:
    """Lowest and highest cost of a person-year, of the table of prices."""
    rows = read()[FINDINGS].split("<!--table prices-->\n")[1].split("\n\n")[0].splitlines()[2:]
    costs = sorted(float(row.rstrip(" |").rpartition("|")[2]) for row in rows)
    return [f"{costs[0]:.0f}", f"{costs[-1]:.0f}"]


def names(studies: Studies) -> Iterable[str]:
    """The numbers of factors, constants that involve judgement, constants, yearly values and outcomes."""
    model, known = studies.study.model, written(studies.study.model).values()
    judged = sum("judgement" in one.source for one in known)
    return plain(len(studies.study.inputs), judged, len(known), len(model.yearly), len(model.outcomes))


def gate(studies: Studies, name: str, scale: float = 1.0) -> list[str]:
    """What a gate asks for."""
    one = studies.study.gates[name]
    asked = next(value for value in (one.median_above, one.median_within, one.inside_90) if value is not None)
    return plain(*(scale * value for value in (asked if isinstance(asked, list) else [asked])))


def facts(studies: Studies) -> int:
    """How many facts the gates check, some of them twice."""
    return len({(one.variable, str(one.at), one.year, *one.years) for one in studies.study.gates.values()})


def third(studies: Studies) -> str:
    """The share of the threshold of mass unemployment that counts by 2020, in words."""
    early, late = (float(threshold(studies, f"jobs_demolished{end}", 1e-3)[0]) for end in ("_2020", ""))
    return "third" if round(3 * early / late, 3) == 1 else f"{early / late:.2f}"


OF_STUDY = (
    Statement(README, "With Python {} or newer", python),
    Statement(
        README,
        "The run simulates {} paths, two policies and {} years.",
        lambda studies: plain(studies.study.paths, len(studies.study.years)),
    ),
    Statement(
        README,
        "prints all {} outcomes and {} events",
        lambda studies: plain(len(studies.study.model.outcomes), len(studies.study.events)),
    ),
    Statement(
        README, "| {} of firms' undefaulted debt insolvent in 2030 |", lambda studies: share(studies, "soe_insolvent")
    ),
    Statement(README, "| banks' true capital below {} % |", lambda studies: threshold(studies, "banks_wrecked", 100.0)),
    Statement(
        README, "| {} person-years displaced |", lambda studies: million(studies, "jobs_demolished", "a million")
    ),
    Statement(
        README,
        "a probability of 1/{} to 1/{}?",
        lambda studies: plain(PERIODS[2], 10 ** (len(str(studies.study.paths)) - 2)),
    ),
    Statement(FINDINGS, "steel capacity falls from {} to", lambda _: plain(base("capacity", "steel"))),
    Statement(FINDINGS, "Numbers of the shipped priors come from {} paths", lambda studies: plain(studies.study.paths)),
    Statement(
        FINDINGS, "The model has {} provinces", lambda studies: [in_words(len(studies.study.model.dims["province"]))]
    ),
    Statement(FINDINGS, "{} factors represent epistemic uncertainty", lambda studies: plain(len(studies.study.inputs))),
    Statement(
        FINDINGS,
        "the recovery of steel prices takes {} to {} years",
        lambda studies: quantiles(studies, "steel_recovery_years", "p05", "p95"),
    ),
    Statement(FINDINGS, "over {} of the sectors' debt that has not", lambda studies: share(studies, "soe_insolvent")),
    Statement(FINDINGS, "true capital below {} % in", lambda studies: threshold(studies, "banks_wrecked", 100.0)),
    Statement(
        FINDINGS,
        "mass unemployment: {} person-years without work",
        lambda studies: million(studies, "jobs_demolished", "a million"),
    ),
    Statement(FINDINGS, "open defaults above {} of the sectors' debt", lambda studies: share(studies, "soe_defaulted")),
    Statement(FINDINGS, "| {} million layoffs in China in", lambda studies: million(studies, "three_million", "one")),
    Statement(
        FINDINGS, "By reported capital below {} %", lambda studies: threshold(studies, "banks_wrecked_reported", 100.0)
    ),
    Statement(
        FINDINGS,
        "Closures alone cause {} million layoffs",
        lambda studies: million(studies, "three_million_by_cuts", "one"),
    ),
    Statement(
        FINDINGS, "each of {} assumptions off and doubled", lambda studies: plain(len(studies.study.assumptions))
    ),
    Statement(
        FINDINGS,
        "The table has the smallest reversal by {} % or more",
        lambda studies: plain(100 * studies.study.challenge.matters),
    ),
    Statement(
        FINDINGS,
        "Significant reversals of less than {} %",
        lambda studies: plain(100 * studies.study.challenge.matters),
    ),
    Statement(
        FINDINGS,
        "The legal minimum of reported capital is {} %",
        lambda studies: threshold(studies, "banks_below_minimum", 100.0),
    ),
    Statement(
        FINDINGS,
        "fewer than {} jobs in the {} sectors",
        lambda studies: [*threshold(studies, "few_jobs_left", 1000.0), in_words(len(SECTORS))],
    ),
    Statement(
        FINDINGS, "that more than {} displaced people leave", lambda studies: threshold(studies, "people_leave", 1000.0)
    ),
    Statement(
        FINDINGS,
        "less capital than the legal minimum of {} %",
        lambda studies: threshold(studies, "banks_below_minimum", 100.0),
    ),
    Statement(
        FINDINGS,
        "a revenue share of {} %, that of the {} provinces",
        lambda studies: [
            *constant(studies, "revenue_share", 100.0),
            in_words(len(studies.study.model.dims["province"])),
        ],
    ),
    Statement(FINDINGS, "`total_bill_discounted` uses {} %", lambda studies: constant(studies, "discount_rate", 100.0)),
    Statement(FINDINGS, "choices of `rustbelt challenge rustbelt_readings` ({} paths)", lambda _: plain(PATHS)),
    Statement(FINDINGS, "A year of a worker's wage is {} thousand yuan", lambda studies: constant(studies, "wage")),
    Statement(
        FINDINGS,
        "(90 % range {} to {} in the log of the hazard)",
        lambda studies: plain(*studies.study.document["factors"]["fund_search_effect"]["range90"]),
    ),
    Statement(FINDINGS, "against {} to {} % observed", lambda studies: gate(studies, "defaults_to_2020", 100.0)),
    Statement(
        FINDINGS,
        "the share of Heilongjiang rose by {} % in {} years",
        lambda studies: [
            f"{100 * (share_of_heilongjiang(studies, 2018) / share_of_heilongjiang(studies, 2015) - 1):.0f}",
            in_words(2018 - 2015),
        ],
    ),
    Statement(
        FINDINGS,
        "Errors of one series have the correlation {}, a judgement, so the two steel figures of China count as {}",
        lambda studies: [
            *plain(studies.study.observed.correlation),
            *decimals([2 / (1 + studies.study.observed.correlation)], 1),
        ],
    ),
    Statement(ARTICLE, "Runs have {} paths", lambda _: [f"{article_numbers.RUN_PATHS:,}"]),
    Statement(ARTICLE, "tests {} claims against", lambda studies: [in_words(len(studies.study.claims))]),
    Statement(ARTICLE, "other choices, on {} paths", lambda _: plain(PATHS)),
    Statement(ARTICLE, "random sets of {} / {} / {} choices", lambda _: plain(*article_numbers.TOLD)),
    Statement(
        ARTICLE, "*overcapacity* ({} Mt of steel, {} Mt of coal, {} Mt of cement)", lambda _: cuts(0.3, spare=True)
    ),
    Statement(ARTICLE, "*capacity* ({}, {} and {} Mt)", lambda _: cuts(0.3, spare=False)),
    Statement(ARTICLE, "steel, old ({} in 2015)", lambda _: [f"{base('capacity', 'steel'):.0f}"]),
    Statement(
        ARTICLE,
        "The fund is {} bn yuan over two years for China",
        lambda studies: plain(studies.study.document["policies"]["reform"]["resettlement_fund"]),
    ),
    Statement(ARTICLE, "#other-events-policies-tails-and-bills) are {} to {} thousand yuan", prices),
    Statement(
        ARTICLE,
        "its normal level: {} for steel and {} for coal in 2015",
        lambda _: [f"{base('price_gap', one):.2f}" for one in SECTORS[:2]],
    ),
    *(
        Statement(ARTICLE, f"{text} <!--gate:{name}-->", lambda studies, name=name: gate(studies, name))
        for name, text in (
            ("steel_use_2019", "utilisation 2019 above {}"),
            ("steel_leverage_2018", "leverage 2018, {} to {}"),
            ("coal_price_2017", "coal price gap 2017, {}"),
            ("steel_price_2017", "steel price gap 2017, {}"),
            ("placed_2016_17", "workers placed 2016-17, {} thousand"),
            ("steel_output_2020", "steel output 2020, {} Mt"),
            ("defaults_to_2020", "in default by 2020, {} to {}"),
            ("coal_output_2016", "coal output 2016, {} Mt"),
        )
    ),
    Statement(MODEL, "[confidence](writing-a-model.md#constants) | {} |", lambda studies: [*names(studies)][:1]),
    Statement(MODEL, "confidence ({} involve judgement) | {} |", lambda studies: [*names(studies)][1:3]),
    Statement(
        MODEL, "`engine/models/rustbelt/yearly.py`: dimensions, bounds | {} |", lambda studies: [*names(studies)][3:4]
    ),
    Statement(MODEL, "definition as a fold over years | {} |", lambda studies: [*names(studies)][4:]),
    Statement(MODEL, "A year has {} normals and {} uniforms", shocks),
    Statement(MODEL, "as the yearly wage of {}", lambda studies: constant(studies, "wage")),
    Statement(MODEL, "full effect at {} thousand yuan per layoff", lambda studies: constant(studies, "full_outlay")),
    *(
        Statement(
            MODEL,
            f"| {{}} ({{}} to {{}}) thousand yuan {unit}",
            lambda studies, name=name: quantiles(studies, name, "p50", "p05", "p95"),
        )
        for name, unit in zip(
            COSTS,
            (
                "per person and year | 10 bn",
                "per person and year | judgement: a tenth",
                "per person and year | judgement: a week",
                "of loans lost",
                "per job",
            ),
            strict=True,
        )
    ),
    Statement(MODEL, "over {} of undefaulted debt insolvent", lambda studies: share(studies, "soe_insolvent")),
    Statement(MODEL, "over {} of debt defaulted openly", lambda studies: share(studies, "soe_defaulted")),
    Statement(
        MODEL,
        "it grows {} points less than the nation",
        lambda studies: [in_words(round(-float(threshold(studies, "region_left_behind", 100.0)[0].replace("−", "-"))))],
    ),
    Statement(
        MODEL,
        "`jobs_demolished_2020` has a {} of the threshold, and `soe_defaulted_2020` {} %",
        lambda studies: [third(studies), *threshold(studies, "soe_defaulted_2020", 100.0)],
    ),
    Statement(MODEL, "--full` tests {} assumptions", lambda studies: plain(len(studies.study.assumptions))),
    Statement(
        MODEL,
        "makes {} checks on {} facts",
        lambda studies: [in_words(len(studies.study.gates)), in_words(facts(studies))],
    ),
    Statement(MODEL, "closest to what was done, with {} paths", lambda _: plain(MOST_PATHS)),
    Statement(
        MODEL, "`steel_leverage_2018` | median of {} to {} (", lambda studies: gate(studies, "steel_leverage_2018")
    ),
    Statement(MODEL, "({} % in November 2018)", lambda studies: gate(studies, "steel_leverage_2018_band", 100.0)),
    Statement(
        MODEL,
        "| {} Mt inside the 90 % interval | 785",
        lambda studies: [gate(studies, "steel_output_2020")[0].replace(",", "")],
    ),
    Statement(MODEL, "`coal_output_2016` | {} Mt inside", lambda studies: gate(studies, "coal_output_2016")),
    Statement(
        MODEL, "`defaults_to_2020` | median of {} to {} %", lambda studies: gate(studies, "defaults_to_2020", 100.0)
    ),
    Statement(
        MODEL, "`observed.csv` has {} rows, one figure each, with unit, error, source and marks; {} of them", figures
    ),
    Statement(
        MODEL,
        "the other {} Mt less from 2017 on, with an error of {} Mt",
        lambda studies: [
            *plain(observed(studies, CHINA, 2018, REPORTED) - observed(studies, CHINA, 2018, LESS)),
            *plain(next(row.standard_error for row in studies.study.observed.rows if row.reading == LESS)),
        ],
    ),
    Statement(MODEL, "Coal output of 2015 was revised from {} to", lambda _: [f"{base('output', 'coal'):.0f}"]),
    Statement(MODEL, "the model starts from {}", lambda _: [f"{base('output', 'coal'):.0f}"]),
    Statement(
        MODEL,
        "the model's {} % of 2015",
        lambda studies: plain(100 * observed(studies, "Urban share of China's people", 2015)),
    ),
    Statement(
        MODEL, "Of the {} priors, {} have a source that was read (F), {} a remembered one (M) and {} are", sources
    ),
    Statement(
        MODEL,
        "to {} % of GDP a year (projects",
        lambda studies: plain(100 * studies.study.document["factors"]["diversification_cost"]["p50"]),
    ),
    Statement(MODEL, "to {} (equity ranks", lambda studies: quantiles(studies, "swap_loss", "p50")),
    Statement(
        MODEL,
        "differ by a factor of {} in tonnes of steel",
        lambda _: decimals([float(cuts(0.3, spare=False)[0]) / float(cuts(0.3, spare=True)[0])], 1),
    ),
)
