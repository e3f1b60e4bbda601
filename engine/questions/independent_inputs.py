"""The independent inputs of a path, with their random streams: groups of factors, factors and shocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.study.study import Input, Study

FACTOR, GROUP, SHOCK = "factor", "group", "shock"


@dataclass(frozen=True)
class IndependentInput:
    """An input that is drawn independently of all others.

    Args:
      name: of the factor, the group, or the shock (of dependent shocks, their group).
      kind: "group", "factor" (also one with several labels) or "shock".
      members: the factors or shocks that it consists of.
      streams: its random streams; drawing all of them again leaves every other input as it is.
    """

    name: str
    kind: str
    members: tuple[str, ...]
    streams: tuple[str, ...]

    def phrase(self, study: Study) -> str:
        """Its name in words, as it stands within a sentence: `steel price`, `the group “bank credit”`."""
        if self.kind == GROUP or (self.kind == SHOCK and len(self.members) > 1):
            return f"the group “{study.phrase('groups', self.name)}”"
        return study.phrase(f"{self.kind}s", self.name)

    @property
    def is_known_in_advance(self) -> bool:
        """Whether it is epistemic (a factor or group, which could be learned), not aleatory (a shock)."""
        return self.kind in (FACTOR, GROUP)


def independent_inputs(study: Study) -> tuple[IndependentInput, ...]:
    """All independent inputs: groups and factors in the study's order, then shocks in the model's order.

    Factors that are fixed are left out, as nothing is drawn for them.
    """
    return (*_of_factors(study), *(_of_shocks(study) if study.is_path_model else ()))


def replicates(inputs: Iterable[IndependentInput], replicate: int) -> dict[str, int]:
    """Stream -> replicate for all streams of some inputs, as `variants.redrawn` takes it."""
    return {stream: replicate for one in inputs for stream in one.streams}


def _of_factors(study: Study) -> Iterator[IndependentInput]:
    together: dict[tuple[str, str], list[Input]] = {}
    for item in study.inputs:
        key = (GROUP, item.group) if item.group else (FACTOR, item.name)
        together.setdefault(key, []).append(item)
    for (kind, name), members in together.items():
        if any(one.marginal.support[0] != one.marginal.support[1] for one in members):
            shared = study.groups[name].streams if kind == GROUP else ()
            streams = (*(one.stream for one in members), *shared)
            yield IndependentInput(name, kind, tuple(one.name for one in members), streams)


def _of_shocks(study: Study) -> Iterator[IndependentInput]:
    """Shocks of one group are one input, and groups that share a shock are one input together."""
    groups = study.shocks.groups.values()
    every = [stream for streams in study.shock_draws.streams.values() for stream in streams]
    owners = {stream: name for name, streams in study.shock_streams.items() for stream in streams}
    first_of = {name: name for name in study.model.shocks}  # the first of the shocks that each is drawn together with
    for group in groups:
        joined = {first_of[owners[member]] for member in group.members}
        first = min(joined, key=[*first_of].index)
        first_of |= {name: first for name, of in first_of.items() if of in joined}
    for first in dict.fromkeys(first_of.values()):
        names = tuple(name for name, of in first_of.items() if of == first)
        own = [group for group in groups if owners[group.members[0]] in names]
        # a stream and its parts, such as `shock:noise` and `shock:noise/size`
        heads = tuple(f"shock:{stream}/" for name in names for stream in study.shock_streams[name])
        parts = [one for one in every if f"{one}/".startswith(heads)]
        parts += [stream for group in own for stream in group.streams]
        if parts:
            name = own[0].name if len(names) > 1 else first
            yield IndependentInput(name, SHOCK, names, tuple(dict.fromkeys(parts)))
