"""What a study brings to NumPy: draws of factors, shocks as the kernel makes them, a policy's levers in force."""

import math
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from engine.draws import random_words
from engine.draws.sampling import SAMPLERS
from engine.modelling.records import shock_streams
from engine.study.components import Policy
from engine.study.study import Study
from tests.words import words


def draw(study: Study, n_paths: int, rng: np.random.Generator, dtype=np.float64):
    """Factor draws and shock draws of one chunk: name -> [path], name -> [year, *labels, path].

    All pairs of a group get the same positive correlation: enough to be timed on.
    """
    normal = lambda *shape: rng.standard_normal((*shape, n_paths), dtype=dtype)  # noqa: E731
    common = {name: normal() for name in study.groups}
    factors = {}
    for item in study.inputs:
        z = normal()
        if item.group:
            r = study.groups[item.group].copula.correlation
            z = math.sqrt(r) * common[item.group] + math.sqrt(1 - r) * z
        factors[item.name] = from_normal(item.marginal.family, item.marginal.parameters, z)
    shocks = {}
    for name, shock in study.model.shocks.items():
        shape = (len(study.years), *(len(study.model.dims[dim]) for dim in shock.dims))
        uniform = shock.law == "uniform"
        shocks[name] = rng.random((*shape, n_paths), dtype=dtype) if uniform else normal(*shape)
    return factors, shocks


def from_normal(family: str, parameters, z):
    """The draw of a normal score, for the families that the study uses."""
    if family == "lognormal":
        return parameters[0] * np.exp(parameters[1] * z)
    if family == "normal":
        return parameters[0] + parameters[1] * z
    if family == "logit-normal":
        median = parameters[0]
        return 1 / (1 + (1 - median) / median * np.exp(-parameters[1] * z))
    if family == "uniform":
        return parameters[0] + (parameters[1] - parameters[0]) * special.ndtr(z)
    raise ValueError(family)


def shocks_of(study: Study, n_paths: int, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """Shock draws of the first paths as the kernel makes them: name -> [year, *labels, path]."""
    sampler = SAMPLERS[study.sampler]
    values = {}
    for name, streams in shock_streams(study.model).items():
        shock = study.model.shocks[name]
        keys = [
            [random_words.stream_key(study.seed, f"shock:{stream}", step) for stream in streams]
            for step in range(len(study.years))
        ]
        drawn_words = words(sampler, np.array(keys, np.uint32).reshape(-1, 2), 0, n_paths)
        law = random_words.normal if shock.law == "normal" else random_words.uniform
        shape = [len(study.model.dims[dim]) for dim in shock.dims]
        with jax.enable_x64(dtype == np.float64):
            drawn = np.asarray(law(jnp.asarray(drawn_words), dtype))
        values[name] = drawn.reshape(len(study.years), *shape, n_paths)
    return values


def lever_values(policy: Policy, name: str, at: int, factors):
    """A lever in year number `at`, [label, path or 1] where it has labels, else a number; by path where a factor gives
    it.
    """
    values = policy.levers[name][at]
    values = values[..., None] if np.ndim(values) else float(values)
    for factor, weights in policy.drawn.get(name, {}).items():
        weight, drawn = weights[at], factors[factor]
        weight = weight[..., None].astype(drawn.dtype) if np.ndim(weight) else float(weight)
        values = values + weight * drawn
    return values


def levers_in_force(study: Study, policy: Policy, year: int, factors) -> SimpleNamespace:
    """This year's levers: a number, or one per path where the lever or the implementation is drawn."""
    at, dtype = study.years.index(year), next(iter(factors.values())).dtype
    before = policy.before or policy
    share = policy.implementation
    share = factors[share] if isinstance(share, str) else share
    levers = {}
    for name, lever in study.model.levers.items():
        old, new = (lever_values(one, name, at, factors) for one in (before, policy))
        if lever.dims:
            old, new = np.asarray(old, dtype), np.asarray(new, dtype)
        unchanged = year < policy.start or np.array_equal(old, new)
        levers[name] = old if unchanged else old + share * (new - old)
    begun = policy
    while year < begun.start and begun.before is not None:
        begun = begun.before
    return SimpleNamespace(**levers, start=begun.start)
