"""Devices and their memory, sizes, and how often a program is compiled."""

import engine
from engine.program import devices
from engine.program.programs import program_on
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK
from tests.small_files import BRIDGE, MODELS, call, own, write

# ------------------------------------------------------------------------------- compiled once


def test_a_run_of_several_blocks_compiles_its_program_once(tmp_path, monkeypatch):
    made = []

    def program(*args, **options):
        made.append(program_on(*args, **options))
        return made[-1]

    monkeypatch.setattr(devices, "program_on", program)
    study = load_study(write(tmp_path, BRIDGE), model=load_model_file(f"{MODELS}:Bridge"), paths=3 * BLOCK)
    engine.run(study, tmp_path / "out")
    assert [one.traces for one in made] == [1]


# ------------------------------------------------------------------------------- memory


def test_a_run_that_cannot_fit_is_refused_with_the_remedy(tmp_path):
    study, out = write(tmp_path, BRIDGE), tmp_path / "out"
    ended = call("run", study, *own("Bridge"), "--out", out, "--memory", "512MB")
    assert ended.exit_code == 2
    place, told = ended.stderr.splitlines()
    assert place == "--memory: 1 problem"
    for part in ("about 1.1 GB", "4,000 paths", "512.0 MB allowed", "fewer paths", "allow more"):
        assert part in told
    assert not out.exists()
    assert "a size" in call("run", study, *own("Bridge"), "--memory", "lots").stderr
    assert call("run", study, *own("Bridge"), "--out", out, "--memory", "4GiB", "--quiet").exit_code == 0
