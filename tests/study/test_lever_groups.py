"""Groups of levers: what is refused of them, and that no number hangs on them."""

import tomllib

import pytest

from engine.study.extending import laid_over
from engine.study.loading import read_study, resolved_text, study_of_text
from tests.reservoirs import STUDY, Reservoir


def of(groups: str):
    return read_study(tomllib.loads(STUDY + "\n" + groups), "study.toml", model=Reservoir())


GROUPS = '[lever_groups]\nwater = { levers = ["release", "quota"] }\ntiming = { levers = ["start"] }\n'
LABELLED = GROUPS.replace('levers = ["release", "quota"]', 'label = "Water let go", levers = ["release", "quota"]')


def test_they_are_read_written_and_no_part_of_the_fingerprint():
    plain, grouped = of(""), of(GROUPS)
    assert grouped.lever_groups == {"water": ("release", "quota"), "timing": ("start",)} and not plain.lever_groups
    assert plain.fingerprint == grouped.fingerprint and "lever_groups" not in plain.document
    again = study_of_text(resolved_text(grouped), "again", Reservoir())
    assert again.lever_groups == grouped.lever_groups and again.fingerprint == grouped.fingerprint


def test_a_group_with_a_label_is_the_same_group():
    plain, labelled = of(GROUPS), of(LABELLED)
    assert labelled.lever_groups == plain.lever_groups and labelled.fingerprint == plain.fingerprint
    assert labelled.title("lever_groups", "water") == "Water let go"
    assert [labelled.phrase("lever_groups", name) for name in ("water", "timing")] == ["water let go", "timing"]
    again = study_of_text(resolved_text(labelled), "again", Reservoir())
    assert (again.lever_groups, again.labels) == (labelled.lever_groups, labelled.labels)
    assert resolved_text(again) == resolved_text(labelled)


@pytest.mark.parametrize(
    ("above", "levers", "label"),
    [
        ({"levers": ["price"]}, ("price",), "Water let go"),
        ({"label": "Water"}, ("release", "quota"), "Water"),
        ({"label": "Water", "levers": ["price"]}, ("price",), "Water"),
    ],
)
@pytest.mark.parametrize("labelled", [True, False])
def test_a_study_on_top_changes_the_levers_or_the_label(above, levers, label, labelled):
    below = tomllib.loads(STUDY + "\n" + (LABELLED if labelled else GROUPS))
    merged = laid_over(below, {"lever_groups": {"water": above, "money": {"levers": ["start"]}}})
    del merged["lever_groups"]["timing"]
    study = read_study(merged, "study.toml", model=Reservoir())
    assert study.lever_groups == {"water": levers, "money": ("start",)}
    assert study.title("lever_groups", "water") == (label if labelled or "label" in above else "Water")
