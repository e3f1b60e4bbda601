"""The table `dimensions`: which dimension of a Sobol' sequence each random stream has, where a study states it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.draws.sobol import DIMENSIONS
from engine.errors import Problems, unknown
from engine.modelling.records import Model

KEY = "dimensions"


def read(text: Mapping[str, Any], model: Model, problems: Problems) -> dict[str, tuple[int, ...]]:
    """Dimensions by random stream, of one that is drawn by year those of its years.

    Args:
      text: the study's tables, factors label by label.
      problems: streams of what the study has not, and dimensions that there are not or that two have, are added here.
    """
    known = {f"factor:{name}" for name in text["factors"]}
    known |= {f"{kind}:{name}" for kind in ("group", "regime") for name in text[f"{kind}s"]}
    known |= {f"shock:{name}" for name in model.shocks}
    owners: dict[int, str] = {}
    for stream, by_year in text[KEY].items():
        place = f"{KEY}.{stream}"
        whole = stream.partition("/")[0]
        if not {whole, whole.partition("[")[0]} & known:
            problems.add(place, unknown("random stream", stream, known))
        for dimension in by_year:
            if not 0 <= dimension <= DIMENSIONS:
                wanted = f"a dimension from 1 to {DIMENSIONS}, or 0 for none"
                problems.add(place, f"expected {wanted}, got {dimension}.")
            elif dimension and dimension in owners:
                problems.add(place, f"{dimension} is also in {KEY}.{owners[dimension]}. Give each its own.")
            owners[dimension] = stream
    return {stream: tuple(by_year) for stream, by_year in text[KEY].items()}


def table_of(dimensions: Mapping[str, tuple[int, ...]]) -> dict[str, list[int]]:
    """The table that reads as these."""
    return {stream: [*by_year] for stream, by_year in dimensions.items()}
