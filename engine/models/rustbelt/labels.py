"""Where and what: the labels of the cells, and the small moves between them."""

from __future__ import annotations

from typing import Any

from engine.modelling.cells import Cells, table

Scalar = Any
BySector = Any
"""One scalar per sector."""
ByRegion = Any
"""One scalar per region."""
ByCell = Any
"""One scalar per region and sector."""

NORTHEAST = ("Liaoning", "Jilin", "Heilongjiang")
REGION: dict[str, tuple[str, ...]] = {"region": (*NORTHEAST, "Rest of China")}
SECTOR: dict[str, tuple[str, ...]] = {"sector": ("steel", "coal", "cement")}
PROVINCE: dict[str, tuple[str, ...]] = {"province": NORTHEAST}
"""Only shocks are drawn by province: what the rest of China would draw is used nowhere."""

THOUSAND, PERCENT = 1000.0, 100.0
"""What units are counted in."""
PERSON, TONNE = 1e-3, 1e-6
"""One person [thousand], one tonne [Mt]: what stands under a fraction at least."""
IN_NORTHEAST: ByRegion = table(REGION, [1, 1, 1, 0])


def by_sector(steel: Scalar, coal: Scalar, cement: Scalar) -> BySector:
    """The three scalars as one table."""
    return Cells(SECTOR, (steel, coal, cement))


def by_region(provinces: Any) -> ByRegion:
    """A table by province as one by region, zero in the rest of China."""
    return Cells(REGION, (*provinces.values, 0.0))


def by_cell(provinces: Any) -> ByCell:
    """A table by province and sector as one by region and sector, zero in the rest of China."""
    return Cells(REGION | SECTOR, (*provinces.values, 0.0, 0.0, 0.0))


def coal_only(regions: ByRegion) -> ByCell:
    """A table by region put into the coal column, zero in the others."""
    return Cells(REGION | SECTOR, [v for coal in regions.values for v in (0.0, coal, 0.0)])


def northeast(regions: ByRegion) -> Scalar:
    """Sum over the three provinces."""
    return regions.sel(region=NORTHEAST).over("region")
