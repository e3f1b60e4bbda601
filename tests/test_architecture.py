"""The rooms of the house: what may import what, and which file owns which thing from outside."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "engine"

# From the bottom up. A file imports only from rows before its own and, within its row, from files named before it.
ROWS = (
    ("errors", "files"),
    ("bits", "cells", "elementary", "halves", "left_out", "registry", "rounding"),
    (
        "columns", "copulas/contract", "copulas/matrices", "copulas/tails", "copulas/elliptical", "copulas/frailties",
        "copulas/concordance", "copulas/archimedean", "copulas/empirical", "copulas/vine", "copulas/statements", "copulas",
        "distributions/law", "distributions/named", "distributions/closed", "distributions/statements", "distributions/solving",
        "distributions/elicited", "distributions/composed", "distributions/listed", "distributions/metalog", "distributions/prior",
        "distributions/tables", "distributions/drawn", "distributions", "dependence", "strata", "sampling", "equations", "packs", "fences", "batch", "model", "declaration", "folds", "reducers",
        "histograms",
    ),
    (
        "factors", "shocks", "shock_draws", "models/rustbelt/labels", "models/rustbelt/base_2015", "models/rustbelt/inputs",
        "models/rustbelt/environment", "models/rustbelt/industry", "models/rustbelt/enterprises",
        "models/rustbelt/banks", "models/rustbelt/labour", "models/rustbelt/economy", "models/rustbelt/outcomes",
        "models/rustbelt/model", "models/rustbelt", "models",
    ),
    ("study",),
    (
        "policies", "priors", "layers", "groups", "shock_tables", "resolve", "schema", "json_schema", "config", "starting", "arguments", "rules", "tile", "kernel", "devices", "locks", "npz", "ledger",
        "claims", "summaries", "reserved", "zarr_files", "cube", "packing", "foreign", "objects", "reading", "intervals", "tails", "measures",
        "grouped", "events", "tallies", "provenance",
    ),
    ("replay", "checks"),
    (
        "analyses/compare", "analyses/tallied", "analyses/condition", "analyses/yearly", "analyses/sample",
        "analyses/tightening", "analyses/curves", "analyses/summarise", "analyses",
    ),
    ("work", "worker", "tasks", "workers", "cluster", "executors", "simulate"),
    (
        "runs", "memory", "answers", "job", "upkeep", "planning", "likelihood", "fitting",
        "plots/style", "plots/words", "plots/sheet", "plots/ticks", "plots/asked", "plots/ranks", "plots/bars",
        "plots/exceedance", "plots/fan", "plots/differences", "plots/tails", "plots/scatter", "plots/tornado",
        "plots/correlation", "plots/convergence", "plots/story", "plots/priors", "plots/kinds", "plots",
        "report/text", "report/sentences", "report/charts", "report/markup", "report/material", "report/sections/answer",
        "report/sections/headline", "report/sections/chances", "report/sections/curves", "report/sections/places",
        "report/sections/assumptions", "report/sections/computation", "report/sections", "report/page", "report",
    ),
    ("cli",),
)  # fmt: skip
PLACES = {file: (row, place) for row, files in enumerate(ROWS) for place, file in enumerate(files)}

OWNERS = {
    "tomllib": {"config"},
    "tomli_w": {"config"},
    "pydantic": {"config", "schema"},
    "zarr": {"reading", "foreign", "packing"},
    "obstore": {"objects"},
    "pyarrow": {"columns"},
    "pyvinecopulib": {"copulas/vine"},
    "distributed": {"cluster", "worker"},
    "matplotlib": {"plots/style", "plots/words", "plots/sheet", "plots/ticks"},
    "jinja2": {"report/markup"},
    "markupsafe": {"report/markup"},
    "vl_convert": {"report/charts"},
    "click": {"cli"},
    "rich": {"cli"},
}
# jit in the kernel alone; what is mapped and scanned, in the kernel, in the tile that it compiles and in the batches of its rules
COMPILED = re.compile(r"jax\.(jit|pmap|shard_map|export\.export)")
MAPPED = re.compile(r"jax\.(vmap|lax\.(scan|map|fori_loop|while_loop))")
DEVICES = re.compile(r"jax\.((local_)?devices|(local_)?device_count|default_backend)")
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "base", "manager", "managers", "misc"}


def files() -> dict[str, Path]:
    """Every file of the engine by its place ("models/rustbelt/banks"); a package's own file has the package's place."""
    found = {}
    for path in sorted(ENGINE.rglob("*.py")):
        parts = path.relative_to(ENGINE).with_suffix("").parts
        found["/".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    del found[""]  # the package's face, which only hands names on
    return found


FILES = files()


def listed(file: str) -> str:
    """Where a file stands in the rows: all of `cli/` is one room."""
    return "cli" if file.split("/")[0] == "cli" else file


def imported(file: str) -> Iterator[str]:
    """Dotted names that a file imports, wherever in it; `from a import b` gives a.b."""
    package = ["engine", *file.split("/")[: None if FILES[file].name == "__init__.py" else -1]]
    for node in ast.walk(ast.parse(FILES[file].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            head = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*head, *([node.module] if node.module else [])])
            yield from (f"{start}.{name.name}" for name in node.names)


def parts_of_engine(name: str) -> str | None:
    """The file of the engine that a dotted name leads to, if any."""
    parts = name.split(".")
    if parts[0] != "engine":
        return None
    while len(parts) > 1 and "/".join(parts[1:]) not in FILES:
        parts.pop()
    return "/".join(parts[1:])


def said(file: str) -> Iterator[str]:
    """Dotted names that a file reads (`jax.lax.scan`)."""
    for node in ast.walk(ast.parse(FILES[file].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)


def test_every_file_has_its_place_and_every_place_its_file():
    assert {listed(file) for file in FILES} == set(PLACES)


@pytest.mark.parametrize("file", FILES)
def test_arrows_go_down(file):
    for name in imported(file):
        other = parts_of_engine(name)
        if other is None or other == file or listed(other) == listed(file) == "cli":
            continue
        assert other, f"{file} imports the package's face, {name}"
        assert PLACES[listed(other)] < PLACES[listed(file)], f"{file} imports {other}, which is not below it"


@pytest.mark.parametrize("file", FILES)
def test_each_outside_thing_has_one_owner(file):
    for name in imported(file):
        owners = OWNERS.get(name.split(".")[0], {listed(file)})
        assert listed(file) in owners, f"{file} imports {name}, which is {owners}'s"
    for names, owners in (
        (COMPILED, {"kernel"}),
        (MAPPED, {"kernel", "tile", "batch"}),
        (DEVICES, {"devices"}),
    ):
        used = {name for name in (*imported(file), *said(file)) if names.fullmatch(name)}
        assert not used or file in owners, f"{file} uses {used}, which only {owners} may"


@pytest.mark.parametrize("file", FILES)
def test_only_the_command_line_prints_and_exits(file):
    if listed(file) == "cli":
        return
    calls = [
        n for n in ast.walk(ast.parse(FILES[file].read_text(encoding="utf-8"))) if isinstance(n, ast.Call)
    ]
    loud = [
        ast.unparse(call)
        for call in calls
        if ast.unparse(call.func) in ("print", "sys.exit", "exit", "os._exit")
    ]
    assert not loud


@pytest.mark.parametrize("file", FILES)
def test_files_are_short_and_named_after_what_they_do(file):
    assert len(FILES[file].read_text(encoding="utf-8").splitlines()) <= 400
    assert not FORBIDDEN_NAMES & set(file.split("/"))


def test_the_documentation_shows_the_same_rows():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown: dict[int, list[str]] = {}
    for row, names in re.findall(r"^\| (\d+) \| ([^|]+) \|", text, re.MULTILINE):
        shown.setdefault(int(row), []).extend(re.findall(r"`([\w/]+?)(?:\.py|/)?`", names))
    assert [tuple(shown[row]) for row in sorted(shown)] == list(ROWS)
