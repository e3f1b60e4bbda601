"""Random words and normal scores of consecutive paths, as a sampler gives them group by group."""

import functools

import jax
import jax.numpy as jnp
import numpy as np


def counters(sampler, first_path, paths):
    """Numbers of the groups of consecutive paths, (low, high) words."""
    numbers = first_path // sampler.group + np.arange(paths // sampler.group, dtype=np.uint64)
    return (numbers & 0xFFFFFFFF).astype(np.uint32), (numbers >> 32).astype(np.uint32)


@functools.cache
def compiled(method):
    """The method of a sampler for many keys and groups, [stream, group, member]."""
    of_groups = jax.vmap(lambda key, low, high: method(key, (low, high)), (None, 0, 0))
    return jax.jit(jax.vmap(of_groups, (0, None, None)))


def words(sampler, keys, first_path, paths):
    """Words of consecutive paths, uint32 [stream, path]."""
    drawn = compiled(sampler.words)(jnp.asarray(keys), *counters(sampler, first_path, paths))
    return np.asarray(drawn).reshape(len(keys), paths)


def normals(sampler, keys, first_path, paths):
    """Normal scores of consecutive paths, float32 [stream, path]."""
    drawn = compiled(sampler.normals)(jnp.asarray(keys), *counters(sampler, first_path, paths))
    return np.asarray(drawn).reshape(len(keys), paths)
