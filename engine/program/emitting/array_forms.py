"""Shape and type of each array that the machine code reads or writes; it checks neither, so callers must."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.program.emitting.driver import Layout

Forms = Mapping[str, tuple[tuple[int, ...], Any]]
"""Name of an array -> (shape, type)."""


def array_forms(layout: Layout, arguments: int, policies: int, paths: int, years: int, reads_scores: bool) -> Forms:
    """Shape and type of each of `driver.ARRAYS`.

    Args:
      arguments: 32-bit words of the arguments that are the same for all paths, policies and years.
      policies: number of policies that are computed.
      paths: length of the axis of paths, a multiple of the batch.
      years: number of years whose yearly values are wanted.
      reads_scores: whether the code reads given random numbers.
    """
    streams = layout.normals + layout.uniforms
    return {
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
