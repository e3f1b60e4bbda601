"""Units of models, which are free text: their form in the syntax of UDUNITS, as the CF conventions require, with
currencies beside it, and factors between two units.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Collection, Sequence


def _rows(text: str) -> list[list[str]]:
    """The words of each entry of a table, which commas and line feeds separate."""
    return [row.split() for row in re.split(r"[\n,]", text.strip())]


_WORDS = "k 1e3, thousand 1e3, mn 1e6, million 1e6, bn 1e9, billion 1e9, tn 1e12, trillion 1e12"
_SCALES = {word: float(scale) for word, scale in _rows(_WORDS)}
_SHORT_MILLION = "m"
"""Means a million before something counted ("m euro"), and a metre alone or before another unit."""
_DEFINITIONS = """
percent 0.01 1
yr 1 yr, year 1 yr, month 1 month
s 1 s, second 1 s, min 60 s, minute 60 s, h 3600 s, hour 3600 s, d 86400 s, day 86400 s, week 604800 s
mg 1e-9 t, g 1e-6 t, kg 1e-3 t, t 1 t, tonne 1 t, kt 1e3 t, Mt 1e6 t, Gt 1e9 t
mm 1e-3 m, cm 1e-2 m, m 1 m, hm 1e2 m, km 1e3 m
J 1 J, kJ 1e3 J, MJ 1e6 J, GJ 1e9 J, TJ 1e12 J, PJ 1e15 J, EJ 1e18 J
W 1 W, kW 1e3 W, MW 1e6 W, GW 1e9 W, TW 1e12 W
Pa 1 Pa, kPa 1e3 Pa, bar 1e5 Pa
ha 1 ha, l 1 l, K 1 K, degC 1 degC, V 1 V, A 1 A, Hz 1 Hz, mol 1 mol
"""
"""Symbols that UDUNITS knows in the sense in which modellers use them, each as a multiple of a base; a month and a year
have no fixed number of days."""
_MONEY = """
CNY yuan renminbi rmb, EUR euro €, USD dollar US$ $, GBP £, JPY yen, INR, KRW
AUD, BRL, CAD, CHF, CZK, DKK, HKD, HUF, IDR, ILS, MXN, NOK, NZD, PLN, RUB, SEK, SGD, THB, TRY, TWD, ZAR
"""
_CURRENCIES = {word: code for code, *words in _rows(_MONEY) for word in (code, *words)}
"""Codes of ISO 4217 by the words that mean one currency alone in their term, of which the code is one."""
_SYMBOLS = {symbol: (float(scale), base) for symbol, scale, base in _rows(_DEFINITIONS)}
_NUMBER = re.compile(r"\d{1,9}(\.\d+)?(e\d\d?)?")
_TERM = re.compile(r"(.+?)(?:(?<=\w{3})s)?(?:\^?(-?\d(?:\.\d+)?))?")
"""A symbol or a currency, perhaps in the plural, and its power."""


def attributes(unit: str) -> dict[str, str]:
    """The attributes by which a variable states its unit: `units`, and where they differ `udunits` and `unit_name`.

    `units` is in the syntax of UDUNITS, with the code of ISO 4217 where it is money: "1e3" for "k persons", "1e9 CNY
    yr-1" for "bn yuan/yr", "percent" for "% of 2015 GDP". UDUNITS has no currencies: it reads `udunits`, such as "1e9
    yr-1". `unit_name` is the text itself.

    What is counted (persons, jobs, Canadian dollars) is no unit there and leaves its scale, or "1". What follows "of",
    "in", "since", "from", "at" or "=" says what the unit refers to, and is left to the model's own words; so is a unit
    with a broken power, which UDUNITS cannot say.
    """
    scale, symbols, _, _ = _read(unit)
    plain = [one for one in symbols if one[0] in _SYMBOLS]
    units = _text(scale, sorted(symbols, key=plain.__contains__))
    others = {"udunits": _text(scale, plain), "unit_name": unit or "1"}
    return {"units": units} | {name: text for name, text in others.items() if text != units}


def _text(scale: float, symbols: Sequence[tuple[str, float]]) -> str:
    if any(power % 1 for _, power in symbols):
        return "1"
    texts = [_number(scale)] if scale != 1 else []
    texts += [symbol if power == 1 else f"{symbol}{power:g}" for symbol, power in symbols]
    return " ".join(texts) or "1"


def _number(scale: float) -> str:
    power = round(math.log10(scale))
    return f"1e{power}" if math.isclose(scale, 10.0**power) else f"{scale:g}"


def conversion(unit: str, other: str) -> float | None:
    """Factor that converts a number from one unit to another: 1e-3 from "kt/yr" to "Mt/yr", 0.01 from "%" to "1".

    What is counted (persons, yuan), and what a unit refers to ("2015 = 1", "of GDP"), must be the same words: nothing
    is converted between currencies, years or indices. None where the two do not fit.
    """
    (scale, *kind), (to, *like) = map(_in_bases, (unit, other))
    return scale / to if kind == like else None


def _in_bases(unit: str) -> tuple[float, Counter[str], Counter[str], list[str]]:
    """As `_read`, with the scales of its symbols in its scale, and the powers of their bases."""
    scale, symbols, counted, reference = _read(unit)
    powers = Counter[str]()
    for symbol, power in symbols:
        size, base = _SYMBOLS.get(symbol, (1.0, symbol))
        scale *= size**power
        powers[base] += power  # type: ignore[assignment]
    del powers["1"]
    return scale, powers, counted, reference


def _read(unit: str) -> tuple[float, list[tuple[str, float]], Counter[str], list[str]]:
    """The scale of a unit, its symbols and currencies, its counted words with their powers, and what it refers to."""
    measured, *reference = re.split(r"=|\b(?:of|since|from|in|at)\b", unit.replace("%", " percent "), maxsplit=1)
    measured = re.sub(r"\b(?:19|20)\d\d\b", r"'\g<0>", measured)  # a year, not how many
    measured = re.sub(r"\b([kMGT]?W)h\b", r"\1 h", measured)
    scale, symbols, counted = 1.0, [], Counter[str]()
    for place, words in enumerate(re.split(r"/|\bper\b", measured)):
        sign, named = -1 if place else 1, []
        tokens = filter(None, re.split(r"[\s*·]+|-(?=[^\W\d])|\bUS[ -](?=dollar|\$)", words))
        for token, following in itertools.pairwise([*tokens, _SHORT_MILLION]):
            if token in _SCALES or (token == _SHORT_MILLION and _symbol(following) is None):
                scale *= _SCALES.get(token, 1e6) ** sign
            elif symbol := _symbol(token):
                symbols.append((symbol[0], sign * symbol[1]))
            elif _NUMBER.fullmatch(token):
                scale *= (float(token) or 1.0) ** sign
            else:
                named.append(token)
        match [word for word in named if "'" not in word]:
            case [word] if symbol := _symbol(word, _CURRENCIES):
                named.remove(word)
                symbols.append((_CURRENCIES[symbol[0]], sign * symbol[1]))
        for word in named:
            counted[word.removesuffix("s")] += sign
    return scale, symbols, counted, reference


def _symbol(token: str, known: Collection[str] = _SYMBOLS) -> tuple[str, float] | None:
    """The symbol that stands in a word, with its power, such as ("m", 3) for "m3"."""
    term = _TERM.fullmatch(token)
    return (term[1], float(term[2] or 1)) if term and term[1] in known else None
