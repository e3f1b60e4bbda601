"""The chart library that the page carries, as one script."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from engine.errors import UserError, install

VEGA_LITE = "6.4"
_SCRIPT = "window.vegaEmbed = vegaEmbed;"
Kept = Callable[[str, Callable[[], str]], str]
"""Gives a text, of all that it follows from and of what makes it."""


def missing() -> UserError:
    """What is said where the packages are not installed that the report is made with."""
    return UserError(
        "rustbelt report", [f"expected the packages of the extra 'report'. Install them: {install('report')}"]
    )


def made(about: str, make: Callable[[], str]) -> str:
    """A text made now, whatever it follows from."""
    return make()


def library(kept: Kept = made) -> str:
    """The chart library as one script, with an interpreter of its own for expressions, so that nothing is ever evaluated.

    Args:
      kept: gives it, or one that was made of the same before: putting it together takes seconds.

    Raises:
      UserError: it is not installed.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise missing() from error
    try:
        about = f"vl-convert {version('vl-convert-python')}, Vega-Lite {VEGA_LITE}, by javascript_bundle of: {_SCRIPT}"
    except PackageNotFoundError:  # nobody says which version it is
        return _put_together(vl_convert.javascript_bundle)
    return kept(about, lambda: _put_together(vl_convert.javascript_bundle))


@functools.cache
def _put_together(bundle: Callable[..., str]) -> str:
    return bundle(_SCRIPT, vl_version=VEGA_LITE)
