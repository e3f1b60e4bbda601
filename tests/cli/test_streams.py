"""What reaches a terminal: no control character of a study, a model, a cube, a data file or an argument; and results
apart from prints.
"""

import json
import re
from pathlib import Path

import pytest

import engine.cli
from engine.formatting import printable
from tests.data.hostile_models import SAYS
from tests.small_files import MODELS, call, ran, records, write

HOSTILE = MODELS.with_name("hostile_models.py")
TEXT = json.dumps(SAYS)
STUDY = f"""\
name = "loud"
question = {TEXT}
model = "Loud"
baseline = "p"
run = {{ paths = 600, seed = 1, tile = 64 }}
time = {{ first = 2016, last = 2018 }}
[factors.a]
about = {TEXT}
source = {TEXT}
family = "normal"
mean = 1
sd = 1
[policies.p]
about = {TEXT}
[policies.z]
s = 2
q = {{ {json.dumps("[red]north[/red]" + SAYS)} = 2, south = 1 }}
[events]
e = {{ about = {TEXT}, outcome = "d", above = 2 }}
"""
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with a hostile study in it that has been run."""
    folder = tmp_path_factory.mktemp("loud")
    ended = ran("run", write(folder, STUDY), "--model", f"{HOSTILE}:Loud", "--out", folder / "run", "--json")
    assert {record["variable"] for record in records(ended.stdout)} == {"d", "e"}
    assert "loaded \\x1b[2J" in ended.stderr and "traced \\x1b[2J" in ended.stderr
    assert not ACTS.search(ended.stderr)
    return folder


COMMANDS = [
    "run study.toml --out run", "check study.toml", "risk run", "risk run --variable y", "risk run --variable r",
    "risk run --given d>1", "replay run --path 3 --full", "replay run --worst 2 --variable d",
    "replay run --path 3 --json", "status run", "verify run", "plot exceedance run", "report run", "list",
    "risk \x1b[2J", "risk run --variable \x1b[2J", "check \x1b[2J.toml", "run study.toml --paths \x1b[2J", "\x1b[2J",
    "fit \x1b[2J.csv --column a", "plot \x1b[2J run", "init \x1b[2J",
    "run study.toml --debug --out study.toml/\x1b[2J",
]  # fmt: skip


TAKES_LONGER = (
    "plot exceedance", "report", "replay run --worst", "replay run --path 3 --json", "verify", "risk run --given",
    "run study.toml --out",
)  # fmt: skip


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning", "ignore:boxes stand")
@pytest.mark.parametrize(
    "words",
    [pytest.param(words, marks=pytest.mark.slow if words.startswith(TAKES_LONGER) else ()) for words in COMMANDS],
    ids=lambda words: repr(words)[1:-1].replace("[", "").replace("\\", ""),
)
def test_nothing_acts_on_a_terminal(runs, monkeypatch, words):
    monkeypatch.chdir(runs)
    Path("outputs").mkdir(exist_ok=True)
    if not Path("outputs/run").exists():
        Path("outputs/run").symlink_to(runs / "run")
    model = ["--model", f"{HOSTILE}:Loud"] if words.split()[1:2] in (["run"], ["study.toml"]) else []
    ended = call(*words.split(" "), *model)
    assert ended.exit_code == (2 if "\x1b" in words else 0), ended.output
    assert "Traceback" not in ended.output or "--debug" in words
    assert not ACTS.search(ended.output), ended.output
    if "\x1b" in words:
        assert "\\x1b[2J" in ended.stderr


def test_no_command_prints_where_models_print():
    for path in Path(engine.cli.__file__).parent.rglob("*.py"):
        if path.name in ("__init__.py", "streams.py"):
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            to_stdout = "click.echo(" in line and "err=True" not in line and not line.rstrip().endswith("(")
            assert not to_stdout, f"{path}: {line}: results are printed by screen.print_text"
            assert "sys.stdout.write" not in line, f"{path}: {line}"


def test_a_data_file_shows_no_line_of_its_own(tmp_path):
    secret = tmp_path / "passwd"
    secret.write_text("root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n")
    for column in ("root:x:0:0:root:/root:/bin/bash", "root:x:0:0:root:/root:/bin/bas", "price"):
        ended = call("fit", secret, "--column", column)
        assert ended.exit_code == 2 and "daemon" not in ended.stderr
        assert "/bin/bash" not in ended.stderr.replace(f"'{column}'", "")


@pytest.mark.parametrize("text", ["plain 中文 é 🎉\n\tmore", SAYS, "\ud800", ""])
def test_text_is_written_out_once_and_only_where_it_must_be(text):
    assert printable(printable(text)) == printable(text)
    assert (printable(text) == text) == (text in ("plain 中文 é 🎉\n\tmore", ""))
