"""Templates to markup; the only module that uses jinja2. All text from a study is escaped here, exactly once."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from engine.charts.theme import unbroken
from engine.formatting import printable
from engine.report.pictures import Picture


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Args:
      anchor: its HTML id.
      title: its heading.
      markup: its content.
      pictures: the charts in it.
      parts: anchors and titles of its subsections.
      brief: whether it is on the first two pages.
    """

    anchor: str
    title: str
    markup: Markup
    pictures: tuple[Picture, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    brief: bool = False


def _shown(value: Any) -> Any:
    """A value as a template shows it: control characters of a text are written out, so that none acts."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("engine.report"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["whole"] = unbroken
    return environment


def render(template: str, **values: Any) -> Markup:
    """A template filled in; every value that is not `Markup` is escaped."""
    return Markup(_environment().get_template(template).render(**values))


def static(name: str) -> str:
    """A style sheet or script of the package as text."""
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), f"static/{name}")[0]
