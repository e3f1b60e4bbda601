"""Units in words: in the syntax of UDUNITS, which says itself whether it reads them; and one as another."""

import pytest

from engine.modelling.units import attributes, conversion

UNITS = {
    **dict.fromkeys(("1", "", "share", "log", "2015 = 1", "1/yr^0.5", "亿元"), "1"),
    **{"k persons": "1e3", "k persons/yr": "1e3 yr-1", "k person years": "1e3 year", "person-years": "year"},
    **{"bn yuan/yr": "1e9 yr-1", "m euro": "1e6", "m": "m", "m/s": "m s-1", "m s-1": "m s-1", "k": "1e3"},
    **{"hm3/yr": "hm3 yr-1", "1/yr^2": "yr-2", "% of 2015 GDP": "percent", "%": "percent", "Mt/yr": "Mt yr-1"},
    **{"t CO2": "t", "m3 of gas": "m3", "1000 t": "1e3 t", "euro per MWh": "MW-1 h-1", "kg/m^2/yr": "kg m-2 yr-1"},
    **{"bn yuan/yr/k persons": "1e6 yr-1", "days since 2000": "day", "hours": "hour"},
    # words that may mean several currencies, or none
    **{"bn Canadian dollars": "1e9", "Australian dollars/yr": "yr-1", "New Taiwan dollar": "1"},
    **{"Pakistani rupee": "1", "games won": "1", "bn USD2010": "1e9"},
}
MONEY = {
    "bn yuan/yr": ("1e9 CNY yr-1", "1e9 yr-1"),
    "m euro": ("1e6 EUR", "1e6"),
    "euro per MWh": ("EUR MW-1 h-1", "MW-1 h-1"),
    "bn yuan/yr/k persons": ("1e6 CNY yr-1", "1e6 yr-1"),
    "thousand 2010 US$": ("1e3 USD", "1e3"),
    "2015 US dollars per t": ("USD t-1", "t-1"),
    "CNY-1 kg": ("CNY-1 kg", "kg"),
    "yuan per euro": ("CNY EUR-1", "1"),
    "kg/yuan": ("CNY-1 kg", "kg"),
}


def udunits(unit):
    """The form of a unit that UDUNITS reads."""
    about = attributes(unit)
    return about.get("udunits", about["units"])


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_in_words_is_one_that_udunits_reads(unit):
    assert udunits(unit) == UNITS[unit]
    cf_units = pytest.importorskip("cf_units")
    cf_units.Unit(udunits(unit))


@pytest.mark.parametrize("unit", MONEY)
def test_money_keeps_its_currency_beside_what_udunits_reads(unit):
    about = attributes(unit)
    assert (about["units"], about["udunits"]) == MONEY[unit]


CONVERSIONS = {
    ("kt/yr", "Mt/yr"): 1e-3,
    ("%", "1"): 0.01,
    ("%/yr", "1/yr"): 0.01,
    ("k persons", "persons"): 1e3,
    ("m persons", "k persons"): 1e3,
    ("bn yuan", "m yuan"): 1e3,
    ("million t", "Mt"): 1.0,
    ("hm3/yr", "m3/year"): 1e6,
    ("yuan/t", "yuan/kt"): 1e3,
    ("2015 = 1", "2015 = 1"): 1.0,
    ("bn yuan", "m CNY"): 1e3,
    ("bn CNY yr-1", "m yuan/yr"): 1e3,
    ("k Canadian dollars", "Canadian dollars"): 1e3,
}
APART = (
    *(("bn yuan", "bn euro"), ("2015 = 1", "2010 = 1"), ("2015 = 1", "1"), ("Mt", "Mt/yr"), ("log", "1")),
    *(("degC", "K"), ("yuan", "1"), ("% of GDP", "% of loans"), ("k persons", "k"), ("yuan/t", "t/yuan")),
    *(("Canadian dollars", "dollars"), ("2010 US$", "2015 US$")),
)


@pytest.mark.parametrize(("unit", "other"), CONVERSIONS)
def test_a_number_in_one_unit_is_so_much_of_another(unit, other):
    assert conversion(unit, other) == pytest.approx(CONVERSIONS[unit, other], rel=1e-15)
    assert conversion(other, unit) == pytest.approx(1 / CONVERSIONS[unit, other], rel=1e-15)


@pytest.mark.parametrize(("unit", "other"), APART)
def test_money_years_and_what_is_counted_are_not_converted(unit, other):
    assert conversion(unit, other) is None and conversion(other, unit) is None
