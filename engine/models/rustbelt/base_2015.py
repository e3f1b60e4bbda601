"""What the model takes for known: the year 2015 (`base_2015.csv`) and the constants of its equations (`constants.csv`), one number a row.

Each has a unit, a confidence and a source.

Confidence: F read in the cited source, M remembered and to be checked, D derived or estimated.
Tables with rows for China and the provinces are closed by the rest of China: national less the three provinces.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from engine.modelling.cells import Cells, table
from engine.modelling.records import Constant
from engine.models.rustbelt.labels import NORTHEAST, REGION, SECTOR, ByCell, ByRegion, BySector, Scalar

Numbers = Mapping[tuple[str, str, str], float]


def read_rows(name: str = "base_2015") -> list[dict[str, str]]:
    """The rows of a data file: value, unit, confidence and source, and what the number is of."""
    text = resources.files(__package__).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@dataclass(frozen=True)
class Base:
    """The base year. Capacity and output [Mt/yr], employment [thousand], money [bn yuan], shares [1]."""

    capacity: ByCell
    output: ByCell
    employment: ByCell
    liabilities: ByCell
    leverage: ByCell
    cut_intensity: ByCell
    value_added_share: ByCell
    zombie_scale: ByCell
    labour_elasticity_scale: ByCell
    target_utilisation: BySector
    price_gap: BySector
    gdp: ByRegion
    loans: ByRegion
    new_jobs: ByRegion
    provisions: ByRegion
    npl_ratio: ByRegion
    growth_average: ByRegion
    normal_growth: ByRegion
    growth_gap_offset: ByRegion
    zombie_scale_other: ByRegion
    fiscal_scale: ByRegion
    urban_share: Scalar

    @property
    def national_capacity(self) -> BySector:
        """Capacity of all regions [Mt/yr]."""
        return self.capacity.over("region")

    @property
    def national_output(self) -> BySector:
        """Output of all regions [Mt/yr]."""
        return self.output.over("region")


def _closed(numbers: Numbers, quantity: str) -> ByCell:
    """Provinces as they stand, the rest of China as the national figure less theirs."""
    sectors = SECTOR["sector"]
    provinces = [[numbers[quantity, region, sector] for sector in sectors] for region in NORTHEAST]
    national = [numbers[quantity, "China", sector] for sector in sectors]
    rest = [whole - sum(column) for whole, column in zip(national, zip(*provinces, strict=True), strict=True)]
    return table(REGION | SECTOR, [*provinces, rest])


def _closed_intensity(numbers: Numbers, capacity: Cells) -> ByCell:
    """Provinces as they stand; the rest of China such that the capacity-weighted sum is the national one."""
    sectors = SECTOR["sector"]
    provinces = [[numbers["cut_intensity", region, sector] for sector in sectors] for region in NORTHEAST]
    rest = []
    for k, sector in enumerate(sectors):
        national = sum(capacity[region, sector] for region in REGION["region"])
        cut = sum(row[k] * capacity[region, sector] for row, region in zip(provinces, NORTHEAST, strict=True))
        rest.append((national - cut) / capacity["Rest of China", sector])
    return table(REGION | SECTOR, [*provinces, rest])


def load() -> Base:
    """The base year from the data file."""
    numbers = {(row["quantity"], row["region"], row["sector"]): float(row["value"]) for row in read_rows()}

    def cells(quantity: str) -> ByCell:
        return table(
            REGION | SECTOR, [[numbers[quantity, r, s] for s in SECTOR["sector"]] for r in REGION["region"]]
        )

    def regions(quantity: str) -> ByRegion:
        return table(REGION, [numbers[quantity, region, ""] for region in REGION["region"]])

    def sectors(quantity: str) -> BySector:
        return table(SECTOR, [numbers[quantity, "China", sector] for sector in SECTOR["sector"]])

    capacity = _closed(numbers, "capacity")
    return Base(
        capacity=capacity,
        output=_closed(numbers, "output"),
        employment=_closed(numbers, "employment"),
        liabilities=_closed(numbers, "liabilities"),
        leverage=cells("leverage"),
        cut_intensity=_closed_intensity(numbers, capacity),
        value_added_share=cells("value_added_share"),
        zombie_scale=cells("zombie_scale"),
        labour_elasticity_scale=cells("labour_elasticity_scale"),
        target_utilisation=sectors("target_utilisation"),
        price_gap=sectors("price_gap"),
        gdp=regions("gdp"),
        loans=regions("loans"),
        new_jobs=regions("new_jobs"),
        provisions=regions("provisions"),
        npl_ratio=regions("npl_ratio"),
        growth_average=regions("growth_average"),
        normal_growth=regions("normal_growth"),
        growth_gap_offset=regions("growth_gap_offset"),
        zombie_scale_other=regions("zombie_scale_other"),
        fiscal_scale=regions("fiscal_scale"),
        urban_share=numbers["urban_share", "China", ""],
    )


def constants() -> dict[str, Constant]:
    """The constants of the equations, by name."""
    rows: list[dict[str, Any]] = read_rows("constants")
    return {
        row["name"]: Constant(
            float(row["value"]), row["unit"], row["about"], row["source"], row["confidence"]
        )
        for row in rows
    }


BASE = load()
CONSTANTS = constants()
