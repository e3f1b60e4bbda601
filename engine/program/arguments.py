"""The arguments of a study's compiled program: keys, priors and levers as arrays.

A changed number changes an argument and needs no recompilation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax.tree_util import keystr, tree_leaves_with_path
from jaxtyping import Float, Shaped, UInt32
from scipy.special import ndtr, ndtri

from engine.draws.random_words import stream_key
from engine.draws.sampling import SAMPLERS
from engine.draws.sobol import directions
from engine.study.components import Policy
from engine.study.study import Study
from engine.study.tables.triggers import whole

ByYear = Shaped[np.ndarray, "year policy"]
Points = Float[np.ndarray, "stream future"]


def of(study: Study, dtype: type = np.float32) -> dict[str, Any]:
    """All arguments of a study's program, as a tree of arrays by name.

    They are the keys of all random streams, the parameters of shocks, priors and copulas, scale and shift of factor
    draws, and the levers of each policy by year.

    Args:
      dtype: of all floating-point numbers.
    """
    return {
        **keys(study),
        "shocks": study.shock_draws.arrays(dtype) if study.is_path_model else {},
        "marginals": study.draws.arrays(dtype),
        "groups": {name: group.copula.parameters(dtype) for name, group in study.groups.items()},
        "changes": changes({}, study, dtype),
        "levers": lever_arrays(study, dtype),
    }


def must_be_alike(inputs: Any, own: Any) -> None:
    """Raises a ValueError unless arguments have the names, shapes and types of a program's own; its code trusts these.

    Args:
      inputs: the arguments to check.
      own: the program's own.

    Raises:
      ValueError: names are missing or too many, or an array has another shape or type.
    """
    found, expected = ({place: _form(leaf) for place, leaf in tree_leaves_with_path(one)} for one in (inputs, own))
    for place in expected | found:
        if found.get(place) != expected.get(place):
            text = f"expected {expected.get(place)}, got {found.get(place)}."
            raise ValueError(f"inputs{keystr(place)}: {text}")


def _form(array: Any) -> tuple[Any, ...]:
    return np.asarray(array).dtype, np.shape(array)


def checked_scores(scores: Any, study: Study) -> np.ndarray:
    """The given random numbers as an array [stream, path], once they have been checked: one row for each of `streams`.

    Raises:
      ValueError: they are not floating-point numbers, or there are more or fewer rows, or another number of axes.
    """
    found, rows = np.asarray(scores), len(streams(study))
    if found.dtype.kind != "f" or found.ndim != 2 or len(found) != rows:
        raise ValueError(f"scores: expected floating numbers ({rows}, paths), got {found.dtype} {found.shape}.")
    return found


def keys(study: Study, replicates: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Keys of all random streams: "factor_keys" [stream, word], and "shock_keys" by law [year, stream, word].

    Factor keys are those of the factors, then of what groups share. Under `sobol` the direction numbers of a stream
    stand behind its two key words. In a replicate they are zero, which makes it plain random numbers: in the dimension
    of the original stream the replicate would not be independent of it.

    Args:
      replicates: stream -> number of the replicate to read; 0, the study's own numbers, for streams not named.
    """
    again, size = replicates or {}, SAMPLERS[study.sampler].directions

    def of_stream(stream: str, step: int) -> np.ndarray:
        replicate = again.get(stream, 0)
        key = stream_key(study.seed, stream, step, replicate)
        dimension = study.dimensions[stream][step] if size and not replicate else 0
        return np.concatenate([key, directions(dimension)]) if size else key

    def of_streams(streams: Sequence[str], step: int = 0) -> UInt32[np.ndarray, "stream word"]:
        words = [of_stream(stream, step) for stream in streams]
        return np.array(words, np.uint32).reshape(-1, 2 + size)

    return {
        "factor_keys": of_streams(study.streams[0]),
        "shock_keys": {
            law: np.stack([of_streams(streams, step) for step in range(len(study.years))])
            for law, streams in study.shock_draws.streams.items()
            if streams
        },
    }


@dataclass(frozen=True)
class Stream:
    """One random number of a path: its stream, its law and the year that it is drawn in.

    Args:
      name: name of its random stream.
      law: "normal" or "uniform".
      year: index of the year that it is drawn in, from 0; None if it is drawn once a path.
    """

    name: str
    law: str
    year: int | None = None

    @property
    def label(self) -> str:
        """The name of the stream, followed by the index of the year where there is one."""
        return self.name if self.year is None else f"{self.name} {self.year}"


def streams(study: Study) -> tuple[Stream, ...]:
    """All random numbers of a path, in the order of the rows of `Program.scores`.

    They are those of the factors, those that groups share, then those of the shocks: by law, by year, by stream.
    """
    of_years = [
        Stream(name, law, year)
        for law, names in study.shock_draws.streams.items()
        for year in range(len(study.years))
        for name in names
    ]
    return *(Stream(name, "normal") for name in study.streams[0]), *of_years


def as_numbers(study: Study, points: Points) -> Points:
    """Random numbers of a program from independent normal scores z: uniform ones are Phi(z), inside (0, 1)."""
    numbers: np.ndarray = points.astype(study.dtype)
    uniform = _uniform(study)
    below_1 = np.nextafter(study.dtype(1), study.dtype(0))
    numbers[uniform] = np.clip(ndtr(points[uniform]).astype(study.dtype), 2.0**-33, below_1)
    return numbers


def as_normal(study: Study, numbers: Points) -> Points:
    """Independent normal scores, float64, of random numbers as a program takes them: the inverse of `as_numbers`."""
    points, uniform = numbers.astype(np.float64), _uniform(study)
    points[uniform] = ndtri(points[uniform])
    return points


def _uniform(study: Study) -> list[bool]:
    return [one.law == "uniform" for one in streams(study)]


def changes(factors: Mapping[str, tuple[float, float]], study: Study, dtype: type) -> dict[str, np.ndarray]:
    """Arrays "scale" and "shift" [factor], in the order of the study: each draw becomes draw x scale + shift.

    Factors that are not changed have scale 1 and shift -0, which leaves every bit as it is: 0 would turn -0 into 0.

    Args:
      factors: name -> (scale, shift) of the factors that are changed.
    """
    rows = [factors.get(item.name, (1.0, -0.0)) for item in study.inputs]
    table: np.ndarray = np.array(rows, dtype).reshape(-1, 2)
    return {"scale": table[:, 0], "shift": table[:, 1]}


def lever_arrays(study: Study, dtype: type) -> dict[str, Any]:
    """The levers of all policies as arrays [year, policy]; a static model has one "year".

    Returns:
      A dictionary with the entries:
        "levers", "before": lever -> its cells, under each policy and under the one that it replaces.
        "drawn": for each of these two, lever -> factor -> weights by which the factor's draw is added to the cells.
        "start", "before_start": calendar years in which the policy, and the one before it, begin.
        "implementation": share of the policy that is implemented.
        "by_factor": factor -> whether its draw is this share.
    """
    n_years = max(1, len(study.years))
    own, before = study.policies, [whole(policy.before or policy) for policy in study.policies]
    before_is_drawn = any(policy.before is not None and policy.before.drawn for policy in own)
    stated, shares = [*map(whole, own)], [policy.implementation for policy in own]

    def stacked(values: list[np.ndarray]) -> tuple[ByYear, ...]:
        return tuple(np.stack([np.reshape(value, (n_years, -1)) for value in values]).T.astype(dtype))

    def cells(policies: Sequence[Policy]) -> dict[str, tuple[ByYear, ...]]:
        return {name: stacked([policy.levers[name] for policy in policies]) for name in study.model.levers}

    def drawn(policies: Sequence[Policy]) -> dict[str, dict[str, tuple[ByYear, ...]]]:
        found: dict[str, dict[str, tuple[ByYear, ...]]] = {}
        pairs = [(name, factor) for policy in policies for name, of in policy.drawn.items() for factor in of]
        for name, factor in dict.fromkeys(pairs):
            weights = [
                policy.drawn.get(name, {}).get(factor, np.zeros_like(policy.levers[name])) for policy in policies
            ]
            found.setdefault(name, {})[factor] = stacked(weights)
        return found

    def column(values: list[Any], kind: type = dtype) -> ByYear:
        return np.broadcast_to(np.array(values, kind), (n_years, len(values)))

    return {
        "levers": cells(stated),
        "before": cells(before),
        # a policy without one before it has its own levers as "before", and reads no drawn ones
        "drawn": {"levers": drawn(stated), "before": drawn(before) if before_is_drawn else {}},
        "start": column([policy.start for policy in own], np.int32),
        "before_start": np.array(
            [[_began(policy, year) for policy in before] for year in study.years or (0,)], np.int32
        ),
        "implementation": column([0.0 if isinstance(share, str) else share for share in shares]),
        "by_factor": {
            name: column([share == name for share in shares], bool) for name in shares if isinstance(name, str)
        },
    }


def _began(policy: Policy, year: int) -> int:
    """Calendar year in which the policy in force in `year` began."""
    while policy.before is not None and year < policy.start:
        policy = policy.before
    return policy.start
