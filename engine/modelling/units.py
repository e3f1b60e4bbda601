"""Units of models, which are free text: their form in the syntax of UDUNITS, as the CF conventions require, and
factors between two units.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections import defaultdict

_SCALES = {
    "k": 1e3, "thousand": 1e3, "mn": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9, "tn": 1e12, "trillion": 1e12,
}  # fmt: skip
_SHORT_MILLION = "m"
"""Means a million before something counted ("m euro"), and a metre alone or before another unit."""
_PLURALS = frozenset(["years", "months", "weeks", "days", "hours", "minutes", "seconds", "tonnes"])
_BASES = {
    "percent": (0.01, ""),
    "year": (1.0, "yr"),
    "tonne": (1.0, "t"),
    "kt": (1e3, "t"),
    "Mt": (1e6, "t"),
    "Gt": (1e9, "t"),
    "kg": (1e-3, "t"),
    "g": (1e-6, "t"),
    "mg": (1e-9, "t"),
    "kW": (1e3, "W"),
    "MW": (1e6, "W"),
    "GW": (1e9, "W"),
    "TW": (1e12, "W"),
    "kJ": (1e3, "J"),
    "MJ": (1e6, "J"),
    "GJ": (1e9, "J"),
    "TJ": (1e12, "J"),
    "PJ": (1e15, "J"),
    "EJ": (1e18, "J"),
    "km": (1e3, "m"),
    "hm": (1e2, "m"),
    "cm": (1e-2, "m"),
    "mm": (1e-3, "m"),
    "day": (1.0, "d"),
    "hour": (1 / 24, "d"),
    "h": (1 / 24, "d"),
    "week": (7.0, "d"),
    "kPa": (1e3, "Pa"),
    "bar": (1e5, "Pa"),
}
"""Symbols as multiples of others that mean the same kind of thing; a month and a year have no fixed number of days."""
_READ = frozenset(
    [
        *_BASES,
        "yr",
        "month",
        "d",
        "minute",
        "min",
        "second",
        "s",
        "t",
        "m",
        "ha",
        "l",
        "K",
        "degC",
        "J",
        "W",
        "Pa",
        "V",
        "A",
        "Hz",
        "mol",
    ]
)
"""Symbols that UDUNITS knows, in the same sense as modellers use them."""
_NUMBER = re.compile(r"\d+(\.\d+)?(e\d+)?")
_SYMBOL = re.compile(r"(\D*?)\^?(-?\d+(?:\.\d+)?)?")


def udunits(unit: str) -> str:
    """The unit in the syntax of UDUNITS: "1e3" for "k persons", "1e9 yr-1" for "bn yuan/yr", "percent" for "% of 2015
    GDP".

    What is counted (persons, jobs, a currency) is no unit there and leaves its scale, or "1". What follows "of", "in",
    "since", "from" or "=" says what the unit refers to, and is left to the model's own words; so is a unit with a
    broken power, which UDUNITS cannot say.
    """
    measured = _spelt(re.split(r"\b(?:of|since|from|in)\b|=", unit)[0])
    (scale, powers, _), *below = map(_factors, re.split(r"/|\bper\b", measured))
    for size, symbols, _ in below:
        scale *= 1 / size
        powers += [(symbol, -power) for symbol, power in symbols]
    if any(power != int(power) for _, power in powers):
        return "1"
    texts = [_number(scale)] if scale != 1 else []
    texts += [symbol if power == 1 else f"{symbol}{power:g}" for symbol, power in powers]
    return " ".join(texts) or "1"


def _spelt(measured: str) -> str:
    """What is measured with "%" as a word, and the hour of "kWh" as one of its own."""
    return re.sub(r"\b([kMGT]?W)h\b", r"\1 h", measured.replace("%", " percent "))


def _factors(words: str) -> tuple[float, list[tuple[str, float]], list[str]]:
    """The number in a product in words, its symbols with their powers, and the words for what is counted."""
    scale, symbols, counted = 1.0, [], []
    tokens = [token for token in re.split(r"[\s*·]+|-(?=[^\W\d])", words) if token]
    for token, following in itertools.pairwise([*tokens, _SHORT_MILLION]):
        symbol = _symbol(token)
        if token in _SCALES or (token == _SHORT_MILLION and _symbol(following) is None):
            scale *= _SCALES.get(token, 1e6)
        elif _NUMBER.fullmatch(token):
            scale *= float(token) if float(token) and len(tokens) > 1 else 1.0
        elif symbol is not None:
            symbols.append(symbol)
        else:
            counted.append(token)
    return scale, symbols, counted


def _number(scale: float) -> str:
    power = round(math.log10(scale))
    return f"1e{power}" if math.isclose(scale, 10.0**power) else f"{scale:g}"


def _symbol(token: str) -> tuple[str, float] | None:
    """The symbol that UDUNITS reads with its power, such as ("m", 3) for "m3"; None for what it does not read."""
    match = _SYMBOL.fullmatch(token)
    if match is None:
        return None
    name = match[1].removesuffix("s") if match[1] in _PLURALS else match[1]
    return (name, float(match[2] or 1)) if name in _READ else None


@functools.lru_cache
def conversion(unit: str, other: str) -> float | None:
    """Factor that converts a number from one unit to another: 1e-3 from "kt/yr" to "Mt/yr", 0.01 from "%" to "1".

    What is counted (persons, yuan), and what a unit refers to ("2015 = 1", "of GDP"), must be the same words: nothing
    is converted between currencies, years or indices. None where the two do not fit.
    """
    if unit == other or "=" in unit + other:
        return 1.0 if unit == other else None
    (scale, *kind), (to, *like) = (_taken_apart(words) for words in (unit, other))
    return scale / to if kind == like else None


def _taken_apart(unit: str) -> tuple[float, dict[str, float], dict[str, int], list[str]]:
    """The scale of a unit, its symbols and its counted words with their powers, and what it refers to."""
    measured, *reference = re.split(r"\b(?:of|since|from|in|at)\b", unit, maxsplit=1)
    measured = re.sub(r"\b(?:19|20)\d\d\b", r"y\g<0>", _spelt(measured))  # a year, not how many
    scale, symbols, counted = 1.0, defaultdict[str, float](float), defaultdict[str, int](int)
    for place, words in enumerate(re.split(r"/|\bper\b", measured)):
        sign = -1 if place else 1
        size, found, named = _factors(words)
        scale *= size**sign
        for symbol, power in found:
            size, base = _BASES.get(symbol, (1.0, symbol))
            scale *= size ** (sign * power)
            if base:
                symbols[base] += sign * power
        for word in named:
            counted[word.removesuffix("s")] += sign
    return scale, {name: power for name, power in symbols.items() if power}, counted, reference
