"""Fills the tables of docs/findings.md, docs/article.md and docs/rustbelt-model.md that come from runs of `rustbelt`,
`rustbelt_readings` and `rustbelt_trigger`.

A table follows a line `<!--table NAME-->` and ends before the next empty line. Run it as
`python docs/findings_numbers.py [RUN]`; without the folder of a run, it runs the study with all its paths.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner
from scipy.stats import rankdata

import engine
from engine.cli import main
from engine.models.rustbelt.economy import NORTHEAST_GDP
from engine.models.rustbelt.labels import NORTHEAST

STUDY = "rustbelt_readings"
PAGES = [Path(__file__).parent / name for name in ("findings.md", "article.md", "rustbelt-model.md")]
TABLE = re.compile(r"(<!--table (\w+)-->\n).*?(?=\n\n)", re.DOTALL)
EVENTS = (
    *("soe_insolvent", "soe_defaulted", "soe_insolvent_or_defaulted", "banks_wrecked", "banks_below_minimum"),
    *("jobs_demolished", "few_jobs_left", "region_devastated", "people_leave", "output_below_2015", "three_million"),
)
LEVELS = ("ES90", "ES95", "ES97.5", "ES99")
TAILS = {
    "displaced_person_years": "years without work [thousand]",
    "capital_shortfall_peak": "banks' shortfall [% of GDP]",
}
TRIGGER = {
    ("total_bill", "mean"): "mean total bill",
    ("total_bill", "ES99"): "ES99 of the total bill",
    ("capital_shortfall_peak", "ES99"): "ES99 of the banks' shortfall",
}
"""Outcomes and measures that the rule of `rustbelt_trigger` is judged by [% of 2015 GDP]."""
STRUCTURES = {
    ("", ""): "**as stated**",
    ("exit", "off"): "exit off",
    ("exit", "doubled"): "exit doubled",
    ("diversification", "off"): "diversification off",
    ("drag", "off"): "drag off",
    ("prices", "off"): "prices off",
    ("prices", "doubled"): "prices doubled",
    ("all", "off"): "all off",
    ("all", "doubled"): "all doubled",
}
"""Assumptions of the shipped study, off or doubled, of which the model page has numbers."""
RATES = (0.0, 0.05, 0.1)
"""Discount rates [1/yr]."""
LEVERS = (
    *("resettlement_fund", "service_sector_support", "startup_support", "labour_mobility", "anchor_investment"),
    "sme_credit",
)
"""Levers of help."""
RUINS = {
    "zombie_share_last": 1.0,
    "lowest_true_capital_ratio": -1.0,
    "displaced_person_years": 1.0,
    "worst_two_year_growth": -1.0,
}
"""Outcome of each ruin -> the sign with which high values are worse."""
HELP = (
    *("fund_effect", "services_effect", "small_firms_effect", "startups_effect", "anchors_effect", "moves_effect"),
    "help_effects",
)
"""Assumptions on the effects of help."""
INPUTS = {
    "steel_recovery_years": "inert: prices approach a target that utilisation sets; only the speed changes",
    "soe_bank_exposure": "little: most loans to state firms are to firms outside the three sectors",
    "job_creation_rate": "jobs, little: new jobs change the chance of finding one, and growth does not depend on it",
    "reemployment_hazard_base": "jobs; growth and banks do not depend on who finds work",
    "trade": "little: the drifts of domestic demand are larger",
    "urbanisation_years": "inert: the range changes demand little before 2030",
    "belt_road_demand_share": "inert: a small share of demand",
    "steel_cut_total": "inert: plants that the plan leaves open exit at low prices",
    "coal_restructuring_years": "inert: closures move by two years at most",
    "service_sector_effect": "jobs, under reform",
    "sme_credit_effect": "jobs, under reform",
    "startup_effect": "jobs, under reform",
    "spin_off_jobs": "inert: few jobs beside all new jobs",
    "anchor_jobs": "inert: few jobs beside all new jobs",
}
"""Inputs that the article names, and what they affect, or why nothing."""


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of a page."""
    lines = [[*header], *([*row] for row in rows)]
    rule = "|---" * len(lines[0])
    first, *others = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([first, f"{rule}|", *others])


def tables(run: Path) -> Mapping[str, str]:
    """The tables of the pages by name, from the folder of a run and from a challenge of its assumptions."""
    study, cube = engine.load_study(STUDY), engine.open_cube(run)
    policies = study.policy_names
    labels = [study.phrase("policies", name) for name in policies]
    chance = cube["events"]["probability"].sel(stat="estimate").load()
    mean = cube["risk"]["total_bill"].sel(measure="mean", stat="estimate").load()
    events = [
        [f"`{name}`", *(_figures(100 * float(chance.sel(event=name, policy=policy))) for policy in policies)]
        for name in EVENTS
    ]
    bill = ["mean total bill [% of GDP]", *(_figures(float(mean.sel(policy=policy))) for policy in policies)]
    return {
        "readings": table(["probability, %", *labels], [*events, bill]),
        "tails": table(["old policies / reform", *LEVELS], _tails(cube)),
        "bill": table(
            ["discount rate", "old policies", "reform", "share of added output that pays the difference"], _bill(cube)
        ),
        "prices": table(
            [
                "reform in full against the same without",
                "cost [bn yuan]",
                "person-years saved [thousand]",
                "cost per person-year [thousand yuan]",
            ],
            _prices(),
        ),
        "help": table(["without", "mass unemployment [%]", "mean years without work [thousand]"], _help(study)),
        "assumptions": table(
            ["", "insolvent firms", "undercapitalised banks", "regional recession", "total bill, mean"], _assumptions()
        ),
        "reversals": table(["claim", "reversed: world", "reversed: policies"], _reversals()),
        "trigger": table(
            ["% of 2015 GDP", "best fixed share", "with it", "rule", "worth of the rule", "of perfect foresight"],
            _trigger(),
        ),
        "inputs": table(
            ["input", "90 % range", "source", "firms", "banks", "jobs", "region", "affects, or why not"],
            _inputs(study, cube),
        ),
    }


def _tails(cube: engine.Cube) -> Iterator[list[str]]:
    """Expected shortfall of the outcomes at each level."""
    for name, label in TAILS.items():
        found = cube["risk"][name].sel(stat="estimate").load()
        both = (
            [_figures(float(found.sel(measure=level, policy=one))) for one in ("old", "reform")] for level in LEVELS
        )
        yield [label, *(" / ".join(pair) for pair in both)]


def _bill(cube: engine.Cube) -> Iterator[list[str]]:
    """Mean bills by discount rate, and the share of the GDP that reform adds which equals the difference.

    With D_t = (1 + rate)^-(t - 2015) the bill is sum_t D_t paid_t + D_last hole_last [% of 2015 GDP]; the share is the
    difference of bills over sum_t D_t (GDP_t under reform - GDP_t under old policies).
    """
    mean = cube["moments"].ds.sel(moment="mean", policy=["old", "reform"]).load()
    years, here = mean["year"].to_numpy() - 2015, {"region": [*NORTHEAST]}
    paid = (mean["paid_by_centre"] + mean["paid_by_provinces"]).sel(here).sum("region").to_numpy()
    hole = mean["capital_shortfall"].sel(here).sum("region").to_numpy()[:, -1]
    output = 100 * mean["northeast_gdp_index"].to_numpy()
    for rate in RATES:
        weight = (1 + rate) ** -years
        bill = 100 / NORTHEAST_GDP * (paid @ weight + hole * weight[-1])
        share = (bill[1] - bill[0]) / ((output[1] - output[0]) @ weight)
        yield [f"{100 * rate:.0f} %", *map(_figures, bill), f"{100 * share:.1f} %".replace("-", "−")]


def _prices() -> Iterator[list[str]]:
    """Cost of each lever of help under reform in full, the person-years without work that it saves, and their ratio.

    The cost is public cost, or the banks' loss where they pay.
    """
    policies = "".join(f'{name} = {{ like = "reform_full", {name} = 0 }}\n' for name in LEVERS)
    compared = json.dumps(["reform_full", *LEVERS])
    text = (
        f'name = "prices"\nextends = "rustbelt"\nbaseline = "reform_full"\ncompare = {compared}\n[policies]\n{policies}'
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prices.toml"
        file.write_text(text, encoding="utf-8")
        ran = engine.run(engine.load_study(file, paths=131_072), out=Path(folder) / "run")
        mean = engine.open_cube(ran.folder)["risk"].ds.sel(measure="mean", stat="estimate").load()
    gained = mean.sel(policy="reform_full") - mean
    study = engine.load_study(STUDY)
    for lever in LEVERS:
        of = gained.sel(policy=lever)
        outcome = "bank_loss" if study.model.levers[lever].price.payer == "banks" else "public_cost"
        cost, saved = float(of[outcome]) * NORTHEAST_GDP / 100, -float(of["displaced_person_years"])
        yield [study.phrase("levers", lever), *map(_figures, (cost, saved, 1000 * cost / saved))]


def _reversals() -> Iterator[list[str]]:
    """Each claim of the shipped study, and in each ledger the mildest reversal by size that `challenge` finds: its
    choices, and the number under reform and old policies.
    """
    asked = json.loads(CliRunner().invoke(main, ["challenge", "rustbelt", "--json", "--quiet"]).stdout)["tables"]
    found: dict[tuple[str, str], str] = {}
    for row in asked["reversals"]["rows"]:
        if row["rule"] == "size":
            scale, unit = (1.0, row["unit"]) if row["unit"] not in ("", "1") else (100.0, "%")
            both = (_figures(scale * row[side]["estimate"]) for side in ("policy_value", "against_value"))
            found.setdefault((row["claim"], row["ledger"]), f"{row['choices']}: {', '.join(both)} {unit}")
    for row in asked["claims"]["rows"]:
        if row["ledger"] == "specification":
            cells = (found.get((row["claim"], ledger), "none found") for ledger in ("specification", "policies"))
            yield [row["words"], *cells]


def _trigger() -> Iterator[list[str]]:
    """By measure: the best fixed share, the value with it and by the rule, and what the rule and perfect foresight are
    worth against it, with 95 % intervals.
    """
    words = ["design", "rustbelt_trigger", "--policy", "recapitalise_by_rule", "--paths", "131072", "--json", "--quiet"]
    for (outcome, measure), label in TRIGGER.items():
        asked = CliRunner().invoke(main, [*words, "--worth", f"{measure} of {outcome}"])
        rule, plan, known = json.loads(asked.stdout)["tables"]["worth"]["rows"]
        values = (plan["value"], plan["judged"]["estimate"], rule["judged"]["estimate"])
        yield [label, *map(_figures, values), *(_interval(row["worth"]) for row in (rule, known))]


def _interval(of: Mapping[str, Any]) -> str:
    """An estimate and its 95 % interval, with two decimals; without the interval where a heavy tail leaves none."""
    low, estimate, high = (f"{round(of[key] or 0.0, 2) + 0.0:.2f}" for key in ("low", "estimate", "high"))
    interval = "(heavy tail: no interval)" if of["low"] is None else f"[{low}, {high}]"
    return f"{estimate} {interval}".replace("-", "−")


def _help(study: engine.Study) -> Iterator[list[str]]:
    """Two measures as stated and without the effects of help, under old policies and reform."""
    rows = _structures(STUDY)
    for name in ("", *HELP):
        label = study.phrase("assumptions", name) if name else "nothing, as stated"
        kind = "off" if name else ""
        both = (("jobs_demolished", 100.0), ("displaced_person_years", 1.0))
        yield [label, *(_pair(rows, name, kind, *of) for of in both)]


def _assumptions() -> Iterator[list[str]]:
    """Probabilities of three events [%] and the mean bill as stated and with assumptions off or doubled, under old
    policies and reform.
    """
    rows, events = _structures("rustbelt"), ("soe_insolvent", "banks_wrecked", "region_devastated")
    for structure, label in STRUCTURES.items():
        chances = (_pair(rows, *structure, event, 100.0) for event in events)
        yield [label, *chances, _pair(rows, *structure, "total_bill", 1.0)]


def _structures(study: str) -> Sequence[Mapping[str, Any]]:
    """The numbers behind the rankings by assumption, under old policies and reform."""
    words = ["challenge", study, "--only", "assumptions", "--policies", "old,reform", "--json", "--quiet"]
    return json.loads(CliRunner().invoke(main, words).stdout)["tables"]["structures"]["rows"]


def _pair(rows: Iterable[Mapping[str, Any]], assumption: str, kind: str, variable: str, scale: float) -> str:
    """The values under old policies and reform with an assumption off or doubled, or as stated."""
    (row,) = (
        row
        for row in rows
        if row["variable"] == variable
        and row["measure"] in ("mean", "probability")
        and (row["assumption"] or "", row["kind"] or "") == (assumption, kind)
    )
    found = {row["policy"]: row["policy_value"], row["against"]: row["against_value"]}
    return " / ".join(_figures(scale * found[name]["estimate"]) for name in ("old", "reform"))


def _inputs(study: engine.Study, cube: engine.Cube) -> Iterator[list[str]]:
    """Range, source and effects on the four ruins of each input that the article names.

    The effect is the coefficient of a linear regression of the outcome's rank on the ranks of all factors, in standard
    deviations; unlike a correlation, it leaves out what correlated factors do.
    """
    draws = cube["draws"].ds.isel(path=slice(int(cube["draws"].attrs["kept"])))
    count, names = draws.sizes["path"], [name for name, of in draws.items() if float(of.std()) > 0]
    ranks = np.stack([_scores(draws[name].to_numpy()) for name in names], axis=1)
    both = [(name, policy) for name in RUINS for policy in ("old", "reform")]
    worse = [RUINS[name] * _scores(cube["paths"][name].sel(policy=policy)[:count].to_numpy()) for name, policy in both]
    slopes = dict(zip(both, np.linalg.lstsq(ranks, np.stack(worse, axis=1))[0].T, strict=True))
    for name, why in INPUTS.items():
        low, high = np.quantile(draws[name].to_numpy(), [0.05, 0.95])
        of = {key: _effect(float(slope[names.index(name)])) for key, slope in slopes.items()}
        effects = (" / ".join(of[ruin, policy] for policy in ("old", "reform")) for ruin in RUINS)
        source = study.document["factors"][name]["source"]
        label = study.labels["factors"][name]
        yield [f"{label} (`{name}`)", f"{_figures(low)} to {_figures(high)}".replace("-", "−"), source, *effects, why]


def _scores(values: np.ndarray) -> np.ndarray:
    """Ranks, standardised."""
    ranks = rankdata(values)
    return (ranks - ranks.mean()) / ranks.std()


def _effect(value: float) -> str:
    """A coefficient with two decimals, without the sign of zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _figures(value: float) -> str:
    """A number with two or three significant digits."""
    return f"{value:.2g}" if abs(value) < 1 else f"{float(f'{value:.3g}'):,g}"


def filled(page: str, found: Mapping[str, str]) -> str:
    """A page with its tables filled."""
    return TABLE.sub(lambda match: match[1] + found[match[2]], page)


def run() -> Mapping[str, str]:
    """The tables of a run of the study, whose folder is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        return tables(engine.run(STUDY, out=Path(folder) / "run").folder)


if __name__ == "__main__":
    found = tables(Path(sys.argv[1])) if sys.argv[1:] else run()
    for path in PAGES:
        path.write_text(filled(path.read_text(encoding="utf-8"), found), encoding="utf-8")
