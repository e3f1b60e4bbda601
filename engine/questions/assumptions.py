"""Structural sensitivity: rankings of policies with each assumption off or doubled, and with all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from engine.answers.as_text import judged, listed
from engine.answers.rankings import PROBABILITY, STATED, Ranking, adjective, named, sentences
from engine.answers.table import Row, Table, table
from engine.errors import Problem, UserError
from engine.questions.comparison import Some, compared, others_of
from engine.questions.futures import PATHS, Futures, Observer, sound, unobserved
from engine.questions.notes import Notes
from engine.questions.variables import Values, outcomes_of
from engine.risk.estimation.exclusion import most_excluded, with_units
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import against_baseline, tables_of_paths
from engine.study.components import Change
from engine.study.study import Study
from engine.study.tables.assumptions import ALL, KINDS
from engine.study.tables.changes import joined

MEASURES = ("mean", "ES99")
"""Measures of each outcome."""
READING = (
    "A structure is the study with some assumed effects switched off or doubled, simulated on the same futures. A"
    " ranking is clear if the 95 % interval of the paired difference excludes zero. A ranking holds if the same policy"
    " is clearly worse in every structure, and flips if each policy is clearly worse in some structure."
)
Key = tuple[str, str, str, str]
"""Variable, measure, policy and the policy that it is compared with."""


class Structure(NamedTuple):
    """One structure of a study: its assumptions as stated, or with one or all of them off or doubled.

    Args:
      name: such as `exit off`; `as stated` without a change.
      assumption: name of the assumption that is changed, "all" for all of them, "" for none.
      kind: "off" or "doubled"; "" for none.
      change: what is changed in factors, levers and groups.
    """

    name: str
    assumption: str
    kind: str
    change: Change


def structures(study: Study) -> tuple[Structure, ...]:
    """The study as stated, then with each assumption off and doubled, and with all of them if there are several.

    Raises:
      UserError: the study states no assumptions.
    """
    if not study.assumptions:
        remedy = "Add [assumptions.NAME] with off = { FACTOR = 0 }, as docs/study-file.md describes."
        raise UserError(study.source, [Problem("assumptions", f"expected at least one that a policy uses. {remedy}")])
    every = [(one.name, kind, one.change(kind)) for one in study.assumptions for kind in KINDS]
    for kind in KINDS:
        changes = [change for _, of, change in every if of == kind and change]
        if len(changes) > 1:
            every.append((ALL, kind, joined(changes)))
    changed = [Structure(f"{name} {kind}", name, kind, change) for name, kind, change in every if change]
    return Structure(STATED, "", "", Change()), *changed


def assumptions(
    study: Study, paths: int | None = None, device: str | None = None, observe: Observer = unobserved
) -> tuple[list[str], list[Table], str]:
    """Which rankings of the policies hold in every structure: sentences; the table `assumptions`, a ranking a row, and
    the table `structures`, with the difference of each ranking in each structure; and what they rest on.

    Rankings are by mean and ES99 of the headline and by the probability of each event. Every policy is simulated on
    the same futures in each structure, by one compiled program.

    Args:
      paths: from the first on; the study's, at most 131,072, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.

    Raises:
      UserError: the study states no assumptions, or a structure has more paths with values that are not finite than the
        study allows.
    """
    study = replace(study, paths=min(study.paths, PATHS) if paths is None else paths)
    every, notes = structures(study), Notes("structures", study)
    rows = notes.read()
    if rows is None:
        rows = [*_rows(study, every, device, observe)]
        notes.write(rows)
    among = _ranked(study, rows)
    several = len(study.policies) > 2
    rankings = (
        {"ranking": named(one, several), "variable": one.variable, "measure": one.measure, "policy": one.policy,
         "against": one.against, "verdict": str(one.verdict), "stated": _stated(one), "elsewhere": _elsewhere(one)}
        for one in among
    )  # fmt: skip
    tables = [
        table("assumptions", "Rankings of policies with assumptions off and doubled", rankings, "ranking",
              brief=("verdict", "stated", "elsewhere")),
        table("structures", "Differences of policies in each structure", rows, "row", brief=()),
    ]  # fmt: skip
    phrases = {
        name: f"“{study.phrase('assumptions', assumption)}” {kind}" if kind else name
        for name, assumption, kind, _ in every
    }
    basis = f"{study.futures}, {len(every)} structures"
    return list(sentences(study, among, phrases)), [*filter(len, tables)], basis


def _ranked(study: Study, rows: list[Row]) -> list[Ranking]:
    """The rankings of policies, one for each measure that can be worse; each row gets the policy that is worse."""
    by_key: dict[Key, list[Row]] = {}
    for row in rows:
        by_key.setdefault((row["variable"], row["measure"], row["policy"], row["against"]), []).append(row)
    among = []
    for key, some in by_key.items():
        if (loss := study.loss_of(key[0])) is not None:
            signs = {row["structure"]: judged(row["difference"]) for row in some}
            one = Ranking(*key, {name: sign if loss or not sign else -sign for name, sign in signs.items()})
            among.append(one)
            for row in some:
                row["worse"] = _worse(one, row["structure"])
    return among


def _rows(study: Study, every: tuple[Structure, ...], device: str | None, observe: Observer) -> Iterator[Row]:
    """The measures of each two policies and their differences, structure by structure."""
    study.refuse_broken_model()
    total = study.paths * len(every)
    observe("compiling", 0, total)
    futures = Futures(study, [*study.model.outcomes], device)
    futures.program.prepare()
    outcomes = futures.changed([one.change for one in every], study.paths)
    read = outcomes_of(study, [*study.events_by_name, *study.headline])
    for done, (one, values) in enumerate(zip(every, outcomes, strict=True), 1):
        bad = with_units(study, ~sound((values,)))
        if (lost := int(bad.sum())) > most_excluded(study):
            place = f"assumptions.{one.assumption}.{one.kind}" if one.kind else STATED
            text = f"values are not finite on {lost:,} of {study.paths:,} paths. State another value."
            raise UserError(study.source, [Problem(place, text)])
        if lost:
            values = {name: np.where(bad, np.float32(np.nan), values[name]) for name in read}
        yield from (row | {"structure": one.name, "assumption": one.assumption, "kind": one.kind, "worse": ""}
                    for row in _compared(study, values))  # fmt: skip
        observe("simulating", done * study.paths, total)


def _compared(study: Study, values: Values) -> Iterator[Row]:
    """Events and outcomes of the headline under each two policies; the earlier one, from the baseline on, is deducted.

    Args:
      values: outcomes by name [policy, path]; NaN on paths that are left out.
    """
    names, policies = [*study.events_by_name, *study.headline], [study.baseline, *others_of(study)]
    found: dict[Key, Estimate] = {}
    for k, against in enumerate(policies[:-1]):
        some, rows = compared(study, policies[k:], against)
        tables = tables_of_paths(some, Some(values, rows), names)
        found |= {(one.variable, one.measure, one.policy, against): one.alone
                  for one in (*tables.risk, *tables.comparison)}  # fmt: skip
    for name, (against, policy), measure in product(names, combinations(policies, 2), (PROBABILITY, *MEASURES)):
        if gap := found.get((name, against_baseline(measure), policy, against)):
            yield {
                "variable": name, "measure": measure, "policy": policy, "against": against,
                "unit": study.unit_of(name), "policy_value": found[name, measure, policy, against],
                "against_value": found[name, measure, against, against], "difference": gap,
            }  # fmt: skip


def _worse(one: Ranking, structure: str) -> str:
    """The policy that is clearly the worse one in a structure."""
    if one.signs[structure] is None:
        return "unknown"
    worse, stated = one.worse(structure), one.worse(STATED)
    return f"{worse} (flips)" if worse and stated and worse != stated else worse or "undecided"


def _stated(one: Ranking) -> str:
    side = one.worse(STATED)
    return f"{adjective(one)} under {side}" if side else "undecided"


def _elsewhere(one: Ranking) -> str:
    """Where a ranking differs: `under reform with exit off; undecided with all off`, or that it is the same in all."""
    turned = {worse: names for worse, names in one.structures.items() if STATED not in names}
    parts = [f"{f'under {worse}' if worse else 'undecided'} with {listed(names)}" for worse, names in turned.items()]
    return "; ".join(parts) or "the same in all"
