"""Peak memory of runs that keep no outcome path by path, by number of paths: python benchmarks/memory.py --help."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import machine, table

HERE = Path(__file__).parent
STUDIES = {"toy": (str(HERE / "toy.toml"), f"{HERE / 'toy_model.py'}:Toy"), "rustbelt": ("rustbelt", None)}
CHILD = """
import json, resource, sys, time
from engine.program import devices
devices.use_every_core()
import engine
from engine.study.loading import load_model_file, load_study
from engine.execution.resources import memory_needed
place, spec, paths, folder = json.loads(sys.argv[1])
study = load_study(place, model=load_model_file(spec) if spec else None, paths=paths)
start = time.perf_counter()
done = engine.run(study, folder)
took = time.perf_counter() - start
peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
records = len(done.answers.all_tables.risk)
print(json.dumps({"peak": peak, "seconds": took, "needed": memory_needed(study), "records": records}))
"""


def main() -> None:
    """Runs each size in a process of its own and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", choices=STUDIES, default="toy")
    parser.add_argument("--paths", type=float, nargs="+", default=[1e6, 1e8], metavar="N")
    parser.add_argument("--keep", default="none", metavar="WHAT", help='keep.outcomes: "none" or "all"')
    asked = parser.parse_args()
    place, spec = STUDIES[asked.study]
    rows, peaks = [], []
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study.toml"
        study.write_text(_study(place, asked.keep), encoding="utf-8")
        for paths in map(int, asked.paths):
            run = Path(folder) / f"run-{paths}"
            given = json.dumps([str(study), spec, paths, str(run)])
            ended = subprocess.run([sys.executable, "-c", CHILD, given], capture_output=True, text=True)
            if ended.returncode:
                raise SystemExit(ended.stderr)
            found = json.loads(ended.stdout.splitlines()[-1])
            peaks.append(found["peak"])
            size = sum(file.stat().st_size for file in run.rglob("*") if file.is_file())
            rows.append(
                (
                    f"{paths:,}",
                    f"{found['peak'] / 1e6:,.0f}",
                    f"{found['peak'] / peaks[0]:.3f}",
                    f"{found['needed'] / 1e6:,.0f}",
                    f"{size / 1e6:,.0f}",
                    f"{found['seconds']:,.1f}",
                )
            )
    print(machine())
    print()
    head = (f"{asked.study}, keep.outcomes = {asked.keep}", "peak MB", "of the first", "said MB", "disk MB", "s")
    print(table(head, rows))


def _study(place: str, keep: str) -> str:
    """The study with another `keep.outcomes`."""
    if place.endswith(".toml"):
        return f'{Path(place).read_text(encoding="utf-8")}\n[keep]\noutcomes = "{keep}"\n'
    return f'name = "{place}"\nextends = "{place}"\n\n[keep]\noutcomes = "{keep}"\n'


if __name__ == "__main__":
    main()
