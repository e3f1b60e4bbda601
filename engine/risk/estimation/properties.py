"""Cached properties that threads compute at the same time."""

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar

T_co = TypeVar("T_co", covariant=True)


class cached_property(functools.cached_property[T_co]):
    """`functools.cached_property` without the lock of Python 3.11.

    That lock lets one thread at a time compute a property, of all objects of its class together. Without it two threads
    that first read a property of the same object may both compute it.
    """

    def __init__(self, func: Callable[[Any], T_co]):
        super().__init__(func)
        self.lock = nullcontext()
