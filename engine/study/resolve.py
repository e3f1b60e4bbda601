"""A study's tables, already of the right types -> `Study`: every name looked up, every prior fitted, the document written out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.draws.distributions import Prior
from engine.draws.inputs import Input
from engine.draws.random_words import FARTHEST
from engine.draws.sampling import SAMPLERS
from engine.errors import Problem, did_you_mean, unknown
from engine.modelling.cell_axis import cell_count
from engine.modelling.declaration import declaration_problems, name_problem, reserved_problem
from engine.modelling.records import Model, PathModel
from engine.study import factor_tables, group_tables
from engine.study.policy_tables import PolicyReader, lever_table, number_problem
from engine.study.shock_tables import ShockReader, group_names
from engine.study.study import BLOCK, Event, Keep, Policy, Study

LATER_SAMPLERS = ("sobol", "importance")
_NAME = r"\w(?:[\w .-]{0,62}[\w-])?"
_LONGEST_HORIZON = 1000


SMALL_MODEL = 64
"""Yearly cells up to which a model is taken for a small one, that carries little from year to year."""


def default_tile(model: Model, n_policies: int) -> int:
    """Paths in one compiled pass, so that what goes from year to year stays in a core's cache: from 64 to 1024.

    The power of two at or below 1024 / policies, or twice that for a small model; 4096 for a static model.
    """
    if not isinstance(model, PathModel):
        return 4096
    share = max(1, (2048 if cell_count(model) <= SMALL_MODEL else 1024) // max(1, n_policies))
    return min(1024, max(64, 1 << (share.bit_length() - 1)))


class Resolver:
    """Reads one study's tables; `problems` holds all that is wrong, and `study` gives the result when nothing is.

    Args:
      text: the study file's tables, defaults filled in, types checked.
      model: None where it is not known; then only what needs no model is checked.
      source: what the study was read from.
    """

    def __init__(
        self, text: Mapping[str, Any], model: Model | None, model_name: str, model_digest: str, source: str
    ):
        self.text, self.source = text, source
        self.model, self.model_name, self.model_digest = model, model_name, model_digest
        self.problems: list[Problem] = []
        self._check_head()
        self.priors = self._priors()
        if model is None:
            return
        self.years = self._years(model)
        self.problems += declaration_problems(model, self.years)
        if self.problems and any(problem.place.startswith("model.") for problem in self.problems):
            return
        self._check_factors(model)
        self._read_policies(model)
        self.events = self._events(model)
        self.keep = self._keep(model)
        self._read_groups(model)
        self._read_shocks(model)

    def _wrong(self, place: str, message: str) -> None:
        self.problems.append(Problem(place, message))

    def _check_head(self) -> None:
        text = self.text
        if not re.fullmatch(_NAME, text["name"]) or ".." in text["name"]:
            wanted = (
                "letters, digits, '_', '-', '.' and spaces (at most 64): the run's folder is named after it"
            )
            self._wrong("name", f"expected {wanted}; got {text['name']!r}.")
        sampler, tile = text["run"]["sampler"], text["run"].get("tile")
        if sampler in LATER_SAMPLERS:
            known = ", ".join(f"'{name}'" for name in [*SAMPLERS][:-1]) + f" or '{[*SAMPLERS][-1]}'"
            self._wrong("run.sampler", f"'{sampler}' is not available yet. Use {known}.")
        elif sampler not in SAMPLERS:
            self._wrong("run.sampler", unknown("sampler", sampler, [*SAMPLERS, *LATER_SAMPLERS]))
        else:
            self._check_replicates(sampler)
        if tile is not None and (tile & (tile - 1) or not 16 <= tile <= BLOCK):
            self._wrong("run.tile", f"expected a power of two from 16 to {BLOCK}, got {tile}.")
        for table in ("factors", "groups", "regimes", "policies", "events"):
            for name in text[table]:
                wrong = name_problem(name)
                if wrong is None and table in ("factors", "events"):
                    wrong = reserved_problem(name)
                if wrong:
                    self._wrong(f"{table}.{name}" if name else table, wrong)

    def _check_replicates(self, sampler: str) -> None:
        """Paths, and paths that yearly numbers come from, fill replicates: a part of one has errors of another size."""
        unit = SAMPLERS[sampler].unit
        if unit <= 2:  # a pair may stand in two halves
            return
        for place, count, least in (
            ("run.paths", self.text["run"]["paths"], unit),
            ("keep.yearly", self.text["keep"]["yearly"], 0),
        ):
            if count % unit:
                below = count - count % unit
                remedy = f"{below} or {below + unit}" if below >= least else f"{below + unit}"
                wanted = f"a multiple of {unit}, whole replicates of sampler '{sampler}'"
                self._wrong(place, f"expected {wanted}, got {count}. Take {remedy}.")

    def _years(self, model: Model) -> tuple[int, ...]:
        time = self.text.get("time")
        if not isinstance(model, PathModel):
            if time is not None:
                self._wrong("time", f"model '{self.model_name}' has no years. Remove the table.")
            return ()
        if time is None:
            self._wrong("time", "is missing. Give the years: time = { first = 2016, last = 2030 }.")
            return ()
        first, last = time["first"], time["last"]
        if last < first:
            self._wrong("time.last", f"expected at least first = {first}, got {last}.")
            return ()
        if last - first >= _LONGEST_HORIZON:
            self._wrong(
                "time.last",
                f"expected a horizon of at most {_LONGEST_HORIZON} years, got {last - first + 1}.",
            )
            return ()
        return tuple(range(first, last + 1))

    def _priors(self) -> dict[str, Prior]:
        made = {}
        for name, table in self.text["factors"].items():
            found, problems = factor_tables.read(f"factors.{name}", table)
            self.problems += problems
            if found is not None:
                made[name] = found
        return made

    def _check_factors(self, model: Model) -> None:
        factors = self.text["factors"]
        drawn = {table.get("implementation") for table in self.text["policies"].values()}
        for name, table in factors.items():
            if name in model.factors:
                unit = model.factors[name].unit
                if table.get("unit", unit) != unit:
                    self._wrong(
                        f"factors.{name}.unit", f"expected '{unit}', the model's unit, got '{table['unit']}'."
                    )
            elif name not in drawn:
                self._wrong(f"factors.{name}", unknown("factor", name, set(model.factors) - set(factors)))
        missing = [name for name in model.factors if name not in factors]
        for name in missing:
            keys = "family and p05, p50, p95 or the family's parameters"
            self._wrong(f"factors.{name}", f"has no prior. Add a table [factors.{name}] with {keys}.")

    def _read_policies(self, model: Model) -> None:
        tables = dict(self.text["policies"])
        if not tables and not model.levers:
            tables = {"default": {}}
        self.policies: dict[str, Policy] = {}
        self.names: tuple[str, ...] = ()
        self.baseline = self.text.get("baseline") or next(iter(tables), "")
        if not tables:
            self._wrong(
                "policies",
                "expected at least one policy, got none. Add [policies.NAME] with the model's levers.",
            )
            return
        if self.baseline not in tables:
            self._wrong("baseline", unknown("policy", self.baseline, tables))
            return
        self.names = self._names(tables)
        for name, table in tables.items():
            self._check_implementation(f"policies.{name}.implementation", table.get("implementation"))
        reader = PolicyReader(model, tables, self.baseline, self.years, self.problems)
        found = {name: reader.policy(name) for name in tables}
        self.policies = {name: policy for name, policy in found.items() if policy is not None}

    def _names(self, tables: Mapping[str, Any]) -> tuple[str, ...]:
        names = tuple(self.text.get("compare") or tables)
        for name in dict.fromkeys(names):
            if name not in tables:
                self._wrong("compare", unknown("policy", name, tables))
            elif names.count(name) > 1:
                self._wrong("compare", f"names '{name}' twice.")
        return names if self.baseline in names else (self.baseline, *names)

    def _check_implementation(self, place: str, value: Any) -> None:
        if isinstance(value, str):
            if value not in self.text["factors"]:
                self._wrong(place, unknown("factor", value, self.text["factors"]))
            elif value in self.priors:
                low, high = (float(x) for x in self.priors[value].law.at_score([-FARTHEST, FARTHEST]))
                if low < -1e-9 or high > 1 + 1e-9:
                    remedy = "Use 'logit-normal', or 'uniform' or 'triangular' inside these bounds."
                    self._wrong(
                        place,
                        f"expected a factor drawn from 0 to 1; '{value}' reaches {low:.3g} to {high:.3g}. {remedy}",
                    )
        elif value is not None and not 0 <= value <= 1:
            self._wrong(place, f"expected a share from 0 to 1 or the name of a factor, got {value}.")

    def _read_shocks(self, model: Model) -> None:
        given = [] if isinstance(model, PathModel) else [t for t in ("shocks", "regimes") if self.text[t]]
        for table in given:
            self._wrong(table, f"model '{self.model_name}' has no years, and no {table}. Remove the tables.")
        if given:
            return
        reader = ShockReader(model, self.text, {name: found.law for name, found in self.priors.items()})
        self.problems += reader.problems
        self.shocks = reader.shocks()

    def _read_groups(self, model: Model) -> None:
        of_shocks = group_names(self.text["shocks"])
        tables = {name: table for name, table in self.text["groups"].items() if name not in of_shocks}
        self.group_of, problems = group_tables.membership(tables, self.text["factors"])
        running = [self.policies[name] for name in self.names if name in self.policies]
        self.groups, more = group_tables.read(tables, self.group_of, self._drawn(model, running))
        self.problems += problems + more

    def _events(self, model: Model) -> tuple[Event, ...]:
        tables, events = self.text["events"], []
        for name, table in tables.items():
            place, about = f"events.{name}", table.get("about", "")
            if name in model.outcomes:
                self._wrong(place, "is the name of an outcome; take another.")
            limits = [key for key in ("above", "below") if key in table]
            if "all" in table:
                if limits or "outcome" in table:
                    self._wrong(place, "expected either `all` or an outcome with a threshold, got both.")
                if not table["all"]:
                    self._wrong(f"{place}.all", "expected at least one event, got none.")
                for other in table["all"]:
                    if other not in tables:
                        self._wrong(f"{place}.all", unknown("event", other, set(tables) - {name}))
                    elif "all" in tables[other]:
                        self._wrong(
                            f"{place}.all",
                            f"expected events with a threshold of their own; '{other}' has none.",
                        )
                events.append(Event(name, about, all_of=tuple(table["all"])))
                continue
            if "outcome" not in table:
                self._wrong(place, 'has no outcome. Add outcome = "..." and above or below.')
            elif table["outcome"] not in model.outcomes:
                self._wrong(f"{place}.outcome", unknown("outcome", table["outcome"], model.outcomes))
            if len(limits) != 1:
                self._wrong(
                    place, f"expected a threshold, above or below, got {'both' if limits else 'none'}."
                )
                continue
            wrong = number_problem(table[limits[0]])
            if wrong:
                self._wrong(f"{place}.{limits[0]}", wrong)
            events.append(Event(name, about, table.get("outcome"), table.get("above"), table.get("below")))
        return tuple(events)

    def _keep(self, model: Model) -> Keep:
        table = self.text["keep"]
        asked = table["outcomes"]
        if isinstance(asked, str):
            if asked not in ("all", "headline", "none"):
                remedy = did_you_mean(asked, ("all", "headline", "none"))
                self._wrong(
                    "keep.outcomes", f"expected 'all', 'none' or a list of outcomes, got '{asked}'.{remedy}"
                )
            asked = [] if asked == "none" else list(model.outcomes)
        for name in asked:
            if name not in model.outcomes:
                self._wrong("keep.outcomes", unknown("outcome", name, model.outcomes))
        kept = tuple(name for name in model.outcomes if name in asked)
        return Keep(kept, table["draws"], table["yearly"])

    def study(self) -> Study:
        """The study, when there are no problems."""
        assert self.model is not None
        run, model = self.text["run"], self.model
        running = tuple(self.policies[name] for name in self.names)
        inputs = self._inputs(model, running)
        tile = run.get("tile") or default_tile(model, len(running))
        return Study(
            name=self.text["name"],
            question=self.text["question"],
            source=self.source,
            document=self._document(inputs, tile),
            model=model,
            model_name=self.model_name,
            model_digest=self.model_digest,
            seed=run["seed"],
            paths=run["paths"],
            sampler=run["sampler"],
            tile=tile,
            years=self.years,
            inputs=inputs,
            groups=self.groups,
            policies=running,
            baseline=self.baseline,
            events=self.events,
            shocks=self.shocks,
            keep=self.keep,
        )

    def _inputs(self, model: Model, running: Sequence[Policy]) -> tuple[Input, ...]:
        inputs = []
        for name in self._drawn(model, running):
            table, known = self.text["factors"][name], model.factors.get(name)
            found = self.priors[name]
            unit = table.get("unit") or (known.unit if known else "1")
            about = table.get("about") or (known.about if known else "")
            source = table.get("source", "")
            group, labels = self.group_of.get(name), factor_tables.labelled(table)
            inputs.append(
                Input(
                    name,
                    unit,
                    about,
                    found.law,
                    group,
                    source,
                    found.targets,
                    *factor_tables.told(table),
                    labels,
                )
            )
        return tuple(inputs)

    def _drawn(self, model: Model, running: Sequence[Policy]) -> list[str]:
        """Factors in the model's order, whatever the file's, then those that only an implementation draws."""
        drawn = {policy.implementation for policy in running if isinstance(policy.implementation, str)}
        return [*model.factors, *sorted(drawn - set(model.factors))]

    def _document(self, inputs: Sequence[Input], tile: int) -> dict[str, Any]:
        text, model = self.text, self.model
        assert model is not None
        run = {key: text["run"][key] for key in ("paths", "seed", "sampler")} | {"tile": tile}
        document: dict[str, Any] = {
            "name": text["name"],
            "question": text["question"],
            "model": self.model_name,
            "baseline": self.baseline,
            "compare": list(self.names),
            "run": run,
        }
        if self.years:
            document["time"] = {"first": self.years[0], "last": self.years[-1], "unit": text["time"]["unit"]}
        document["groups"] = {
            name: group_tables.restricted(text["groups"][name], group.members)
            for name, group in {**self.groups, **self.shocks.groups}.items()
        }
        document["factors"] = {}
        for item in inputs:
            table = text["factors"][item.name]
            said = {"about": item.about, "unit": item.unit}
            given = factor_tables.law_keys(table)
            rest = {key: table[key] for key in ("group", "source") if table.get(key)}
            document["factors"][item.name] = said | given | rest
        document |= {
            key: {name: dict(text[key][name]) for name in used}
            for key, used in (("regimes", self.shocks.regimes), ("shocks", self.shocks.moving))
            if used
        }
        document["policies"] = {name: self._policy_table(self.policies[name]) for name in self._reached()}
        document["events"] = {name: dict(table) for name, table in text["events"].items()}
        keep = self.keep
        document["keep"] = {"outcomes": list(keep.outcomes), "draws": keep.draws, "yearly": keep.yearly}
        return document

    def _reached(self) -> list[str]:
        """Policies that run, then those that they phase in from, directly or by way of others."""
        names, waiting = list(self.names), list(self.names)
        while waiting:
            before = self.policies[waiting.pop()].before
            if before is not None and before.name not in names:
                names.append(before.name)
                waiting.append(before.name)
        return names

    def _policy_table(self, policy: Policy) -> dict[str, Any]:
        model = self.model
        assert model is not None
        table: dict[str, Any] = {"about": policy.about}
        if policy.before is not None:
            table["before"] = policy.before.name
            table["implementation"] = policy.implementation
            if self.years:
                table["start"] = policy.start
        for lever, values in policy.levers.items():
            table[lever] = lever_table(values, model.levers[lever].dims, model, self.years)
        return table
