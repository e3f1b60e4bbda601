"""A study checked against the facts that its gates state, on a moderate number of paths.

The answer is kept beside a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

import numpy as np

from engine.answers.answer import Answer, Subject
from engine.answers.table import Table, counts, numbers, texts
from engine.errors import UserError
from engine.execution.anew import first_paths
from engine.formatting import words
from engine.run_folder import answer_store
from engine.run_folder.folder import RunFolder
from engine.study.loading import under
from engine.study.study import Study
from engine.study.tables.gates import Gate

GATES = "gates"
_ASKED = "gates_sha256"
"""Attribute of a kept answer: a digest of the gates, and of what their policies are."""
MOST_PATHS = 16_384
"""Most paths that gates are computed from."""
BAND = (0.05, 0.5, 0.95)
"""Probabilities of the quantiles of a model's paths: lower end, median and upper end."""


def paths_of(study: Study) -> int:
    """How many paths its gates are computed from: as many as a run stores yearly values of, at most 16,384."""
    return min(study.paths, study.keep.yearly or MOST_PATHS, MOST_PATHS)


def with_their_policies(study: Study, beside: Sequence[str] = ()) -> Study:
    """The study with other policies to run: those of `beside`, and those that its gates are about."""
    return under(study, tuple(dict.fromkeys([*beside, *(gate.policy for gate in study.gates.values())])))


def of_run(study: Study, folder: RunFolder, device: str | None) -> Answer | None:
    """The answer on the gates of a run, kept beside its cube; None if it has no gates.

    It is computed if none is kept of these gates, of their policies as they are now, and of enough paths.
    """
    if not study.gates:
        return None
    gated = with_their_policies(study, study.policy_names)
    asked = sha256(f"{gated.fingerprint} {gated.gates}".encode()).hexdigest()
    kept = answer_store.read(folder.path, GATES)
    if kept is not None and kept.attrs.get(_ASKED) == asked and kept.attrs["paths"] >= paths_of(study):
        with suppress(UserError):
            return Answer.of_tree(kept)
    given = answer(gated, device, study)
    groups = given.groups
    groups["/"].attrs[_ASKED] = asked
    answer_store.keep(folder, GATES, groups, 3)
    return given


def answer(study: Study, device: str | None = None, run: Study | None = None) -> Answer:
    """Whether the study passes each of its gates: how many fail, and one row per gate.

    Args:
      study: the policies that its gates are about are among those that run.
      run: the same under the policies of a run, whose compiled code is then used; the study itself if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.

    Raises:
      UserError: there is no such device.
    """
    names, gates = [*study.gates], [*study.gates.values()]
    own = not all(gate.all_years for gate in gates)
    variables = {gate.variable for gate in gates if gate.all_years}
    last = max((year for gate in gates for year in gate.all_years if year in study.years), default=0)
    yearly, outcomes = first_paths(study, paths_of(study), device, variables, last, own, run or study)
    values = [_of_years(study, one, yearly) if one.all_years else _own(study, one, outcomes) for one in gates]
    values = [of[np.isfinite(of)].astype(np.float64) for of in values]
    bands = [np.quantile(of, BAND) if len(of) else np.full(3, np.nan) for of in values]
    held = [_verdict(study, gate, *band) for gate, band in zip(gates, bands, strict=True)]
    units = [(study.model.yearly if one.all_years else study.model.outcomes)[one.variable].unit for one in gates]
    labels = {
        "gate": ("its name", names),
        "held": ("whether it holds; empty beyond the study's years", held),
        "asked": ("what is asked of the paths", [one.stated[0] for one in gates]),
        "unit": ("of the numbers", units),
        "of": ("what the numbers are of", [*map(_place, gates)]),
        "policy": ("it is held against", [one.policy for one in gates]),
        "about": ("the fact", [one.about for one in gates]),
        "source": ("where it is from", [one.source for one in gates]),
    }
    columns = [texts(name, said, words) for name, (words, said) in labels.items()]
    columns += [
        counts("paths", [*map(len, values)], "on which the number is finite"),
        numbers("limit", [one.limits[0] for one in gates], "what is asked, or its lower end"),
        numbers("upper", [one.limits[-1] for one in gates], "its upper end"),
        *(
            numbers(name, [band[k] for band in bands], f"{100 * BAND[k]:g} % quantile of the paths")
            for k, name in enumerate(("p05", "median", "p95"))
        ),
    ]
    failed, beyond = ([name for name, is_so in zip(names, held, strict=True) if is_so == of] for of in ("no", ""))
    fails = f"{len(failed)} of {len(gates)} gates fail{'s' * (len(failed) == 1)}"
    findings = [": ".join(filter(None, (fails, _listed(failed)))) + "."]
    findings += [f"Of years that the study does not have: {_listed(beyond)}."] if beyond else []
    study = replace(study, paths=paths_of(study))
    basis, table = f"{study.futures}", Table("gates", "Gates", columns, ("gate",))
    return Answer(Subject.of(study), tuple(findings), (table,), basis, question=GATES, heading="Gates")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(words(name) for name in names)


def _place(gate: Gate) -> str:
    """The number that a gate is about, in words: `sum of cut_layoffs, coal and steel, 2016-2017`."""
    labels = [" and ".join(names) for names in gate.at.values()]
    in_a_row = len(gate.all_years) > 1 and [*gate.all_years] == [*range(gate.all_years[0], gate.all_years[-1] + 1)]
    years = f"{gate.all_years[0]}-{gate.all_years[-1]}" if in_a_row else " and ".join(map(str, gate.all_years))
    across = f"{gate.across} of " if gate.across else ""
    return f"{across}{', '.join([gate.variable, *labels, *filter(None, [years])])}"


def _own(study: Study, gate: Gate, outcomes: dict[str, np.ndarray]) -> np.ndarray:
    values: np.ndarray = outcomes[gate.variable][study.policy_names.index(gate.policy)]
    return values


def _of_years(study: Study, gate: Gate, yearly: dict[str, np.ndarray]) -> np.ndarray:
    """The number that a gate is about, on each path; empty where its years are not all the study's."""
    if not set(gate.all_years) <= set(study.years):
        return np.zeros(0)
    entry = study.model.yearly[gate.variable]
    values = yearly[gate.variable][study.policy_names.index(gate.policy)]
    values = values[[study.years.index(year) for year in gate.all_years]]
    for axis, dim in enumerate(entry.dims, start=1):
        labels = study.model.dims[dim]
        values = np.take(values, [labels.index(label) for label in gate.at.get(dim, labels)], axis=axis)
    cells = values.reshape(-1, values.shape[-1]).astype(np.float64)
    across: np.ndarray = cells.mean(axis=0) if gate.across == "mean" else cells.sum(axis=0)
    return across


def _verdict(study: Study, gate: Gate, low: float, median: float, high: float) -> str:
    """Whether a gate holds: "yes" or "no"; "" where its years are not the study's."""
    first, last = gate.limits[0], gate.limits[-1]
    holds = {
        "median_above": median > first,
        "median_below": median < first,
        "median_within": first <= median <= last,
        "inside_90": low <= first <= high,
    }[gate.stated[0]]
    return ("yes" if holds else "no") if set(gate.all_years) <= set(study.years) else ""
