"""Compares every number of every question with that of another version of rustbelt, on the same study and futures.

    git worktree add ../other 363ed47f && python -m venv ../other/.venv && ../other/.venv/bin/pip install -e ../other
    python benchmarks/answers_equal.py ../other/.venv/bin/rustbelt --study ../other/configs/rustbelt.toml

Both versions compute the other version's shipped models, which a copy of this package takes in place of its own.
Cells are matched by table, labels and column. Sums, quantiles and probabilities agree within 1e-12 relative, roots and
fits within 1e-6, and what is estimated by resampling or regression within two standard errors. The script prints, a
question and table a line, how many cells agree, how many differ, and how many stand on one side alone; then the columns
that differ, each with its widest difference in units of the tolerance. It ends with 1 if a cell differs by more than
its tolerance.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import engine

EXACT, FITTED, RESAMPLED = "1e-12", "1e-6", "2 se"
QUESTIONS = {
    "risk": (EXACT, ["{run}"]),
    "compare": (EXACT, ["{run}"]),
    "extremes": (FITTED, ["{run}"]),
    "explain": (FITTED, ["{run}", "--outcome", "capital_shortfall_peak", "--policy", "old"]),
    "discover": (EXACT, ["{run}", "--where", "region_devastated under old"]),
    "attribute": (EXACT, ["{study}", "--from", "old", "--to", "reform"]),
    "sensitivity": (RESAMPLED, ["{study}", "--outcome", "capital_shortfall_peak", "--paths", "4096"]),
    "flip": (FITTED, ["{study}", "--outcome", "displaced_person_years", "--paths", "16384"]),
    "challenge": (EXACT, ["{study}", "--paths", "4096"]),
    "backtest": (EXACT, ["{study}", "--paths", "16384"]),
    "condition": (EXACT, ["{study}", "--until", "2018", "--paths", "16384"]),
}
"""By question: how closely its numbers agree, and the words of its command; each ends with `--json`."""
STATS = ("estimate", "standard_error", "low", "high")
Key = tuple[str, tuple[tuple[str, Any], ...], str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", help="the other version's rustbelt")
    parser.add_argument("--study", required=True, help="a study file that both versions read")
    parser.add_argument("--paths", type=int, default=100_000, help="paths of the run (default 100,000)")
    parser.add_argument("--only", default=",".join(QUESTIONS), help="questions, by commas")
    parser.add_argument("--widest", type=int, default=20, help="columns that differ, printed per question (default 20)")
    given = parser.parse_args()
    differing = 0
    with tempfile.TemporaryDirectory() as folder:
        runs, programs = {}, {"ours": with_models_of(given.other, Path(folder)), "other": [given.other]}
        for side, program in programs.items():
            runs[side] = str(Path(folder, side))
            words = ["run", given.study, "--paths", str(given.paths), "--out", runs[side], "--quiet"]
            subprocess.run([*program, *words], check=True, stdout=subprocess.DEVNULL)
        for question in given.only.split(","):
            tolerance, words = QUESTIONS[question]
            sides = [
                answer(program, question, [word.format(run=runs[side], study=given.study) for word in words])
                for side, program in programs.items()
            ]
            differing += compared(question, tolerance, *sides, given.widest)
    sys.exit(differing > 0)


def with_models_of(other: str, folder: Path) -> list[str]:
    """The command of this version, in a copy of its package with the shipped models of another version's."""
    asked = [str(Path(other).with_name("python")), "-c", "import engine; print(*engine.__path__)"]
    package = Path(subprocess.run(asked, check=True, capture_output=True, text=True, cwd=folder).stdout.strip())
    copied = shutil.copytree(Path(engine.__file__).parent, folder / "engine")
    shutil.rmtree(copied / "models")
    shutil.copytree(package / "models", copied / "models")
    start = f"import sys; sys.path.insert(0, {str(folder)!r}); from engine.cli import main; main(prog_name='rustbelt')"
    return [sys.executable, "-c", start]


def answer(program: list[str], question: str, words: list[str]) -> dict[Key, Any]:
    """Every cell of an answer; empty, with a line on stderr, where the command fails."""
    done = subprocess.run([*program, question, *words, "--json"], capture_output=True, text=True)
    if done.returncode:
        print(f"{question}: {program[0]} ended with {done.returncode}: {done.stderr.strip()[:400]}", file=sys.stderr)
        return {}
    return dict(cells(json.loads(done.stdout)))


def cells(given: Any) -> Iterator[tuple[Key, Any]]:
    """Cells by table, labels, column and statistic; a list of records is a table as well."""
    if isinstance(given, list):
        labels = [name for name in given[0] if name not in (*STATS, "flag", "flags")] if given else []
        tables = {"records": {"dims": labels, "rows": given}}
    else:
        tables = given["tables"]
    for name, table in tables.items():
        seen: Counter[tuple[tuple[str, Any], ...]] = Counter()
        for row in table["rows"]:
            labels = tuple((dim, str(row[dim])) for dim in table["dims"])
            seen[labels] += 1
            for column, value in row.items():
                if column in table["dims"]:
                    continue
                held = {stat: value[stat] for stat in STATS} if isinstance(value, dict) else {"": value}
                for stat, one in held.items():
                    yield (name, (*labels, ("row", seen[labels])), column, stat), one


def compared(question: str, tolerance: str, ours: dict[Key, Any], other: dict[Key, Any], widest: int) -> int:
    """Prints how the cells of two answers agree, and returns how many differ by more than the tolerance."""
    count: dict[str, Counter[str]] = {}
    wide = list[tuple[float, Key, Any, Any]]()
    for key in {**ours, **other}:
        own = count.setdefault(key[0], Counter())
        if key not in ours or key not in other:
            own["ours alone" if key in ours else "other alone"] += 1
            continue
        far = distance(tolerance, key, ours, other)
        own["differ" if far > 1 else "agree"] += 1
        if far > 1:
            wide.append((far, key, ours[key], other[key]))
    for table, own in count.items():
        print(f"{question:12} {table:20} " + "  ".join(f"{name} {n:,}" for name, n in sorted(own.items())))
    kinds: dict[tuple[str, ...], list[tuple[float, Key, Any, Any]]] = {}
    for each in sorted(wide, key=lambda each: -each[0]):
        kinds.setdefault((each[1][0], *each[1][2:]), []).append(each)
    for (table, *column), every in list(kinds.items())[:widest]:
        far, (_, labels, *_), one, two = every[0]
        where = ", ".join(f"{dim} {label}" for dim, label in labels)
        print(f"    {table}, {' '.join(column)}: {len(every):,} differ, most at {where}:")
        print(f"        {one} against {two}, {far:.3g} times the tolerance")
    return len(wide)


def distance(tolerance: str, key: Key, ours: dict[Key, Any], other: dict[Key, Any]) -> float:
    """How far two cells are apart, in units of their tolerance; texts, truths and missing values agree or do not.

    The ends of an interval are held to 0.1 standard errors and standard errors to 1 %, as docs/method.md promises.
    """
    one, two = ours[key], other[key]
    if isinstance(one, (str, bool, type(None))) or isinstance(two, (str, bool, type(None))):
        return 0.0 if one == two else math.inf
    gap = abs(one - two)
    if gap == 0:
        return 0.0
    error = other.get((*key[:3], "standard_error")) or 0.0
    if tolerance == RESAMPLED and key[3]:
        return gap / (2 * error) if error else math.inf
    if key[3] in ("low", "high"):
        return gap / (0.1 * error) if error else gap / (1e-6 * max(abs(one), abs(two)))
    share = 0.01 if key[3] == "standard_error" else 1e-6 if tolerance != EXACT else 1e-12
    near = error if tolerance == FITTED else 0.0  # the scale of a parameter that may be about zero
    return gap / (share * max(abs(one), abs(two), near))


if __name__ == "__main__":
    main()
