"""The view of 24 October 2016 cites nothing later, and its rules give its numbers."""

import calendar
import datetime
import re
import tomllib

import numpy as np
from scipy import stats

from engine import load_study
from engine.models.rustbelt.base_2015 import BASE
from engine.study.loading import shipped_studies

LAST = datetime.date(2016, 10, 24)
OWN = tomllib.loads(shipped_studies()["rustbelt_2016"].read_text(encoding="utf-8"))
IN_FORCE = load_study("rustbelt_2016").document["factors"]
QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)")
MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
DATE = re.compile(rf"(?:(?:(\d{{1,2}}) )?({'|'.join(MONTHS)})\w* )?\b((?:19|20)\d\d)(?:-(\d{{4}}|\d\d))?\b(?!\.\d)")


def dates(text: str) -> list[datetime.date]:
    """The dates of a text, each as the last day that it may mean: a year as its 31 December, a range as its end."""
    found = []
    for day, month, year, end in DATE.findall(text):
        last = int(year[: 4 - len(end)] + end)
        number = MONTHS[month] if month else 12
        found.append(datetime.date(last, number, int(day or calendar.monthrange(last, number)[1])))
    return found


def too_late(source: str) -> list[str]:
    """The statements of a source that rest on what came after the day of the view, or on nobody says when.

    What stands in single quotes was said by someone, and may speak of years to come: the date of saying it stands
    beside the quotes. The article is the day itself. What is cited, F or M, has a date.
    """
    wrong = []
    for statement in source.split(";"):
        plain, said = QUOTED.sub("", statement), "".join(QUOTED.findall(statement))
        known = [*dates(plain), *([LAST] if "article" in plain.lower() else [])]
        cited = re.search(r"\[[^]]*[FM][^]]*\]", plain) is not None
        if any(date > LAST for date in known) or ((cited or dates(said)) and not known):
            wrong.append(statement.strip())
    return wrong


def test_the_shipped_study_does_cite_what_came_later():
    assert sum(bool(too_late(f.get("source", ""))) for f in load_study("rustbelt").document["factors"].values()) > 20


def test_every_prior_in_force_rests_on_what_was_known_and_those_of_its_own_on_a_rule():
    for name, factor in IN_FORCE.items():
        assert factor["source"] and not too_late(factor["source"]), name
    for name, factor in OWN["factors"].items():
        assert re.match(r"rule: .", factor["source"]), name


def test_the_two_shocks_nobody_knew_of_are_off():
    for name in ("pandemic_depth", "property_downturn"):
        assert (IN_FORCE[name]["family"], IN_FORCE[name]["value"]) == ("fixed", 0)


def stated(name: str) -> np.ndarray:
    table = OWN["factors"][name]
    return np.array([table[key] for key in ("p05", "p50", "p95")])


def test_price_volatility_is_what_2011_to_2015_showed():
    changes = np.diff(np.log([131, 111, 102, 91, 66.4]))
    interval = changes.std(ddof=1) * np.sqrt(3 / stats.chi2(3).ppf([0.95, 0.5, 0.05]))
    np.testing.assert_allclose(stated("price_volatility"), interval, rtol=0.01)


def test_the_slump_rate_is_that_of_two_slumps_in_fifteen_years():
    posterior = stats.gamma(2 + 0.5, scale=1 / 15).ppf([0.05, 0.5, 0.95])
    np.testing.assert_allclose(stated("slump_rate"), posterior, rtol=0.01)


def test_elasticities_of_labour_are_what_was_announced_over_the_mean():
    workers, plants = BASE.employment.over("region"), BASE.national_capacity
    announced = [
        (laid_off / closed) / (workers[sector] / plants[sector])
        for sector, laid_off, closed in (("steel", 500, 125), ("coal", 1300, 500))
    ]
    heilongjiang = 62 / 25.67 / (BASE.employment["Heilongjiang", "coal"] / BASE.capacity["Heilongjiang", "coal"])
    expected = [announced[0], np.sqrt(announced[1] * 2 * heilongjiang)]
    for name, value in zip(("steel_cut_labour_elasticity", "coal_cut_labour_elasticity"), expected, strict=True):
        np.testing.assert_allclose(stated(name)[1], value, rtol=0.02)


def test_closures_of_old_policies_are_a_fifth_of_five_years():
    assert stated("old_steel_closures")[1] == 90 / 5
    assert stated("old_coal_closures")[1] == 560 / 5
