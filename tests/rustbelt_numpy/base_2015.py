"""The end of 2015 (section 3 of the page), read from `base_2015.csv`."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import engine

REGIONS = ("Liaoning", "Jilin", "Heilongjiang", "Rest of China")
SECTORS = ("steel", "coal", "cement")
NE = slice(0, 3)
TABLE = Path(engine.__file__).parent / "models" / "rustbelt" / "base_2015.csv"


def read(factors) -> tuple[SimpleNamespace, SimpleNamespace]:
    """Factors, those of a sector as [sector, path] besides; the base year as [region, sector, 1], [region, 1], [sector, 1]."""
    f = SimpleNamespace(**factors)
    dtype = f.exit_rate.dtype
    for name in (
        "recovery_years",
        "price_response",
        "demand_drift",
        "cut_labour_elasticity",
        "margin_response",
    ):
        setattr(f, name, np.stack([factors[f"{sector}_{name}"] for sector in SECTORS]))
    rows = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = row["region"], row["sector"]
            rows.setdefault(row["quantity"], {})[key] = float(row["value"])
    base = SimpleNamespace()
    for name, values in rows.items():
        of = lambda region, values=values: [values[region, sector] for sector in SECTORS]  # noqa: E731
        if name in ("capacity", "output", "employment", "liabilities"):
            provinces, nation = np.array([of(region) for region in REGIONS[NE]]), np.array(of("China"))
            table = np.vstack([provinces, nation - provinces.sum(0)])
        elif name == "cut_intensity":
            provinces, capacity = np.array([of(region) for region in REGIONS[NE]]), base.capacity[..., 0]
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
        setattr(base, name, table[..., None])
    for name, table in vars(base).items():
        setattr(base, name, table.astype(dtype))
    base.here = np.array([1, 1, 1, 0], dtype)[:, None]
    return f, base


def end_of_2015(f, base) -> SimpleNamespace:
    """The end of 2015 (section 3)."""
    paths = np.zeros_like(f.exit_rate)
    regions, cells = paths + np.zeros_like(base.gdp), paths + np.zeros_like(base.capacity)
    z, z_O = f.zombie_share_initial * base.zombie_scale, f.zombie_share_initial * base.zombie_scale_other
    return SimpleNamespace(
        D=paths + np.ones_like(base.price_gap),
        X=paths + 1,
        urban_share=paths + base.urban_share,
        p=paths + base.price_gap,
        q=paths + base.output.sum(0) / base.capacity.sum(0),
        K=cells + base.capacity,
        Q=cells + base.output,
        L=cells + base.employment,
        d=cells + base.leverage,
        Y=regions + base.gdp,
        N=regions + base.loans,
        z=z,
        z_O=z_O,
        region_z_2015=0.5 * mean(z, base.liabilities) + 0.5 * z_O,
        lagged_z=regions,
        gbar=regions + base.growth_average,
        capital=f.capital_ratio_initial * 0.78 * base.loans,
        provisions=regions + base.provisions * base.loans,
        npl=regions + base.npl_ratio,
        F=f.fiscal_space_initial * base.fiscal_scale,
        V=regions,
        kept=cells,
        crunch=regions,
        layoffs_before=(regions, regions),
        w=cells,
        w_O=regions,
        age=regions,
        S=regions,
        national_path=paths,
        northeast_gdp=paths + base.gdp[NE].sum(0),
        net_jobs_lost=regions,
    )


def mean(values, weights):
    """Mean over sectors [region, path]."""
    return (values * weights).sum(1) / weights.sum(1)
