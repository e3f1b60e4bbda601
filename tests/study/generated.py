"""Study files from a fixed seed: right ones, with something of most tables, and broken ones with their faults."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from typing import Any

from tests.malformed import GROUPS, LAWS, PATHS

_GROUPS = [one for one in GROUPS if one.get("copula") in (None, "t")]
_GATES: tuple[dict[str, Any], ...] = (
    {"variable": "stock", "year": 2021, "inside_90": 1.0},
    {"variable": "stock", "years": [2020, 2022], "across": "sum", "median_below": 3.0},
    {"variable": "damage", "median_within": [1.0, 2.0], "about": "as read", "source": "gauge"},
)
_OBSERVED = {"series": "Stock", "variable": "stock", "unit": "1", "source": "gauge", "confidence": "read", "value": 0.4}
_OPTIONAL = ("lever_groups", "assumptions", "challenge", "risk", "keep", "gates", "observed", "headline")

QUESTIONS = ("author", "outcomes", "lever_groups", "assumptions", "challenge", "gates", "observed")
"""Tables that change no path."""

FAULTS: dict[str, Any] = {
    "baseline": "kep",
    "compare": ["keep", "sve"],
    "headline": ["damge"],
    "run.sampler": "randm",
    "run.paths": 0,
    "run.precision": "float16",
    "run.until": ["mean of damage under keep"],
    "time.last": 2019,
    "groups.wet": {"correlation": 1.5},
    "factors.a.group": "wett",
    "factors.b": {"family": "normal", "mean": 0.0},
    "factors.d.unit": "km",
    "constants.leak": 1.0,
    "shocks.heat.group": "skyy",
    "shocks.rain.persistence": 2.0,
    "policies.save.release": "wil",
    "policies.save.quota.nort": 1.0,
    "policies.late.like": "sav",
    "policies.late.start": 1900,
    "events.dry.outcome": "damge",
    "events.costly.below": 1.0,
    "events.ruin.all": ["dry", "cstly"],
    "lever_groups.water.levers": ["relese"],
    "assumptions.rain.off.e": 0,
    "challenge.claims": ["save better than kep in damage"],
    "challenge.matters": 2.0,
    "challenge.readings.r.instead.dri": "costly",
    "challenge.thresholds.dri": [1.0],
    "challenge.tails": [12.0],
    "gates.g.policy": "sve",
    "gates.g.variable": "stok",
    "gates.g.across": "peak",
    "observed.policy": "sve",
    "observed.rows.0.unit": "km",
    "observed.discrepancy.stok": 1.0,
    "facts": {"until": 2021, "policy": "sve"},
    "outcomes.damge.label": "Damage",
    "risk.levels": [10.0],
    "dimensions.x": [5000],
    "keep.outcomes": ["damge"],
    "keep.draws": -1,
    "sampler": "random",
}
"""Place of a fault -> the value that is wrong there."""
_FOLLOW = ("time", "baseline", "compare", "assumptions")
"""Tables that policies are read by, or that are read by policies: of these one fault hides another."""


def right(seed: int, without: Sequence[str] = _OPTIONAL) -> dict[str, Any]:
    """The tables of a right study of the model `Valley`; up to three of those that may be left out are."""
    chosen = random.Random(seed)
    tables = copy.deepcopy(PATHS)
    for name in "ab":
        tables["factors"][name] = {**chosen.choice(LAWS), "group": "wet", "source": "gauge"}
    tables["factors"]["d"] = copy.deepcopy(chosen.choice(LAWS))
    tables["groups"]["wet"] = copy.deepcopy(chosen.choice(_GROUPS))
    gate = {**chosen.choice(_GATES), "policy": chosen.choice(["keep", "save", "late"])}
    tables["gates"] = {"g": gate}
    rows = [{**_OBSERVED, "time": year, "standard_error": 0.1} for year in chosen.sample(range(2020, 2024), 2)]
    tables["observed"] = {"policy": "keep", "rows": rows, "discrepancy": {"stock": "0.1x"}}
    tables["headline"] = chosen.sample(["damage", "lowest_stock"], chosen.randint(1, 2))
    tables |= {"author": "A. Nother", "outcomes": {"damage": {"label": "Damage done"}}}
    tables["policies"]["keep"]["label"] = "As it is"
    for name in chosen.sample(without, min(len(without), chosen.randint(0, 3))):
        del tables[name]
    return tables


def broken(seed: int) -> tuple[dict[str, Any], set[str]]:
    """The tables of a study with one to four faults, none of which hides another, and the places of the faults."""
    chosen = random.Random(seed)
    tables = right(seed)
    by_table: dict[str, str] = {}
    for place in chosen.sample([*FAULTS], chosen.randint(1, 4)):
        table = place.partition(".")[0]
        by_table["policies" if table in _FOLLOW else table] = place
    for place in by_table.values():
        *above, key = place.split(".")
        inner: Any = tables
        for part in above:
            inner = inner[int(part)] if isinstance(inner, list) else inner.setdefault(part, {})
        inner[key] = copy.deepcopy(FAULTS[place])
    return tables, {*by_table.values()}
