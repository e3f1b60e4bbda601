"""The packages as docs/architecture.md states them: imports, budgets of tokens, and owners of outside things."""

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "engine"
ARROWS = 56
"""Most arrows between packages. `__main__.py` and the files of `GROUND`, which all may import, are no packages."""
GROUND = ("errors", "formatting", "interrupts")

OWNERS = {
    "tomllib": {"study/loading", "study/settings"},
    "tomli_w": {"study/loading", "study/templates", "fitting/ranking"},
    "pydantic": {
        "study/validation",
        "study/tables/record",
        "study/schema",
        "study/json_schema",
        "study/entries",
        "study/tables/observed",
    },
    "zarr": {"run_folder/reading", "storage/compared_store"},
    "distributed": {f"execution/executors/{name}" for name in ("cluster", "cluster_worker", "local_cluster")},
    "altair": {
        "charts/theme",
        *(f"charts/figures/{name}" for name in ("answers", "challenged", "inputs", "observed", "outcomes", "yearly")),
    },
    "jinja2": {"report/markup"},
    "markupsafe": {"report/markup"},
    "vl_convert": {"charts/export", "report/chart_library"},
    "llvmlite": {"lanes/machine_code", "lanes/object_code", "lanes/ptx"},
    "cuda": {"program/gpu"},
    "click": {"cli"},
    "rich": {"cli"},
}
# jit compiles XLA's programs, and names what the compiler recognizes; scans and maps are those of paths and of counts
COMPILED = re.compile(r"jax\.(jit|pmap|shard_map|export\.export)")
MAPPED = re.compile(r"jax\.(vmap|lax\.(scan|map|fori_loop|while_loop))")
DEVICES = re.compile(r"jax\.((local_)?devices|(local_)?device_count|default_backend)")
LONGEST = 80
"""Most lines of a function, its docstring included."""
# the source of a model is part of what names its runs, so its lines stay as they are
LONG = {("models/rustbelt/enterprises", "advance"), ("models/rustbelt/labour", "advance")}
LAYOUT = {"COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENDMARKER", "FSTRING_END"}
"""Kinds of tokens that no budget counts; nor does it count commas and docstrings."""
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "base", "manager", "managers", "misc"}


def files() -> dict[str, Path]:
    """Every file of the engine by its place ("models/rustbelt/banks"); a package's own file has the package's place."""
    by_place = {}
    for path in sorted(ENGINE.rglob("*.py")):
        parts = path.relative_to(ENGINE).with_suffix("").parts
        by_place["/".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    del by_place[""]  # the engine's face, which only hands names on
    return by_place


FILES = files()


@functools.cache
def nodes(file: str) -> tuple[ast.AST, ...]:
    """Every node of the syntax of a file."""
    return tuple(ast.walk(ast.parse(FILES[file].read_text(encoding="utf-8"))))


TABLE = re.compile(r"^\| `(\w+)(?:\.py|/)` \| [^|]+ \| ([\d,]+) \|([^|]*)\|$", re.MULTILINE)
ROWS = TABLE.findall((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
ROOMS = {
    package: tuple(f"{package}/{name.rstrip('/')}" for name in re.findall(r"`([\w/]+)`", names))
    for package, _, names in ROWS
}
"""Packages from the bottom up, each with its files from the bottom up, as in the table of the documentation."""
BUDGETS = {package: int(budget.replace(",", "")) for package, budget, _ in ROWS}
"""Most tokens of each package."""
PLACES = {
    file: (row, place)
    for row, (package, names) in enumerate(ROOMS.items())
    for place, file in enumerate((*names, package))
}


def package_of(file: str) -> str:
    return file.split("/")[0]


def owner_of(file: str) -> str:
    """The owner of an outside thing that a file uses: the file; "cli" for all of `cli/`."""
    return "cli" if package_of(file) == "cli" else file


def imported(file: str) -> Iterator[str]:
    """Dotted names that a file imports, wherever in it; `from a import b` gives a.b."""
    package = ["engine", *file.split("/")[: None if FILES[file].name == "__init__.py" else -1]]
    for node in nodes(file):
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


def read(file: str) -> Iterator[str]:
    """Dotted names that a file reads (`jax.lax.scan`)."""
    for node in nodes(file):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)


def test_every_file_has_its_place_and_every_place_its_file():
    # the `__init__` of a package stands above its files; it is listed by the package
    assert set(PLACES) == set(FILES)
    assert {package_of(file) for file in FILES} == set(ROOMS)


@pytest.mark.parametrize("package", ROOMS)
def test_arrows_go_down(package):
    for file in (file for file in FILES if package_of(file) == package):
        for name in imported(file):
            other = parts_of_engine(name)
            if other is None or other == file:
                continue
            assert other, f"{file} imports the engine's face, {name}"
            assert PLACES[other] < PLACES[file], f"{file} imports {other}, which is not below it"


def test_packages_are_joined_by_few_arrows():
    arrows = {
        (package_of(file), package_of(other))
        for file in FILES
        if file != "__main__"
        for other in filter(None, map(parts_of_engine, imported(file)))
        if package_of(other) not in (package_of(file), *GROUND)
    }
    assert len(arrows) <= ARROWS, sorted(arrows)


@pytest.mark.parametrize("package", ROOMS)
def test_each_outside_thing_has_one_owner(package):
    for file in (file for file in FILES if package_of(file) == package):
        taken = [*imported(file)]
        for name in taken:
            owners = OWNERS.get(name.split(".")[0], {owner_of(file)})
            assert owner_of(file) in owners, f"{file} imports {name}, which is {owners}'s"
        taken += read(file)
        for names, owners in (
            (COMPILED, {"program/xla", "program/path", "lanes/hints"}),
            (MAPPED, {"program/xla", "program/path", "modelling/counts"}),
            (DEVICES, {"program/hardware"}),
        ):
            used = {name for name in taken if names.fullmatch(name)}
            assert not used or file in owners, f"{file} uses {used}, which only {owners} may"


@pytest.mark.parametrize("package", [package for package in ROOMS if package not in ("cli", "interrupts")])
def test_only_the_command_line_prints_and_exits(package):
    for file in (file for file in FILES if package_of(file) == package):
        calls = [ast.unparse(node.func) for node in nodes(file) if isinstance(node, ast.Call)]
        loud = {"print", "sys.exit", "exit", "os._exit"} & set(calls)
        assert not loud, f"{file} calls {loud}"


def test_files_are_short_and_named_after_what_they_do():
    for file, path in FILES.items():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, file
        assert not FORBIDDEN_NAMES & set(file.split("/")), file


def tokens(source: str) -> int:
    """Number of tokens of a source, without comments, docstrings, line ends, indents and commas."""
    docstrings = {
        (line.lineno, line.col_offset)
        for node in ast.walk(ast.parse(source))
        for line in (node.body if isinstance(getattr(node, "body", None), list) else ())
        if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
    }
    count = nested = 0  # an f-string is one token before Python 3.12 and several since; it counts as one
    for one in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[one.type]
        nested -= kind == "FSTRING_END"
        count += not nested and kind not in LAYOUT and one.string != "," and one.start not in docstrings
        nested += kind == "FSTRING_START"
    return count


@pytest.mark.parametrize("package", ROOMS)
def test_every_package_keeps_its_budget(package):
    count = sum(tokens(path.read_text(encoding="utf-8")) for file, path in FILES.items() if package_of(file) == package)
    assert count <= BUDGETS[package], (
        f"{package} has {count:,} tokens; its budget in docs/architecture.md is {BUDGETS[package]:,}. Remove code, or"
        " raise the budget in the commit that needs it, with the reason in its message."
    )


def test_functions_are_short():
    long = {
        (file, node.name)
        for file in FILES
        for node in nodes(file)
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST
    }
    assert long == LONG, long ^ LONG


def test_files_of_a_run_folder_are_read_in_one_place():
    # files about the processor; the one place, and files that are written; locks; an archive in memory
    expected = {
        *(("run_folder/provenance", "read_text"), ("storage/files", "open"), ("storage/locks", "open")),
        ("storage/npz", "open"),
    }
    reads = {"read_bytes", "read_text", "open", "fromfile", "memmap"}
    looked = [file for file in FILES if package_of(file) in ("storage", "run_folder")]
    calls = {
        (file, call)
        for file in (*looked, "runs/upkeep")
        for node in nodes(file)
        if isinstance(node, ast.Call)
        and (call := ast.unparse(node.func).rpartition(".")[2]) in reads
        and ast.unparse(node.func) != "os.open"
    }
    assert calls == expected, calls ^ expected
