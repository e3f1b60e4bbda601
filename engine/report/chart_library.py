"""The chart library (Vega-Lite) that the page contains, as one script."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from engine.errors import UserError, install

VEGA_LITE = "6.4"
_SCRIPT = "window.vegaEmbed = vegaEmbed;"
TextCache = Callable[[str, Callable[[], str]], str]
"""A cache of texts: called with all that a text depends on and the function that makes it, it gives the text."""


def missing() -> UserError:
    """The error for missing packages of the extra 'report'."""
    return UserError(
        "rustbelt report", [f"expected the packages of the extra 'report'. Install them: {install('report')}"]
    )


def uncached(about: str, make: Callable[[], str]) -> str:
    """The `TextCache` without a cache: makes the text anew every time."""
    return make()


def library(kept: TextCache = uncached) -> str:
    """The chart library as one script; it interprets expressions itself, so that JavaScript's `eval` is never used.

    Args:
      kept: cache for the script, which takes seconds to build.

    Raises:
      UserError: it is not installed.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise missing() from error
    try:
        about = f"vl-convert {version('vl-convert-python')}, Vega-Lite {VEGA_LITE}, by javascript_bundle of: {_SCRIPT}"
    except PackageNotFoundError:  # its version is unknown, so the script cannot be cached
        return _put_together(vl_convert.javascript_bundle)
    return kept(about, lambda: _put_together(vl_convert.javascript_bundle))


@functools.cache
def _put_together(bundle: Callable[..., str]) -> str:
    return bundle(_SCRIPT, vl_version=VEGA_LITE)
