"""Tables from rows: labels, kinds, units, missing combinations, what varies along which dimension."""

from engine.answers.table import Kind, table
from engine.risk.estimation.intervals import Estimate

ROWS = [
    {"outcome": "cost", "policy": "old", "unit": "yuan", "value": Estimate(1.0, 0.1, 0.8, 1.2)},
    {"outcome": "cost", "policy": "new", "unit": "yuan", "value": Estimate(2.0, 0.1, 1.8, 2.2), "brief": False},
    {"outcome": "jobs", "policy": "old", "unit": "persons", "value": None},
]


def test_a_table_has_every_combination_of_its_labels():
    made = table("risk", "Risk", ROWS, "outcome", "policy", brief=("value",), across="policy")
    assert [(row["outcome"], row["policy"]) for row in made.rows()] == [
        ("cost", "old"), ("cost", "new"), ("jobs", "old"), ("jobs", "new"),
    ]  # fmt: skip
    assert made["unit"] == ("yuan", "yuan", "persons", "") and made.brief == (True, False, True, False)
    assert [one.name for one in made.columns if one.brief] == ["outcome", "policy", "value"]


def test_kinds_and_dimensions_are_read_from_the_values():
    rows = [row | {"n": k, "x": 0.5 * k, "sure": k > 1} for k, row in enumerate(ROWS)]
    kinds = {one.name: one.kind for one in table("risk", "Risk", rows, "outcome").columns}
    assert kinds == {
        "outcome": Kind.TEXT, "policy": Kind.TEXT, "unit": Kind.TEXT, "value": Kind.ESTIMATE,
        "n": Kind.COUNT, "x": Kind.NUMBER, "sure": Kind.TRUTH,
    }  # fmt: skip
    square = [{"outcome": one, "policy": two, "unit": f"of {one}"} for one in "ab" for two in "xy"]
    assert table("risk", "Risk", square, "outcome", "policy").by_name["unit"].over == ("outcome",)
