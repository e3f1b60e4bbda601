"""Templates to markup; the owner of jinja2. Whatever comes from a study is escaped here, once, without exception."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from engine.report.charts import Chart, marker


@dataclass(frozen=True)
class Section:
    """A part of the page: its address and heading, what stands below, its charts, its parts' anchors and titles, and whether it is of the first
    two pages."""

    anchor: str
    title: str
    markup: Markup
    charts: tuple[Chart, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    brief: bool = False


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("engine.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["whole"] = unbroken
    environment.filters["marker"] = marker
    return environment


def render(template: str, **values: Any) -> Markup:
    """A template filled in; every value that is no markup is escaped."""
    return Markup(_environment().get_template(template).render(**values))


def static(name: str) -> str:
    """A style sheet or script of the package as text."""
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), f"static/{name}")[0]


def trusted(text: str) -> Markup:
    """Text of our own, to be put into a template as it is."""
    return Markup(text)


def unbroken(text: str) -> str:
    """The text with its intervals, and numbers and their percent signs, kept on one line."""
    text = re.sub(r"\[[^\[\]]{1,40}\]", lambda brackets: brackets[0].replace(" ", "\u00a0"), text)
    return re.sub(r"(?<=\d) (?=%)", "\u00a0", text)
