"""The independent inputs of a path, with their random streams: groups of factors, factors, shocks and regimes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.study.study import Study

FACTOR, GROUP, SHOCK, REGIME = "factor", "group", "shock", "regime"


@dataclass(frozen=True)
class IndependentInput:
    """An input that is drawn independently of all others.

    Args:
      name: of the factor, the group, the shock (of dependent shocks, their group) or the regime.
      kind: "group", "factor" (also one with several labels), "shock" or "regime".
      members: the factors or shocks that it consists of; none for a regime.
      streams: its random streams; drawing all of them again leaves every other input as it is.
    """

    name: str
    kind: str
    members: tuple[str, ...]
    streams: tuple[str, ...]

    def phrase(self, study: Study) -> str:
        """Its name in words, as it stands within a sentence."""
        shared = self.kind == SHOCK and len(self.members) > 1
        return study.phrase("groups" if shared else f"{self.kind}s", self.name)

    @property
    def is_known_in_advance(self) -> bool:
        """Whether it is epistemic (a factor or group, which could be learned), not aleatory (a shock or regime)."""
        return self.kind in (FACTOR, GROUP)


def independent_inputs(study: Study) -> tuple[IndependentInput, ...]:
    """All independent inputs: groups and factors in the study's order, shocks in the model's order, then regimes.

    Factors that are fixed are left out, as nothing is drawn for them.
    """
    return (*_of_factors(study), *(_of_shocks(study) if study.is_path_model else ()))


def replicates(inputs: tuple[IndependentInput, ...], replicate: int) -> dict[str, int]:
    """Stream -> replicate for all streams of some inputs, as `variants.Keys.fed` takes it."""
    return {stream: replicate for one in inputs for stream in one.streams}


def _of_factors(study: Study) -> Iterator[IndependentInput]:
    seen: set[str] = set()
    for item in study.inputs:
        group = study.groups.get(item.group or "")
        name = group.name if group else item.name.partition("[")[0]
        if name in seen:
            continue
        seen.add(name)
        if group:
            members = [one for one in study.inputs if one.name in group.members]
        else:
            members = [
                one
                for one in study.inputs
                if not one.group and one.name.partition("[")[0] == item.name.partition("[")[0]
            ]
        if all(one.marginal.support[0] == one.marginal.support[1] for one in members):
            continue
        streams = (*(member.stream for member in members), *(group.streams if group else ()))
        yield IndependentInput(name, GROUP if group else FACTOR, tuple(one.name for one in members), streams)


def _of_shocks(study: Study) -> Iterator[IndependentInput]:
    shocks = study.shocks
    every = [stream for streams in study.shock_draws.streams.values() for stream in streams]
    owners = {stream: name for name, streams in study.shock_streams.items() for stream in streams}
    # shocks of one group are one input, and groups that share a shock are one input together
    sets = [{owners[member] for member in group.members} for group in shocks.groups.values()]
    sets += [{name} for name in study.model.shocks]
    joined: list[set[str]] = []
    for some in sets:
        apart = [other for other in joined if not other & some]
        joined = [*apart, some.union(*(other for other in joined if other & some))]
    order = list(study.model.shocks)
    for some in sorted(joined, key=lambda some: min(map(order.index, some))):
        names = tuple(sorted(some, key=order.index))
        groups = [group for group in shocks.groups.values() if owners[group.members[0]] in some]
        streams = {f"shock:{stream}" for name in names for stream in study.shock_streams[name]}
        own = [stream for stream in every if stream in streams or any(stream.startswith(f"{one}/") for one in streams)]
        own += [stream for group in groups for stream in group.streams]
        if own:
            name = groups[0].name if len(names) > 1 and groups else names[0]
            yield IndependentInput(name, SHOCK, names, tuple(dict.fromkeys(own)))
    for chain in shocks.regimes.values():
        yield IndependentInput(chain.name, REGIME, (), (chain.stream,))
