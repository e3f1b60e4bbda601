"""Prints the speed tables of benchmarks/README.md: python benchmarks/speed.py [--rounds N] [--only REPORT ...]

Needs `pip install -e '.[benchmark]'`, and gcc for the row of C. On a machine that does nothing else: a few minutes.
"""

import argparse

from engine.program.devices import use_every_core

use_every_core()

import time_first_table  # noqa: E402
import time_normals  # noqa: E402
import time_parts  # noqa: E402
import time_rustbelt  # noqa: E402
import time_scaling  # noqa: E402
import time_toy  # noqa: E402
from timing import machine  # noqa: E402

REPORTS = ("toy", "normals", "rustbelt", "scaling", "parts", "first_table")


def main() -> None:
    """Prints every report asked for, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="calls of each peer, the best of which counts")
    parser.add_argument("--only", nargs="+", choices=REPORTS, default=list(REPORTS))
    options = parser.parse_args()
    reports = {
        "toy": time_toy.report,
        "normals": time_normals.report,
        "scaling": time_scaling.report,
        "first_table": time_first_table.report,
        "rustbelt": time_rustbelt.report,
        "parts": time_parts.report,
    }
    print(machine(), flush=True)
    for name in options.only:
        print(f"\n{reports[name](options.rounds)}", flush=True)


if __name__ == "__main__":
    main()
