"""How fast a card could run a program: the limits of its instruction rate and of its memory.

A multiprocessor hands out 4 x 32 lane instructions a clock. Their units are fewer: 64 lanes of integer and logic (ALU),
64 or 128 of float (FMA), 16 of special functions. With N instructions of a kind for each path-year, and R lanes of that
kind in all multiprocessors, the card makes at most R x clock / N path-years a second. The instruction limit is the
least of these numbers over the kinds.

A loop over the years goes through memory once a year: the state of every policy is read and written, 4 bytes each way,
and so is each random number. Bandwidth / (8 x state x policies + 8 x random numbers) is the bandwidth limit. A program
that keeps its paths in the cache can pass this limit, but not the instruction limit.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from instructions import Instructions

ISSUED, ALU, SPECIAL = 128, 64, 16
"""Lanes of one multiprocessor (all units, ALU, special functions) in cards from 2020 to 2024."""
BYTES = 8
"""One float written and read again."""


@dataclass(frozen=True)
class Card:
    """A card by its data sheet.

    Args:
      multiprocessors: how many it has.
      clock: highest clock [GHz].
      bandwidth: of its memory [TB/s].
      fma: lanes of float arithmetic of a multiprocessor.
    """

    multiprocessors: int
    clock: float
    bandwidth: float
    fma: int = 128


CARDS = {
    "H200": Card(132, 1.980, 4.8),
    "H100 PCIe": Card(114, 1.755, 2.04),
    "H100": Card(132, 1.980, 3.35),
    "A100-SXM4-80GB": Card(108, 1.410, 2.04, fma=64),
    "A100 80GB PCIe": Card(108, 1.410, 1.94, fma=64),
    "A100": Card(108, 1.410, 1.56, fma=64),
    "L40S": Card(142, 2.520, 0.864),
    "RTX 4090": Card(128, 2.520, 1.008),
    "RTX 3090": Card(82, 1.695, 0.936),
}
"""Cards by a part of the device's name; the first that fits counts."""


def card_of(name: str, multiprocessors: int | None, clock: float | None) -> Card | None:
    """The card of a device's name, with the numbers that the device itself reports; None where it is not in the list.

    Args:
      multiprocessors, clock: as the device and its driver give them; None where they do not.
    """
    for part, card in CARDS.items():
        if part in name:
            return Card(multiprocessors or card.multiprocessors, clock or card.clock, card.bandwidth, card.fma)
    return None


def highest_clock() -> float | None:
    """The highest clock of the multiprocessors of the first card [GHz]; None where `nvidia-smi` does not tell."""
    asked = ["nvidia-smi", "--query-gpu=clocks.max.sm", "--format=csv,noheader,nounits"]
    try:
        return float(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[0]) / 1000
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return None


def instruction_limit(card: Card, path_year: Instructions) -> tuple[float, str]:
    """Path-years a second that the instruction rate allows, and the unit that sets it.

    Args:
      path_year: instructions of one path and year, all policies together.
    """
    rate = card.multiprocessors * card.clock * 1e9
    limits = {
        "issue": ISSUED * rate / path_year.issued,
        "ALU": ALU * rate / path_year.alu,
        "FMA": card.fma * rate / path_year.fma,
        "special": SPECIAL * rate / path_year.special,
    }
    unit = min(limits, key=limits.__getitem__)
    return limits[unit], unit


def bandwidth_limit(card: Card, state: float, random_numbers: float) -> float:
    """Path-years a second that the memory allows.

    Args:
      state: floats that a path carries from year to year, all policies together.
      random_numbers: for one path and year, those drawn once spread over the years.
    """
    return card.bandwidth * 1e12 / (BYTES * (state + random_numbers))
