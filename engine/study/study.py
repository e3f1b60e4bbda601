"""The study as the engine sees it: frozen records, all names resolved, and the fingerprint that names its cube."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from engine.draws.distributions.device import Draws
from engine.draws.distributions.law import Law as Law
from engine.draws.factors import Group as Group, Input as Input, latent_streams
from engine.draws.sampling import SAMPLERS as SAMPLERS
from engine.draws.shock_draws import ShockDraws
from engine.draws.shocks import Shocks
from engine.formatting import begun_small, titled, words
from engine.modelling import contract
from engine.modelling.records import Model, PathModel, shock_streams, worse_side
from engine.study import labels
from engine.study.components import Assumption, Event, Keep, Policy
from engine.study.lever_groups import LeverGroups
from engine.study.tables import dimensions as dimension_tables
from engine.study.tables.challenge import Challenge, Claim, claim_of
from engine.study.tables.facts import FUTURES, Facts
from engine.study.tables.gates import Gate
from engine.study.tables.observed import Observed
from engine.study.tables.stops import Target
from engine.study.tables.triggers import Trigger
from engine.study.values import LEVELS as LEVELS, Tables, leaving_out

BLOCK = 1 << 17
"""Paths in one block: one shard of every stored variable, one commit. It never changes: stored cubes rest on it."""
FORMS = ("loop", "xla")
"""Forms of a study's program: one loop over the years, where its model allows it; or XLA's."""
ANYWHERE = "any processor"
"""Prefix of a device kind whose devices all give the same bits, whatever version of the compiler is used."""
PRECISIONS: Mapping[str, type] = {"float32": np.float32, "float64": np.float64}
"""Types in which a study may be computed and stored, by name."""


@dataclass(frozen=True)
class Block:
    """A range of paths: `count` paths from number `first` on; block `index` of the study."""

    index: int
    first: int
    count: int


@dataclass(frozen=True)
class Study:
    """A resolved study: everything that determines the numbers of a path, and how many paths there are.

    Args:
      document: the resolved study as plain data, in the words of the study file (what `study.toml` holds).
      model_name: name by which the study states its model, or the class of the user's own model.
      model_digest: SHA-256 that identifies the model (`contract.identified`).
      years: calendar years, empty for a static model.
      tile: paths that one compiled pass takes.
      precision: "float32", or "float64" where single precision is too coarse: type of every number but the random
        words.
      program: one of `FORMS`: "loop", the one loop where the model allows it, or "xla".
      headline: outcomes that short tables show, in their order.
      levels: of VaR and ES, ascending, `LEVELS` among them.
      model_spec: `FILE:CLASS` (absolute) from which the user's own model can be loaded again; None for a model that the
        study names, and for one that is in no file.
      traced: digest of the model as it was traced when the study was loaded; None for one that ships.
      labels: kind, one of `labels.KINDS` -> name -> what people call it, where it has a label.
      author, settings: who is responsible, "" if nobody is named; single values that replaced those of its file
        (`--set`).
      lever_groups: levers that are varied together when a difference is attributed to levers, by the name of the group.
      gates: facts that its numbers are checked against; not in the document, as no number of a run depends on them.
      nonfinite: largest share of the paths that may be excluded because values on them are not finite.
      assumptions, challenge: what its answer may rest on; its claims, and other choices of what is measured. They
        change no number of a run.
      observed, facts: observed figures that it is scored by; which of them are taken as known, so that its futures are
        drawn given these.
      stated_dimensions, of_policies: the Sobol' dimensions that it states; random streams that only policies of its
        file use, running or not.
      until, idle_targets: targets of precision at which a run ends, which change no number of a path; targets on
        policies that do not run.
      triggers: rules by which policies set levers, by name.
      in_python: its tables, where it was stated in Python and not in a file.
    """

    name: str
    question: str
    source: str
    document: Tables
    model: Model
    model_name: str
    model_digest: str
    seed: int
    paths: int
    sampler: str
    tile: int
    years: tuple[int, ...]
    inputs: tuple[Input, ...]
    groups: Mapping[str, Group]
    policies: tuple[Policy, ...]
    baseline: str
    events: tuple[Event, ...]
    precision: str
    program: str
    shocks: Shocks
    headline: tuple[str, ...]
    keep: Keep
    nonfinite: float
    labels: labels.Labels
    author: str
    levels: tuple[float, ...]
    lever_groups: LeverGroups
    assumptions: tuple[Assumption, ...]
    gates: Mapping[str, Gate]
    challenge: Challenge
    observed: Observed
    facts: Facts | None
    stated_dimensions: dimension_tables.Dimensions
    of_policies: tuple[str, ...]
    until: tuple[Target, ...]
    idle_targets: tuple[Target, ...]
    triggers: Mapping[str, Trigger]
    model_spec: str | None = None
    traced: str | None = None
    settings: tuple[str, ...] = ()
    in_python: Tables = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """First 12 hex digits of the SHA-256 of all parts of the resolved study that affect numbers of a path.

        Paths, `nonfinite`, `until`, labels, author, lever groups, assumptions and the challenge do not change it.
        """
        document = self.document
        known = {"observed": document["observed"]} if "facts" in document else {}
        run = leaving_out(document["run"], ("paths", "nonfinite", "until"))
        return _digest({**labels.numeric(document), **known, "run": run, "model_digest": self.model_digest})

    @cached_property
    def beliefs(self) -> str:
        """First 12 hex digits of the SHA-256 of its beliefs: priors, their dependence, and the model's constants."""
        numeric = labels.numeric(self.document)
        priors = {name: leaving_out(table, ("about", "source")) for name, table in numeric["factors"].items()}
        constants = {name: one.value for name, one in self.model.constants.items()}
        return _digest([priors, numeric["groups"], constants])

    @cached_property
    def dimensions(self) -> dimension_tables.Dimensions:
        """Sobol' dimensions by random stream (`dimension_tables.numbered`); empty under other samplers."""
        if not SAMPLERS[self.sampler].directions:
            return {}
        return dimension_tables.numbered(*self.streams, self.of_policies, self.years, self.stated_dimensions)

    @property
    def streams(self) -> tuple[list[str], list[str]]:
        """Names of the random streams that are drawn once per path, and of those that are drawn every year."""
        yearly = self.shock_draws.streams.values() if self.is_path_model else ()
        return [*(item.stream for item in self.inputs), *latent_streams(self.groups)], [*chain(*yearly)]

    @cached_property
    def draws(self) -> Draws:
        """The map from scores to draws for the factors."""
        return Draws([item.marginal for item in self.inputs])

    @cached_property
    def shock_draws(self) -> ShockDraws:
        """The map from the random words of a year to the model's shocks."""
        return ShockDraws(self.shock_streams, {name: one.law for name, one in self.model.shocks.items()}, self.shocks)

    @property
    def shock_streams(self) -> dict[str, tuple[str, ...]]:
        """Names of the streams of each shock: its own, or one for each of its labels."""
        return shock_streams(self.model)

    def refuse_broken_model(self) -> None:
        """Raises a `UserError` where the model's methods do not give what it declares (`contract.refuse_broken`)."""
        contract.refuse_broken(self.model, self.model_name, self.dtype, self.traced)

    @property
    def rests_on_tables(self) -> bool:
        """Whether laws, copulas or direction numbers come from SciPy, so that its version may change bits."""
        of_shocks = [self.shock_draws.draws, self.shock_draws.sizes] if self.is_path_model else []
        tabulated = any(table is not None for one in (self.draws, *of_shocks) for table in one.tables)
        groups = {**self.groups, **self.shocks.groups}.values()
        return tabulated or bool(self.dimensions) or any(one.copula.family != "gaussian" for one in groups)

    @property
    def is_path_model(self) -> bool:
        """Whether the model has years (`PathModel`)."""
        return isinstance(self.model, PathModel)

    @property
    def step(self) -> str:
        """What one step of the time is: "year", or what the study states; "" for a model without years."""
        return str(self.document["time"]["unit"]) if self.years else ""

    @property
    def has_yearly(self) -> bool:
        """Whether yearly values are summarised: a path model with yearly variables, unless `keep.yearly` is 0."""
        return bool(self.is_path_model and self.model.yearly and self.keep.yearly)

    @cached_property
    def events_by_name(self) -> dict[str, Event]:
        """The events in the order of the study."""
        return {event.name: event for event in self.events}

    @property
    def claims(self) -> list[Claim]:
        """The claims of its challenge."""
        names = self.policy_names, self.events_by_name, self.model.outcomes, self.levels
        return [claim_of(text, *names) for text in self.challenge.claims]

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the outcomes, then of the events: everything that has one number per path."""
        return (*self.model.outcomes, *self.events_by_name)

    def unit_of(self, variable: str) -> str:
        """The unit of an outcome; "1" for an event."""
        return self.model.outcomes[variable].unit if variable in self.model.outcomes else "1"

    def is_loss(self, variable: str) -> bool:
        """Whether high values of an outcome are worse; True for an event."""
        return bool(self.loss_of(variable))

    def loss_of(self, variable: str) -> bool | None:
        """As `is_loss`; None for an outcome of which neither high nor low values are worse."""
        return self.model.outcomes[variable].loss if variable in self.model.outcomes else True

    def worse_side(self, variable: str) -> str:
        """Which values of an outcome are worse, in words; "" where neither high nor low values are."""
        return worse_side(self.loss_of(variable))

    def places(self, outcomes: Iterable[str]) -> list[int]:
        """Indices of outcomes among those of the model."""
        return [*map([*self.model.outcomes].index, outcomes)]

    @property
    def policy_names(self) -> tuple[str, ...]:
        """Names of the policies that run, in the order of the study."""
        return tuple(policy.name for policy in self.policies)

    def row(self, policy: str) -> int:
        """Index of a policy in the order of the study."""
        return self.policy_names.index(policy)

    @property
    def dtype(self) -> type:
        """The type of its numbers."""
        return PRECISIONS[self.precision]

    @property
    def unit(self) -> int:
        """Paths in an independent unit: 1, 2 for antithetic pairs, or those of a replicate or run of moved futures."""
        return FUTURES if self.facts else SAMPLERS[self.sampler].unit

    @property
    def futures(self) -> str:
        """The paths behind its numbers, in words: how many, of which seed, and up to which year facts are known."""
        known = f", given figures to {self.facts.until}" if self.facts else ""
        return f"{self.paths:,} path{'s' * (self.paths > 1)}, seed {self.seed}{known}"

    def title(self, kind: str, name: str) -> str:
        """The title of a part: its label, else its name as words with a capital first letter.

        Args:
          kind: one of `labels.KINDS`.
          name: of the part, or of a shock for one of its labels: `demand[coal]`.
        """
        return self._label(kind, name) or titled(self.words(name))

    def phrase(self, kind: str, name: str) -> str:
        """The name of a part within a sentence: its label with a small first letter, else its name as words.

        Args:
          kind: as of `title`.
        """
        label = self._label(kind, name)
        return self.words(name) if label is None else begun_small(label)

    def _label(self, kind: str, name: str) -> str | None:
        known, (whole, bracket, place) = self.labels.get(kind, {}), name.partition("[")
        return known.get(name) or (f"{known[whole]}{bracket}{place}" if whole in known else None)

    def words(self, name: str) -> str:
        """A name as words: `gdp_index` is "GDP index" if a text of the study or its model contains "GDP"."""
        return " ".join(word.upper() if word.upper() in self._acronyms else word for word in words(name).split(" "))

    @cached_property
    def _acronyms(self) -> frozenset[str]:
        """Acronyms of 2 to 5 capital letters that occur in the texts of the study and its model."""
        model = self.model
        parts = (part for table in (model.outcomes, model.levers, model.yearly) for part in table.values())
        texts = [self.question, *(one.about for one in (*parts, *self.events, *self.inputs))]
        return frozenset(re.findall(r"\b[A-Z]{2,5}\b", " ".join(texts)))

    def of_paths(self, paths: int) -> Study:
        """The study with `paths` paths."""
        run = self.document.get("run", {})
        return replace(self, paths=paths, document={**self.document, "run": {**run, "paths": paths}})

    def block(self, index: int) -> Block:
        """The block of that number; the last one of the study may be short."""
        first = index * BLOCK
        return Block(index, first, min(BLOCK, self.paths - first))

    def blocks(self) -> tuple[Block, ...]:
        """The blocks that hold the study's paths."""
        return tuple(map(self.block, range(-(-self.paths // BLOCK))))


def _digest(plain: Any) -> str:
    """First 12 hex digits of the SHA-256 of plain data."""
    text = json.dumps(plain, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
