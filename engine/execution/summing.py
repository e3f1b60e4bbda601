"""Sums over paths in machine code, where there is any: what is estimated has the same bits without, and takes longer."""

from __future__ import annotations

from typing import Any

from engine.program import row_sums
from engine.program.object_code import CompilerEnded
from engine.risk import sums


def in_machine_code() -> None:
    """Has sums made so from now on in this process."""
    sums.use(_summed)


def _summed(kind: sums.Kind, *arguments: Any) -> None:
    try:
        row_sums.sums(kind, *arguments)
    except CompilerEnded:
        sums.use(sums.by_numpy)
        sums.by_numpy(kind, *arguments)
