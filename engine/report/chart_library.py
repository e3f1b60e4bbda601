"""The chart library (Vega-Lite) that the page contains, as one script."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.metadata import version

from engine.charts.export import VEGA_LITE

_SCRIPT = "window.vegaEmbed = vegaEmbed;"
TextCache = Callable[[str, Callable[[], str]], str]
"""A cache of texts: called with all that a text depends on and the function that makes it, it gives the text."""


def library(kept: TextCache) -> str:
    """The chart library as one script; it interprets expressions itself, so that JavaScript's `eval` is never used.

    Args:
      kept: cache for the script, which takes seconds to build.
    """
    about = f"vl-convert {version('vl-convert-python')}, Vega-Lite {VEGA_LITE}, by javascript_bundle of: {_SCRIPT}"
    return kept(about, _bundle)


@functools.cache
def _bundle() -> str:
    import vl_convert  # starts an engine of JavaScript

    return vl_convert.javascript_bundle(_SCRIPT, vl_version=VEGA_LITE)
