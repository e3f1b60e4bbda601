"""The form of each array that code of the one loop reads or writes: it runs past the end of one that is smaller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.program.emitting.driver import ARRAYS, Layout

Forms = Mapping[str, tuple[tuple[int, ...], Any]]
"""Shapes and types of arrays by name."""


def array_forms(
    layout: Layout, arguments: int, policies: int, paths: int, years: int, reads_scores: bool
) -> Forms:
    """Shape and type of each of `driver.ARRAYS`, in their order.

    Args:
      arguments: words of what is the same for all paths, policies and years.
      policies: that are computed.
      paths: of the arrays, whole batches.
      years: of the cells, those that are wanted.
      reads_scores: whether the code reads the random numbers.
    """
    streams = layout.normals + layout.uniforms
    shapes: dict[str, tuple[tuple[int, ...], Any]] = {
        "arguments": ((arguments,), np.uint32),
        "table_lasting": ((policies, layout.table.lasting), np.uint32),
        "table_each": ((policies, layout.years * layout.table.each), np.uint32),
        "normal_keys": ((layout.normals, layout.key), np.uint32),
        "uniform_keys": ((layout.uniforms, layout.key), np.uint32),
        "scratch": ((layout.scratch,), np.uint8),
        "outcomes": ((policies, layout.outcomes, paths), layout.dtype),
        "cells": ((policies, years, layout.cells, paths), layout.dtype),
        "kept": ((layout.draws + layout.years * layout.shocks, paths), layout.dtype),
        "scores": ((streams if layout.gives_scores or reads_scores else 0, paths), layout.dtype),
    }
    return {name: shapes[name] for name in ARRAYS}
