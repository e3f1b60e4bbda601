"""`gates`: whether a study agrees with the facts that its gates state, on a moderate number of paths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.answers.answer import Answer
from engine.answers.question import STUDY, Asked
from engine.answers.table import Row, table
from engine.errors import UserError
from engine.execution.anew import all_paths
from engine.formatting import words
from engine.run_folder.finding import is_run
from engine.run_folder.folder import RunFolder
from engine.study.loading import under
from engine.study.study import Study
from engine.study.tables.gates import Gate

MOST_PATHS = 16_384
"""Most paths that gates are computed from."""
BAND = (0.05, 0.5, 0.95)
"""Probabilities of the quantiles of a model's paths: lower end, median and upper end."""


@dataclass(frozen=True)
class Gates:
    """Compare STUDY with the facts that its gates state, and show which gates fail.

    A gate is a check of simulated values against a published fact. The command simulates at most 16,384 paths under the
    policies of the gates. A run stores no gates; for a run the command prints the stored answer.

    \b
    rustbelt gates rustbelt
    rustbelt gates rustbelt --full
    """

    needs = STUDY
    heading = "Gates"

    def answer(self, of: Asked) -> Answer:
        """A row for each gate: what it asks, median and band of the paths, and whether it holds.

        Raises:
          UserError: the study has no gates; or it is that of a run without a stored answer from as many paths.
        """
        if not of.study.gates:
            return _kept(of)
        of.study.refuse_broken_model()
        study = _under_policies(of.study)
        of.observe("computing", 0, study.paths)
        rows = []
        for (name, gate), values in zip(study.gates.items(), _values(study, of.study, of.device), strict=True):
            stated = _stated(study, gate)
            least, most = stated["limit"], stated["upper"]
            low, median, high = map(float, np.quantile(values, BAND) if len(values) else [np.nan] * len(BAND))
            holds = {
                "median_above": median > least,
                "median_below": median < least,
                "median_within": least <= median <= most,
                "inside_90": low <= least <= high,
            }[stated["asked"]]
            held = ("yes" if holds else "no") if _has_years(study, gate) else ""
            band = {"p05": low, "median": median, "p95": high}
            rows.append({"gate": name, "held": held, **stated, "paths": len(values), **band})
        failed, beyond = ([words(row["gate"]) for row in rows if row["held"] == held] for held in ("no", ""))
        fails = f"{len(failed)} of {len(rows)} checks against facts (gates) fail{'s' * (len(failed) == 1)}"
        findings = [f"{fails}: {', '.join(failed)}." if failed else f"{fails}."]
        findings += [f"The study does not have the years of these gates: {', '.join(beyond)}."] if beyond else []
        shown = ("held", "asked", "limit", "upper", "p05", "median", "p95")
        gates = table("gates", "Gates", rows, "gate", brief=shown)
        return Answer.about(study, findings, [gates], study.futures)


def _kept(of: Asked) -> Answer:
    """The answer stored beside a run, whose study does not state the gates.

    Raises:
      UserError: it is not that of a run, there is no such answer, or it is from another number of paths than is asked
        for.
    """
    problem = "has no gates. Add tables [gates.NAME] with policy, variable and what is required."
    if is_run(Path(of.study.source).parent):
        answer = Answer.stored(of.folder, "gates")
        if answer is not None and of.paths in (None, answer.subject.paths):
            return answer
        problem = "states no gates, as a run does not store them. Name the study file that does: rustbelt gates STUDY"
    raise UserError(of.study.source, [problem])


def stored_gates(folder: RunFolder) -> Answer | None:
    """The answer stored beside a run; None if the study's gates, their policies or paths are others now."""
    study, answer = _under_policies(folder.study), Answer.stored(folder.path, "gates")
    if answer is None or (answer.subject.fingerprint, answer.subject.paths) != (study.fingerprint, study.paths):
        return None
    stated = [{"gate": name, **_stated(study, gate)} for name, gate in study.gates.items()]
    rows = [{key: row[key] for key in stated[0]} for row in answer["gates"].rows()]
    return answer if rows == stated else None


def _under_policies(study: Study) -> Study:
    """The study under its own policies and those of its gates, with as many paths as gates are computed from.

    Its own stay, so that it draws the same factors and the compiled code of a run serves for it.
    """
    policies = dict.fromkeys([*study.policy_names, *(gate.policy for gate in study.gates.values())])
    return replace(under(study, tuple(policies)), paths=min(study.paths, study.keep.yearly or MOST_PATHS, MOST_PATHS))


def _stated(study: Study, gate: Gate) -> Row:
    """What a gate states: the columns that no path changes."""
    variables = study.model.yearly if gate.all_years else study.model.outcomes
    return {
        "asked": gate.stated[0],
        "limit": float(gate.limits[0]),
        "upper": float(gate.limits[-1]),
        "unit": variables[gate.variable].unit,
        "of": _place(gate),
        "policy": gate.policy,
        "about": gate.about,
        "source": gate.source,
    }


def _has_years(study: Study, gate: Gate) -> bool:
    return {*gate.all_years} <= {*study.years}


def _values(study: Study, run: Study, device: str | None) -> list[np.ndarray]:
    """For each gate the finite numbers that it is about, [path]; empty where its years are not all the study's.

    Args:
      run: the study under the policies that run, whose compiled code is used.
    """
    gates = [*study.gates.values()]
    policies = [*dict.fromkeys(gate.policy for gate in gates)]
    variables = {gate.variable for gate in gates if gate.all_years}
    last = max((year for gate in gates for year in gate.all_years if year in study.years), default=0)
    named = [gate.variable for gate in gates if not gate.all_years]
    yearly, outcomes = all_paths(study, policies, device, variables, last, named, run)

    def of(gate: Gate) -> np.ndarray:
        if not _has_years(study, gate):
            return np.zeros(0)
        row = policies.index(gate.policy)
        if not gate.all_years:
            return outcomes[gate.variable][row].astype(np.float64)
        cells = _cells(study, gate, yearly[gate.variable][row])
        return cells.mean(axis=0) if gate.across == "mean" else cells.sum(axis=0)

    return [values[np.isfinite(values)] for values in map(of, gates)]


def _cells(study: Study, gate: Gate, values: np.ndarray) -> np.ndarray:
    """The values of a gate's years and places, [cell, path], of values [year, *dims, path]."""
    places = [[study.years.index(year) for year in gate.all_years]]
    for dim in study.model.yearly[gate.variable].dims:
        labels = study.model.dims[dim]
        places.append([labels.index(label) for label in gate.at.get(dim, labels)])
    return values[np.ix_(*places)].reshape(-1, values.shape[-1]).astype(np.float64)


def _place(gate: Gate) -> str:
    """The number that a gate is about, in words: `sum of cut_layoffs, coal and steel, 2016-2017`."""
    years, labels = gate.all_years, [" and ".join(names) for names in gate.at.values()]
    in_a_row = len(years) > 1 and [*years] == [*range(years[0], years[-1] + 1)]
    when = f"{years[0]}-{years[-1]}" if in_a_row else " and ".join(map(str, years))
    across = f"{gate.across} of " if gate.across else ""
    return f"{across}{', '.join(filter(None, [gate.variable, *labels, when]))}"
