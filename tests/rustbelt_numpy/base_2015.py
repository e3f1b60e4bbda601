"""What is known before the first year: constants, factors and the end of 2015 (sections 1 and 3 of the page), with
`base_2015.csv`.
"""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import engine
from engine.study.study import Study

REGIONS = ("Liaoning", "Jilin", "Heilongjiang", "Rest of China")
SECTORS = ("steel", "coal", "cement")
NE = slice(0, 3)
OF_SECTORS = (
    *("recovery_years", "price_response", "demand_drift", "cut_labour_elasticity", "margin_response"),
    *("demand_noise", "export_share", "belt_road_weight", "property_weight", "slump_weight"),
)
"""Factors and constants of which each sector has its own."""
DATA = Path(engine.__file__).parent / "models" / "rustbelt" / "base_2015.csv"


def read(study: Study, factors) -> tuple[SimpleNamespace, SimpleNamespace]:
    """Factors [path] and the study's constants [1] by name, those of sectors as [sector, path or 1] besides; the base
    year.
    """
    dtype = factors["exit_rate"].dtype
    constants = {name: np.full(1, one.value, dtype) for name, one in study.model.constants.items()}
    known = SimpleNamespace(**constants, **factors)
    for name in OF_SECTORS:
        of = [getattr(known, f"{sector}_{name}") for sector in SECTORS]
        setattr(known, name, np.stack(np.broadcast_arrays(*of)))
    base = _base_year()
    for name, table in vars(base).items():
        setattr(base, name, table[..., None].astype(dtype))
    return known, base


def data() -> dict[str, dict[tuple[str, str], float]]:
    """The rows of `base_2015.csv`: quantity -> (region, sector) -> value."""
    rows = {}
    with DATA.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = row["region"], row["sector"]
            rows.setdefault(row["quantity"], {})[key] = float(row["value"])
    return rows


def _base_year() -> SimpleNamespace:
    """The data by name: [region, sector], [region], [sector], or a number."""
    base = SimpleNamespace(n=np.array([1, 1, 1, 0]))
    for name, values in data().items():
        of = lambda region, values=values: [values[region, sector] for sector in SECTORS]  # noqa: E731
        if name in ("capacity", "output", "employment", "liabilities"):
            provinces, nation = np.array([of(region) for region in REGIONS[NE]]), np.array(of("China"))
            table = np.vstack([provinces, nation - provinces.sum(0)])
        elif name == "cut_intensity":
            provinces, capacity = np.array([of(region) for region in REGIONS[NE]]), base.capacity
            rest = (capacity.sum(0) - (provinces * capacity[NE]).sum(0)) / capacity[3]
            table = np.vstack([provinces, rest])
        elif ("China", "") in values:
            table = np.array(values["China", ""])
        elif ("China", "steel") in values:
            table = np.array(of("China"))
        elif ("Liaoning", "steel") in values:
            table = np.array([of(region) for region in REGIONS])
        else:
            table = np.array([values[region, ""] for region in REGIONS])
        setattr(base, name, table)
    return base


def end_of_2015(known, base) -> SimpleNamespace:
    """The end of 2015 (section 3), under the names that a year has."""
    paths = np.zeros_like(known.exit_rate)
    regions, cells = paths + np.zeros_like(base.gdp), paths + np.zeros_like(base.capacity)
    z = known.zombie_share_initial * base.zombie_scale
    z_O = known.zombie_share_initial * base.zombie_scale_other
    return SimpleNamespace(
        D=paths + np.ones_like(base.price_gap),
        X=paths + 1,
        urban_share=paths + base.urban_share,
        p=paths + base.price_gap,
        K=cells + base.capacity,
        Q=cells + base.output,
        w=cells + 1,
        L=cells + base.employment,
        d=cells + base.leverage,
        Y=regions + base.gdp,
        N=regions + base.loans,
        z=z,
        undefaulted=cells + 1,
        z_O=z_O,
        z_2015=region_mean(known, z, z_O, base.liabilities),
        lagged=regions,
        gbar=regions + base.growth_average,
        capital=known.capital_ratio_initial * known.risk_weight * base.loans,
        provisions=regions + base.provisions * base.loans,
        npl_ratio=regions + base.npl_ratio,
        F=known.fiscal_space_initial * base.fiscal_scale,
        V=regions,
        kept_share=cells,
        kept_workers=cells,
        crunch=regions,
        started=(regions, regions),
        worst=cells,
        worst_O=regions,
        ageing=regions,
        stimulus=regions,
        net_jobs_lost=regions,
        national_path=paths,
        northeast_gdp=paths + base.gdp[NE].sum(0),
    )


def mean(values, debt):
    """Mean over sectors, by their debt [region, path]."""
    return (values * debt).sum(1) / debt.sum(1)


def region_mean(known, of_sectors, of_others, debt):
    """Mean of a region's three sectors, by their debt, and of its other state firms [region, path]."""
    return known.sector_part * mean(of_sectors, debt) + (1 - known.sector_part) * of_others
