"""Fills the tables of docs/article.md: each of its commands is run, and each row that names a number gets it, under
both views.

A row names its number in a comment, `| label <!--probability:three_million:reform--> | now | then |`: the words of the
record that `--json` gives. The second view is the same page with `extends = "rustbelt_2016"`. The table of claims is
that of `rustbelt challenge rustbelt`, on 16,384 paths. Run it as `python docs/article_numbers.py [PATHS]`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from engine.answers.as_text import cell
from engine.charts.labels import minus
from engine.cli import main
from engine.formatting import rounded
from engine.risk.estimation.tables import Record

PAGE = Path(__file__).parent / "article.md"
VIEWS = {"now": "rustbelt", "then": "rustbelt_2016"}
FILE = re.compile(r"`([\w-]+\.toml)`\n+```toml\n(.*?)```", re.DOTALL)
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
ROW = re.compile(r"^\| (?P<label>[^|]*)<!--(?P<words>[^>]*)-->(?P<space> *)\|(?P<now>[^|]*)\|(?P<then>[^|]*)\|$", re.M)
CLAIMS = re.compile(r"(^\| claim \|[^\n]*\n\|[-|]+\n)(?:\|[^\n]*\n)*", re.M)
RUN_PATHS = 131_072
"""Number of paths of the runs."""
TOLD = (1, 4, 16)
"""Numbers of departures of which the table of claims has shares."""
NUMBERS = {
    "estimate",
    "standard_error",
    "low",
    "high",
    "flag",
    "flags",
    "level",
    "worse",
    "verdict",
    "paths",
    "against",
}
Records = list[dict[str, Any]]


def commands(page: str) -> list[str]:
    """The commands of the page, in order."""
    return [line for code in SHELL.findall(page) for line in code.splitlines()]


def under(text: str, view: str) -> str:
    """A study of the page, on top of the view's study."""
    return text.replace('extends = "rustbelt"', f'extends = "{VIEWS[view]}"')


def records(page: str, view: str, paths: int) -> Records:
    """What the page's commands give in a folder of their own, with so many paths, as records.

    Raises:
        RuntimeError: a command failed.
    """
    home, found = Path.cwd(), []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for name, text in FILE.findall(page):
                Path(name).write_text(under(text, view), encoding="utf-8")
            for command in commands(page):
                _, *words = shlex.split(re.sub(r"(?<=--paths )\d+", str(paths), command))
                asked = words[0] in ("risk", "attribute", "challenge", "gates")
                ended = CliRunner().invoke(main, [*words, *["--json"] * asked])
                if ended.exit_code:
                    raise RuntimeError(f"{command}: {ended.output}")
                found += _records(json.loads(ended.stdout)) if asked else []
        finally:
            os.chdir(home)
    return found


def _records(given: Any) -> Records:
    """An answer as records: every gate; else every estimate of its tables, with the texts of its row as labels."""
    if given["question"] == "gates":
        return given["tables"]["gates"]["rows"]
    if given["question"] == "challenge":
        return _of_structures(given["tables"]["structures"]["rows"])
    rows = [row for table in given["tables"].values() for row in table["rows"]]
    return [
        {
            **{name: text for name, text in row.items() if isinstance(text, str | int)},
            **({} if effect == "estimate" else {"effect": effect}),
            **estimate,
        }
        for row in rows
        for effect, estimate in row.items()
        if isinstance(estimate, dict)
    ]


def _of_structures(rows: Records) -> Records:
    """Every estimate and difference by structure, and which policy is clearly the worse one."""
    found = []
    for row in rows:
        labels = {name: row[name] for name in ("variable", "measure", "structure")}
        labels |= {name: row[name] or None for name in ("assumption", "kind")}
        worse = row["worse"].removesuffix(" (flips)")
        gap = {"policy": row["policy"], "against": row["against"], "measure": f"difference_{row['measure']}"}
        found += [labels | {"policy": row[side]} | row[f"{side}_value"] for side in ("policy", "against")]
        worse = worse if worse not in ("", "undecided", "unknown") else None
        found.append(labels | gap | row["difference"] | {"worse": worse})
    return found


def number(words: str, of: Records) -> str:
    """The number that these words name, as the page shows it.

    Raises:
        KeyError: no record has all of these words.
    """
    kind, *rest = words.split(":")
    if kind == "verdict":
        return _verdict(of, *rest)
    if kind == "gate":
        (gate,) = [record for record in of if record.get("gate") == rest[0]]
        middle, low, high = (minus(rounded(gate[key], _places(gate["median"]))) for key in ("median", "p05", "p95"))
        return f"{'held' if gate['held'] == 'yes' else '**not held**'}: {middle} [{low}, {high}]"
    wanted = set(words.split(":"))
    matching = [(len(labels - wanted), k) for k, labels in enumerate(map(_labels, of)) if labels >= wanted]
    if not matching:
        raise KeyError(words)
    record = of[min(matching)[1]]
    share = "probability" in record["measure"] or record["measure"] == "share"
    unit = " points" if "effect" in record else " %"
    estimate = {
        key: float("nan") if record[key] is None else record[key]
        for key in ("estimate", "standard_error", "low", "high")
    }
    shown = cell(Record("", None, "", "", {}, None, **estimate), 100.0 if share else 1.0)
    return minus(f"{shown.estimate}{unit if share else ''} {shown.interval}").strip()


def filled(page: str, found: dict[str, Records]) -> str:
    """The page with its rows filled."""

    def row(match: re.Match[str]) -> str:
        cells = " | ".join(number(match["words"], found[view]) for view in VIEWS)
        return f"| {match['label']}<!--{match['words']}--> | {cells} |"

    return ROW.sub(row, page)


def with_claims(page: str, challenged: dict[str, Any]) -> str:
    """The page with its table of claims filled: of each ledger the shares in which a claim holds, and what turns it."""
    by_claim: dict[str, list[str]] = {}
    for row in (row for row in challenged["tables"]["claims"]["rows"] if row["ledger"] != "mixed"):
        shares = (row[f"holds_{count}"] for count in TOLD)
        held = " / ".join("-" if share is None else f"{100 * share:.0f}" for share in shares)
        by_claim.setdefault(row["words"], []).extend((held, row["turned_by"]))
    rows = "".join(f"| {' | '.join((words, *cells))} |\n" for words, cells in by_claim.items())
    return CLAIMS.sub(lambda found: found[1] + rows, page)


def _places(value: float) -> int:
    """Decimals of a median: three for shares and logs, none for thousands and Mt."""
    return 0 if abs(value) >= 10 else 3


def _labels(record: dict[str, Any]) -> set[str]:
    return {
        str(value) for key, value in record.items() if key not in NUMBERS and value is not None and key != "structure"
    }


def _verdict(of: Records, variable: str, measure: str) -> str:
    """In how many structures the ranking of old and reform is as stated, and where it is not."""
    ranked = [
        record
        for record in of
        if "structure" in record and (record["variable"], record["measure"]) == (variable, f"difference_{measure}")
    ]
    stated, *others = ranked
    turned = [r["structure"] for r in others if r["worse"] and stated["worse"] and r["worse"] != stated["worse"]]
    unclear = [r["structure"] for r in others if not r["worse"]]
    if not stated["worse"]:
        return "not clear as stated"
    where = [f"reversed with {', '.join(turned)}"] * bool(turned) + [f"not clear with {', '.join(unclear)}"] * bool(
        unclear
    )
    return "; ".join([f"{stated['worse']} worse", *(where or [f"in all {len(ranked)} structures"])])


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    given = {view: records(text, view, int((sys.argv[1:] or [RUN_PATHS])[0])) for view in VIEWS}
    asked = CliRunner().invoke(main, ["challenge", "rustbelt", "--json"])
    PAGE.write_text(with_claims(filled(text, given), json.loads(asked.stdout)), encoding="utf-8")
