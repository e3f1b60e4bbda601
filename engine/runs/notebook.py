"""Progress of a run in a notebook: one line under the cell, rewritten with each stage."""

from __future__ import annotations

import sys
from typing import Any

from engine.execution.progress import Observer, Progress, unobserved


def observer() -> Observer:
    """An observer that shows progress under the cell in a notebook's kernel, and nothing in any other process."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return _Line() if getattr(shell, "kernel", None) is not None else unobserved


class _Line:
    """A progress bar and a sentence, rewritten in place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def __call__(self, stage: Progress) -> None:
        from IPython.display import HTML, display

        text = stage.note or f"{stage.name}: {stage.counted}"
        line = HTML(f'<progress value="{stage.done}" max="{max(stage.total, 1)}"></progress> {text}')
        if self._handle is None:
            self._handle = display(line, display_id=True)
        else:
            self._handle.update(line)
