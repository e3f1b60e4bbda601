"""The table `dimensions`: which dimensions of the Sobol' sequence each random stream uses, where a study states it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.draws import sobol
from engine.errors import Problems
from engine.formatting import shown
from engine.study.values import Names, Tables

Dimensions = Mapping[str, tuple[int, ...]]
"""Dimensions of the Sobol' sequence by random stream."""


def read(text: Tables, problems: Problems) -> Dimensions:
    """The stated dimensions by random stream; a stream that is drawn every year has one per year.

    Args:
      text: the study's tables.
      problems: dimensions that do not exist, or that two streams have, are added here.
    """
    owners: dict[int, str] = {}
    for stream, by_year in text["dimensions"].items():
        place = f"dimensions.{stream}"
        for dimension in by_year:
            if not 0 <= dimension <= sobol.DIMENSIONS:
                problems.add(
                    place, f"expected a dimension from 1 to {sobol.DIMENSIONS}, or 0 for none, got {shown(dimension)}."
                )
            elif dimension and dimension in owners:
                problems.add(place, f"{dimension} is also in dimensions.{owners[dimension]}. Give each its own.")
            owners[dimension] = stream
    return {stream: tuple(by_year) for stream, by_year in text["dimensions"].items()}


def check(stated: Dimensions, once: Names, of_years: Names, years: int, spare: Names, problems: Problems) -> None:
    """Adds a problem for each stated stream that the study does not have, or that has too many dimensions.

    Args:
      stated: dimensions by random stream.
      once: streams that are drawn once, under any policy of the study's file.
      of_years: streams that are drawn every year; dimensions may be stated for the first of the `years` alone.
      spare: places that are not checked, as a study below states them.
      problems: what is wrong is added here.
    """
    known = {*once, *of_years}
    for stream, dimensions in stated.items():
        place, most = f"dimensions.{stream}", years if stream in of_years else 1
        if place in spare:
            continue
        if problems.knows(place, "random stream", stream, known) and not 1 <= len(dimensions) <= most:
            wanted = f"1 to {most} dimensions, one a year" if most > 1 else "one dimension"
            problems.add(place, f"expected {wanted}, got {len(dimensions)}.")


def numbered(once: Names, of_years: Names, of_policies: Names, years: Sequence[int], stated: Dimensions) -> Dimensions:
    """Dimensions by random stream: first streams drawn once, then yearly ones year by year, last those that only
    policies use.

    Args:
      once: streams that are drawn once.
      of_years: streams that are drawn every year.
      of_policies: streams that only policies of the study's file use, running or not, so that each keeps its own
        dimension.
      stated: dimensions that the study states, which are kept.
    """
    first = [(stream, None) for stream in once if stream not in of_policies]
    yearly = [(stream, year) for year in range(len(years)) for stream in of_years]
    every = sobol.dimensions([*first, *yearly, *((stream, None) for stream in of_policies)], stated)
    return {stream: every[stream] for stream in (*once, *of_years)}
