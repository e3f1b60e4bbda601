"""Cached properties that threads compute at the same time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from engine.risk.estimation.properties import cached_property

BOTH = Barrier(2, timeout=10)


class Waiting:
    """Its property needs another thread that computes that of another object."""

    @cached_property
    def place(self) -> int:
        return BOTH.wait()


def test_properties_of_two_objects_are_computed_at_the_same_time_and_once():
    objects = Waiting(), Waiting()
    with ThreadPoolExecutor(2) as threads:
        places = list(threads.map(lambda one: one.place, objects))
    assert sorted(places) == [0, 1] and [one.place for one in objects] == places
