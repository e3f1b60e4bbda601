"""Writes the numbers of all statements into the pages."""

import tempfile
from pathlib import Path

from docs.statements.of_runs import OF_RUNS

from docs.statements.of_study import OF_STUDY
from docs.statements.pages import ROOT, filled, read
from docs.statements.runs import Runs

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, text in filled([*OF_STUDY, *OF_RUNS], Runs(Path(folder)), read()).items():
            (ROOT / name).write_text(text, encoding="utf-8")
