"""No number of the rustbelt model's code is without a name: what its equations take for known stands in
constants.csv."""

import ast
from pathlib import Path

from engine.models import rustbelt
from engine.models.rustbelt.base_2015 import read_rows

FOLDER = Path(rustbelt.__file__).parent
FREE = (0, 1)
"""Nothing and all: they need no name."""
ALLOWED = {
    ("environment", "FIRST_YEAR", 2016): "the year that time is counted from",
    ("outcomes", "HORIZON", 2020): "the article's own last year",
    ("labels", "THOUSAND, PERCENT", 1000.0): "a unit",
    ("labels", "THOUSAND, PERCENT", 100.0): "a unit",
    ("labels", "PERSON, TONNE", 1e-3): "a unit",
    ("labels", "PERSON, TONNE", 1e-6): "a unit",
    ("industry", "LOG_TEN", 10.0): "nine tenths of the way leave one in ten",
    ("banks", "rescue", 0.5): "of the normal density",
    ("banks", "rescue", 2.0): "of the normal density",
    ("banks", "rescue", "sqrt"): "of the normal density",
    ("enterprises", "credit_cycle", "sqrt"): "shares of a variance",
    ("enterprises", "distress_share", "sqrt"): "shares of a variance (Vasicek 2002)",
    ("labour", "reemployment_hazard", "sqrt"): "on the page: half of a change of jobs is felt by who looks for one",
    ("outcomes", "worst_spell", 2): "the two years of the outcome's name",
    ("outcomes", "highest_spell", 3): "the three years of the outcome's name",
    ("levers", "Price.by", None): "a price, shown on the page",
    ("levers", "Price.most", None): "a price, shown on the page",
}  # fmt: skip
"""File, place and number of each that stands in the code, and why; any number where none is given. A root is a number
too, one half.
"""


def numbers(source: str) -> set[tuple[str, float | str]]:
    """Each number but nothing and all, and the place that names it: the function it stands in; outside of one the call,
    with the argument, or the name given to it.
    """
    found: set[tuple[str, float | str]] = set()

    def walk(node: ast.AST, place: str, in_function: bool) -> None:
        if isinstance(node, ast.Constant):
            if type(node.value) in (int, float, complex) and node.value not in FREE:
                found.add((place, node.value))
            return
        if isinstance(node, ast.Attribute) and node.attr == "sqrt":
            found.add((place, "sqrt"))
        if isinstance(node, ast.FunctionDef):
            place, in_function = node.name, True
        elif not in_function and isinstance(node, ast.Assign):
            place = ", ".join(ast.unparse(target).strip("()") for target in node.targets)
        elif not in_function and isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = node.func.id
        elif not in_function and isinstance(node, ast.keyword):
            place = f"{place}.{node.arg}"
        for child in ast.iter_child_nodes(node):
            walk(child, place, in_function)

    walk(ast.parse(source), "", False)
    return found


def test_no_number_of_the_code_is_without_a_name():
    found = {
        (file.stem, place, number)
        for file in FOLDER.glob("*.py")
        for place, number in numbers(file.read_text(encoding="utf-8"))
    }
    used = {key if key in ALLOWED else (*key[:2], None) for key in found}
    assert used - set(ALLOWED) == set(), sorted(found)
    assert set(ALLOWED) - used == set()


def test_every_constant_has_unit_meaning_source_and_confidence():
    for row in read_rows("constants"):
        assert row["unit"] and len(row["about"].split()) >= 2 and row["source"], row
        assert row["confidence"] in ("F", "M", "D"), row
        assert row["confidence"] == "D" or row["source"] != "judgement", row
