"""Studies of the models in `data/constant_models.py`, as tables."""

from pathlib import Path

from engine.study.loading import load_model_file, read_study

MODELS = Path(__file__).parent / "data" / "constant_models.py"
LAW = {"family": "uniform", "low": 0.0, "high": 0.3}
WELL = {
    "name": "well",
    "run": {"paths": 512, "seed": 7, "tile": 64},
    "time": {"first": 2016, "last": 2020},
    "factors": {
        "inflow": {"family": "lognormal", "median": 2.0, "sigma": 0.5, "group": "wet"},
        "need": {"family": "uniform", "low": 4.0, "high": 9.0, "group": "wet"},
    },
    "groups": {"wet": {"correlation": 0.5}},
    "policies": {"keep": {}, "save": {"saved": 0.2}},
    "events": {"dry": {"outcome": "shortage", "above": 3.0}},
}
BEAM = {
    "name": "beam",
    "run": {"paths": 512, "seed": 7, "tile": 64},
    "factors": {"load": {"family": "lognormal", "median": 4.0, "sigma": 0.5}},
    "policies": {"as_is": {}, "propped": {"props": 2.0}},
}


def model(name="Well"):
    return load_model_file(f"{MODELS}:{name}")


def well(factors=(), settings=None, **more):
    """A study of wells, with more factors, and settings of its `[run]`."""
    text = {**WELL, "factors": {**WELL["factors"], **dict(factors)}, "run": {**WELL["run"], **(settings or {})}}
    return read_study({**text, **more}, "well.toml", model=model())


def beam(factors=(), **more):
    """A study of beams, with more factors."""
    text = {**BEAM, "factors": {**BEAM["factors"], **dict(factors)}, **more}
    return read_study(text, "beam.toml", model=model("Beam"))
