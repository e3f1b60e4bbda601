"""`design`: the values of levers at which limits hold, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import listed
from engine.answers.question import STUDY, Asked, Option
from engine.errors import Problems
from engine.execution.resources import refuse_if_memory_too_small
from engine.formatting import command_line
from engine.questions.design.evaluator import Evaluator, Setting
from engine.questions.design.front import POINTS, front
from engine.questions.design.limits import limit_of
from engine.questions.design.line import Line
from engine.questions.design.several import DESCENT
from engine.questions.design.several_findings import Several
from engine.questions.design.single import single
from engine.questions.design.worth import levers_of, worth
from engine.questions.lever_sets import span
from engine.questions.variables import outcomes_of
from engine.run_folder.folder import written
from engine.study.study import Study
from engine.study.templates import study_name, text_on_top

FEW = 1 << 16
"""Paths that are searched first; what is found is searched again, in its surroundings, on all."""
SEARCHING = "lever", "subject", "minimise", "front", "since", "where", "whole", "write"
"""Options that --worth does not take."""


@dataclass(frozen=True)
class Design:
    """Find the values of levers at which limits hold.

    With one lever, the command finds the value of a lever of a policy of STUDY at which a measure meets a limit, with
    its interval, and the value at which the limit holds in spite of the Monte Carlo error. The answer shows the effects
    on the headline outcomes.

    With --minimise, the command finds the values of several levers that minimise a measure under limits. The answer
    shows which levers do not matter there, and compares the result with the policies of the study.

    With --minimise and --front, the command minimises one measure under several limits on another one.

    With --worth, the command compares the triggers of a policy with the best fixed value of the lever that they set,
    and with perfect foresight.

    Levers are set in all years and places, from a year on, or at one label. The result is evaluated on futures that the
    search has not used.

    \b
    Examples:
      rustbelt design rustbelt --policy reform --lever recapitalisation --subject "ES99 of capital_shortfall_peak <= 14"
      rustbelt design rustbelt --policy reform --minimise "mean of total_bill" --lever recapitalisation,debt_swap \
        --subject "ES99 of capital_shortfall_peak <= 14" --subject "P of banks_wrecked <= 0.1" --write better.toml
      rustbelt design reservoir.toml --policy watch --worth "mean of short"
    """

    needs = STUDY
    heading = "Levers that meet limits"
    as_run = False

    policy: Annotated[str, Option("The policy whose levers are set.", "P", "followed")]
    lever: Annotated[tuple[str, ...], Option("The lever; several with --minimise.", "NAME")] = ()
    subject: Annotated[
        tuple[str, ...],
        Option("The limit: MEASURE of VARIABLE <= NUMBER, or >=; P of an event. Several with --minimise.", "LIMIT"),
    ] = ()
    minimise: Annotated[str | None, Option("The measure to minimise: MEASURE of VARIABLE.", "M")] = None
    front: Annotated[str | None, Option("The measure that --minimise limits to several values in turn.", "M")] = None
    worth: Annotated[str | None, Option("The measure that the policy's triggers are to improve.", "M")] = None
    bounds: Annotated[
        tuple[float, ...],
        Option("Least and largest value of each lever, in order. Default: the levers' own bounds.", "LOW,HIGH"),
    ] = ()
    since: Annotated[int | None, Option("First year in which levers are set. Default: the first.", "YEAR")] = None
    where: Annotated[
        Mapping[str, str] | None, Option("One label of the levers, such as region=Liaoning. Default: all.", "DIM=LABEL")
    ] = None
    whole: Annotated[bool, Option("Restrict a single lever to whole numbers.")] = False
    write: Annotated[
        str | None, Option("Write a study file that extends STUDY by the policy found by --minimise.", "FILE")
    ] = None

    def answer(self, of: Asked) -> Answer:
        """Where the limit begins to hold along the lever, or the least objective, judged on fresh futures.

        Raises:
          UserError: no such policy, lever, label, year or variable; a limit that is not understood; no bounds; options
            that do not go together; a file that cannot be written; or as `Evaluator`.
        """
        study = of.study if of.paths is None else replace(of.study, paths=of.paths)
        levers, problems = [*dict.fromkeys(self.lever)], Problems()
        limits, places = [limit_of(text, study) for text in self.subject], [self._place(study, one) for one in levers]
        bare = {"--minimise": self.minimise, "--front": self.front, "--worth": self.worth}
        least, other, goals = ([limit_of(text, study, name, True)] if text else [] for name, text in bare.items())
        searching = [f"--{name}" for name in SEARCHING if getattr(self, name)]
        if goals and searching:
            problems.add("--worth", f"expected no option of a search, got {listed(searching)}. Remove it.")
        if not (goals or levers):
            problems.add("--lever", "expected a lever, or --worth, got none.")
        if not (goals or limits or other):
            problems.add("--subject", "expected a limit, or --front, got none.")
        if any(goal.measure == "sd" or study.loss_of(goal.variable) is None for goal in goals):
            better = "expected a measure of which low or high values are better"
            problems.add("--worth", f"{better}, got '{self.worth}'. Name one of a loss or gain, or of an event.")
        if not least and (len(levers) > 1 or len(limits) > 1 or other):
            problems.add("--minimise", "expected a measure for several levers or limits, got none.")
        if self.whole and least:
            problems.add("--whole", "expected only without --minimise. Remove it.")
        if self.write and (other or not least):
            problems.add("--write", "expected only with --minimise, without --front. Remove it.")
        problems.refuse(study.source)
        if self.write:
            text_on_top(study, Path(self.write))
        measures = [*limits, *least, *other, *goals]
        names = [*dict.fromkeys((*(one.variable for one in measures), *study.headline, *study.events_by_name))]
        # all paths of these outcomes are in memory, whatever a run keeps
        kept = replace(study.keep, outcomes=outcomes_of(study, names))
        refuse_if_memory_too_small(replace(study, keep=kept), of.memory)
        evaluator = Evaluator(study, self.policy, names, paths=study.paths, device=of.device)
        if goals:
            rule = levers_of(evaluator)
            return worth(evaluator, rule, goals[0], *self._bounds(evaluator, rule[:1])[0])
        lines = [
            Line(evaluator, lever, place, self.since, *span)
            for lever, place, span in zip(levers, places, self._bounds(evaluator, levers), strict=True)
        ]
        few = min(FEW, evaluator.study.paths) // study.unit * study.unit
        if not least:
            return single(lines[0], limits[0], self.whole, few, of.observe)
        several = Several(study, lines, [*least, *other, *limits], few, of.observe)
        if other:
            return front(replace(several, most=POINTS * DESCENT))
        answer, found = several.answer()
        if not self.write:
            return answer
        said = self._written(study, Path(self.write), found) if found else f"The file {self.write} was not written."
        return replace(answer, findings=(*answer.findings, said))

    def _written(self, study: Study, file: Path, found: Setting) -> str:
        """Writes the study with the policy that is found, and says so."""
        name = study_name(file.stem)
        about = f"{self.policy} with the least {self.minimise} that was found under {', '.join(self.subject)}"
        policy = {"about": about, "like": self.policy, **found}
        written(file, text_on_top(study, file, policies={name: policy}).encode())
        return (
            f"The policy {name} was written. To check it, type: {command_line('check', file, model=study.model_spec)}"
        )

    def _place(self, study: Study, lever: str) -> tuple[slice | int, ...]:
        """The index of a lever's array [*dims] that is set; refuses names and a year that are not known."""
        problems, dims, where = Problems(), tuple[str, ...](), self.where or {}
        problems.knows("--policy", "policy", self.policy, study.document["policies"])
        if problems.knows("--lever", "lever", lever, study.model.levers):
            dims = study.model.levers[lever].dims
            if where and not dims:
                expected = f"expected no label, as '{lever}' has no dimensions, got '{next(iter(where))}'."
                problems.add("--where", f"{expected} Remove --where.")
            else:
                problems.knows_each("--where", f"dimension of '{lever}'", [*where], dims)
            for dim in filter(where.__contains__, dims):
                problems.knows("--where", f"label of '{dim}'", where[dim], study.model.dims[dim])
        if self.since is not None and self.since not in study.years:
            horizon = f"{study.years[0]} to {study.years[-1]}" if study.years else "none, as the model has no years"
            problems.add("--since", f"expected a year of the study, {horizon}, got {self.since}.")
        problems.refuse(study.source)
        return tuple(study.model.dims[dim].index(where[dim]) if dim in where else slice(None) for dim in dims)

    def _bounds(self, evaluator: Evaluator, levers: Sequence[str]) -> list[tuple[float, float]]:
        """Least and largest values: those asked for, else each lever's own, else 0 and 3 times as stated."""
        study, problems, spans = evaluator.study, Problems(), list[tuple[float, float]]()
        if len(self.bounds) not in (0, 2 * len(levers)):
            each = " for each lever" * (len(levers) > 1)
            problems.add("--bounds", f"expected two numbers{each}, LOW,HIGH, got {len(self.bounds)}.")
            problems.refuse(study.source)
        for k, name in enumerate(levers):
            lever = study.model.levers[name]
            low, high = self.bounds[2 * k : 2 * k + 2] or span(study, name, evaluator.stated.levers[name])
            got = f"got {low:g} and {high:g}. Give --bounds LOW,HIGH."
            if not lever.low <= low < high <= lever.high or not np.isfinite(np.array([low, high], study.dtype)).all():
                own_value = "drawn" if name in evaluator.stated.drawn else "0"
                why = "" if self.bounds else f" '{name}' is {own_value} as stated and has no bounds."
                within = f", {lever.bounds}," if lever.bounds else ","
                problems.add("--bounds", f"expected two ascending finite numbers{within} {got}{why}")
            elif self.whole and not (float(low).is_integer() and float(high).is_integer()):
                problems.add("--bounds", f"expected whole numbers, {got}")
            spans.append((low, high))
        problems.refuse(study.source)
        return spans
