"""Columns of the tables that tests build by hand, a function for each kind."""

from collections.abc import Sequence
from typing import Any

from engine.answers.table import Column, Kind


def estimates(name: str, values: Sequence[Any], about: str, unit: str = "1", **more: Any) -> Column:
    """A column of estimates; `more` are fields of `Column`."""
    return Column(name, Kind.ESTIMATE, values, about, unit, **more)


def numbers(name: str, values: Sequence[Any], about: str, unit: str = "1", **more: Any) -> Column:
    """A column of numbers without error."""
    return Column(name, Kind.NUMBER, values, about, unit, **more)


def counts(name: str, values: Sequence[Any], about: str, unit: str = "1", **more: Any) -> Column:
    """A column of whole numbers, none of them missing."""
    return Column(name, Kind.COUNT, values, about, unit, **more)


def truths(name: str, values: Sequence[Any], about: str, **more: Any) -> Column:
    """A column of booleans, none of them missing."""
    return Column(name, Kind.TRUTH, values, about, **more)


def texts(name: str, values: Sequence[Any], about: str, **more: Any) -> Column:
    """A column of labels or words."""
    return Column(name, Kind.TEXT, values, about, **more)
