"""Results by year, for the whole and for every place: fans of the main yearly variables, and tables of all of them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from engine.answers.as_text import Cell, judged
from engine.answers.wording import listed
from engine.formatting import words
from engine.report.charts import TOGETHER, Chart, columns_of
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.sections.headline import Group, Row, columns, notes
from engine.report.sentences import NAMED, small
from engine.report.text import cell, compact, distance, short, unit_of
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record, record

MOST_CHARTS = 6
MOST_PLACES = 40
QUANTILES = {"q05": 0.05, "q25": 0.25, "y": 0.5, "q75": 0.75, "q95": 0.95}


@dataclass(frozen=True)
class Page:
    """Results of one place by year: HTML id, name, fans, tables of the last year, and a sentence on its means."""

    anchor: str
    title: str
    charts: tuple[Chart, ...]
    groups: tuple[Group, ...]
    finding: str


def section(run: RunRecords) -> Section | None:
    """The section with a page for variables without dimensions, and one for each label of the main dimension."""
    study = run.study
    spread = run.group("distribution")
    if not spread.data_vars or "year" not in spread.dims:
        return None
    dims = {name: entry.dims for name, entry in study.model.yearly.items() if name in spread}
    dim = _main_dimension(dims.values())
    wholes = [name for name, own in dims.items() if not own]
    pages = [_page(run, wholes, {}, "The whole", "place-whole")] if wholes else []
    labels = list(study.model.dims[dim]) if dim else []
    for k, label in enumerate(labels[:MOST_PLACES]):
        names = [name for name, own in dims.items() if dim in own]
        pages.append(_page(run, names, {str(dim): label}, label, f"place-{k}"))
    pages = [page for page in pages if page.charts or page.groups]
    if not pages:
        return None
    sample = int(next(iter(spread.data_vars.values())).attrs.get("sample_paths", 0))
    others = dict.fromkeys(words(d) for own in dims.values() if dim not in own for d in own)
    beyond = f" What is recorded by {listed([*others])} alone is in the cube." if others else ""
    if len(labels) > MOST_PLACES:
        beyond += f" Of {len(labels)} places the first {MOST_PLACES} are shown."
    lead = (
        f"Medians, the middle half and the middle nine tenths of futures, from the first {sample:,} paths. "
        f"Means have 95 % intervals.{beyond}"
    )
    markup = render(
        "places.html", places=pages, policies=study.policy_names, lead=lead,
        year=study.years[-1], columns=columns(run, ("Mean",)),
        marks=notes([group for page in pages for group in page.groups]),
    )  # fmt: skip
    heading = f"By year and {words(dim)}" if dim else "By year"
    parts = tuple((page.anchor, page.title) for page in pages) if len(pages) > 1 else ()
    return Section("years", heading, markup, tuple(chart for page in pages for chart in page.charts), parts)


def _main_dimension(of_variables: Collection[tuple[str, ...]]) -> str | None:
    """The dimension that pages are made for: the only dimension of most variables, then the most frequent one."""
    alone = [dims[0] for dims in of_variables if len(dims) == 1]
    dims = [dim for dims in of_variables for dim in dims]
    return max(dict.fromkeys(dims), key=lambda dim: (alone.count(dim), dims.count(dim)), default=None)


def _page(run: RunRecords, names: list[str], at: dict[str, str], heading: str, anchor: str) -> Page:
    whole = [name for name in names if len(run.study.model.yearly[name].dims) == len(at)]
    drawn = _ranked(run, whole)[:MOST_CHARTS]
    charts = [_fan(run, name, at, f"{anchor}-{k}", heading) for k, name in enumerate(drawn)]
    groups = [group for name in names for group in _groups(run, name, at)]
    sides = [_signs(run, name, at) for name in whole if run.study.model.yearly[name].loss is not None]
    return Page(anchor, heading, tuple(charts), tuple(groups), _finding(run, sides))


def _ranked(run: RunRecords, names: list[str]) -> list[str]:
    """The variables that outcomes are folded from, in the outcomes' order; then the others, in the model's order."""
    folded = [term.variable for o in run.study.model.outcomes.values() for term in o.terms]
    order = {name: k for k, name in reversed(list(enumerate(folded)))}
    return sorted(names, key=lambda name: order.get(name, len(folded)))


def _signs(run: RunRecords, name: str, at: dict[str, str]) -> list[int | None]:
    """For each other policy in the last year: 1 if significantly worse than the baseline, -1 if better, 0 if neither.

    None where there is no interval.
    """
    signs = [judged(_record(run, "comparison/yearly", name, policy, at, -1)) for policy in run.others]
    loss = run.study.model.yearly[name].loss
    return [None if sign is None else sign if loss else -sign for sign in signs]


def _finding(run: RunRecords, sides: list[list[int | None]]) -> str:
    if not run.others or not sides:
        return ""
    year, base = run.study.years[-1], run.study.baseline
    parts = []
    for p, policy in enumerate(run.others[:NAMED]):
        signs = [side[p] for side in sides]
        counts = [
            (signs.count(-1), "better"),
            (signs.count(1), "worse"),
            (signs.count(0) + signs.count(None), "not told apart"),
        ]
        parts.append(f"{policy} is {listed([f'{word} in {count}' for count, word in counts if count])}")
    more = f"; {len(run.others) - NAMED} more policies are in the table" if len(run.others) > NAMED else ""
    return (
        f"By the means of {year}, of {len(sides)} variable{'s' * (len(sides) > 1)} here and against {small(base)}: "
        f"{'; '.join(parts)}{more}."
    )


def _record(run: RunRecords, place: str, name: str, policy: str, at: Mapping[str, str], year: int) -> Record | None:
    means = run.means(place, name)
    if means is None:
        return None
    return record("mean", policy, name, Estimate.of_row(means.row(policy, at, year), Reason.UNRECORDED))


def _groups(run: RunRecords, name: str, at: dict[str, str]) -> list[Group]:
    """Rows of a variable in the last year: one group per combination of labels of the remaining dimensions."""
    entry = run.study.model.yearly[name]
    free = [dim for dim in entry.dims if dim not in at]
    groups = []
    for labels in itertools.product(*(run.study.model.dims[dim] for dim in free)):
        place = {**at, **dict(zip(free, labels, strict=True))}
        rows: list[Row] = []
        for k, policy in enumerate(run.study.policy_names):
            cells = [cell(_record(run, "risk/yearly", name, policy, place, -1))]
            if run.others:
                gap = _record(run, "comparison/yearly", name, policy, place, -1)
                cells.append(cell(gap, 1.0, entry.loss) if policy in run.others else Cell(""))
            rows.append((k, policy, cells))
        groups.append((run.heading("yearly", name, entry.unit, labels), entry.about, rows))
    return groups


def _fan(run: RunRecords, name: str, at: dict[str, str], anchor: str, place: str) -> Chart:
    study, years = run.study, [int(year) for year in run.study.years]
    entry = study.model.yearly[name]
    spread = run.group("distribution")[name].sel(dict(at))
    known = spread["quantile"].values
    points, rows = [], []
    apart = len(study.policies) > TOGETHER
    middle = int(np.argmin(abs(known - 0.5)))
    base = spread.sel(policy=study.baseline).transpose("quantile", "year").values[middle]
    marked = set(np.linspace(0, len(years) - 1, min(len(years), 4)).astype(int).tolist())
    for k, policy in enumerate(study.policy_names):
        table = spread.sel(policy=policy).transpose("quantile", "year").values
        at_quantile = {key: table[int(np.argmin(abs(known - q)))] for key, q in QUANTILES.items()}
        for y, year in enumerate(years):
            quantiles = {key: float(series[y]) for key, series in at_quantile.items()}
            low, first, median, third, high = texts = [compact(value) for value in quantiles.values()]
            estimate = cell(_record(run, "risk/yearly", name, policy, at, y))
            mean = f"{estimate.estimate} {estimate.interval}".strip()
            rows.append((str(year), policy, *texts, mean))
            if not np.isfinite(quantiles["y"]):
                continue
            values = {key: short(value) for key, value in quantiles.items()}
            spans = {"median": median, "half": f"{first} to {third}", "most": f"{low} to {high}"}
            more = {"b": short(base[y])} if apart else {}
            points.append({"p": k, "x": year, **values, **more, "m": y in marked, "mean": mean, **spans})
    finding = _fan_finding(run, name, at)
    options = {"years": years, "height": 110} if apart else {"years": years}
    return Chart(
        anchor,
        run.heading("yearly", name, entry.unit),
        entry.about,
        finding,
        (
            f"{run.title('yearly', name)} by year and policy, {place}: median and the middle half and nine"
            f" tenths of futures. {finding}"
        ),
        "fans" if apart else "fan",
        options,
        columns_of(points),
        ("Year", "Policy", "5 %", "25 %", "Median", "75 %", "95 %", "Mean [95 % interval]"),
        tuple(rows),
        190,
    )


def _fan_finding(run: RunRecords, name: str, at: dict[str, str]) -> str:
    year, base, unit = run.study.years[-1], run.study.baseline, unit_of(run.study.model.yearly[name].unit)
    if not run.others:
        mean = cell(_record(run, "risk/yearly", name, base, at, -1))
        return f"Mean of {year}: {mean.estimate}{unit} {mean.interval}".strip() + "."
    parts = []
    for policy in run.others[:NAMED]:
        gap = _record(run, "comparison/yearly", name, policy, at, -1)
        sign = judged(gap)
        if gap is None or not sign:
            parts.append(f"{policy} {'cannot be told apart' if sign == 0 else 'cannot be judged'}")
            continue
        parts.append(f"{policy} {distance(gap, 1.0, f'{unit} ' + ('higher' if sign > 0 else 'lower'))}")
    more = f"; {len(run.others) - NAMED} more in the numbers" if len(run.others) > NAMED else ""
    return f"Mean of {year} against {small(base)}: {'; '.join(parts)}{more}."
