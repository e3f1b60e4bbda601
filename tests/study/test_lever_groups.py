"""Groups of levers: what is refused of them, and that no number hangs on them."""

import tomllib

import pytest

from engine import UserError
from engine.study.json_schema import study_schema
from engine.study.loading import read_study, resolved_text, study_of_text
from tests.reservoirs import STUDY, Reservoir


def of(groups: str):
    return read_study(tomllib.loads(STUDY + "\n" + groups), "study.toml", model=Reservoir())


GROUPS = '[lever_groups]\nwater = ["release", "quota"]\ntiming = ["start"]\n'


def test_they_are_read_written_and_no_part_of_the_fingerprint():
    plain, grouped = of(""), of(GROUPS)
    assert (
        grouped.lever_groups == {"water": ("release", "quota"), "timing": ("start",)}
        and not plain.lever_groups
    )
    assert plain.fingerprint == grouped.fingerprint and "lever_groups" not in plain.document
    again = study_of_text(resolved_text(grouped), "again", Reservoir())
    assert again.lever_groups == grouped.lever_groups and again.fingerprint == grouped.fingerprint


def test_an_editor_completes_the_levers():
    groups = study_schema(Reservoir())["properties"]["lever_groups"]
    assert groups["additionalProperties"]["items"]["examples"] == [*Reservoir.levers]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ('water = ["relaese"]', "lever_groups.water: unknown lever 'relaese'. Did you mean 'release'?"),
        ('a = ["release"]\nb = ["quota", "release"]', "lever_groups.b: 'release' is in 'a' already."),
        ('price = ["release"]', "lever_groups.price: has the name of a lever that is not in it."),
        ('start = ["release"]', "lever_groups.start: has the name of a lever that is not in it."),
        ('"wa ter" = ["release"]', "lever_groups.wa ter: "),
        ("water = []", "lever_groups.water: expected at least one name, got an empty list."),
        ('water = "release"', "lever_groups.water: expected a list, got 'release'."),
    ],
)
def test_what_is_wrong_with_them_is_said_with_all_the_rest(groups, message):
    with pytest.raises(UserError) as refused:
        of(f'[lever_groups]\n{groups}\n[events]\nx = {{ outcome = "no", above = 1 }}')
    assert message in str(refused.value)
    assert "events.x.outcome: unknown outcome 'no'" in str(refused.value)
