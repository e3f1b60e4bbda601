"""Every command that is suggested works as it is printed: with the model and the study, in folders whose names need
quotes.
"""

import ast
import re
import shlex
from pathlib import Path

import pytest

import engine
from engine.cli import COMMANDS, main
from tests.small_files import BRIDGE, MODELS, POND, call, ran

FILES = sorted(Path(engine.__file__).parent.rglob("*.py"))
SUGGESTED = re.compile(rf"rustbelt (?:{'|'.join(COMMANDS)})\b.*")
WRITERS = {"command_line": 0, "command": 0, "print_command": 2}
"""Functions that write a command, and at which of their arguments it begins."""
FOLDER = "2026 年的 运行"


def suggested(printed: str) -> list[list[str]]:
    """The words of each command that is printed, the first left out."""
    found = [SUGGESTED.search(line) for line in printed.splitlines() if not line.startswith("Usage")]
    return [shlex.split(re.split(" {3,}", match[0])[0])[1:] for match in found if match]


def assert_work(printed: str, at_least: int = 1) -> None:
    """Asserts that there are so many commands, and that all of them end well."""
    commands = suggested(printed)
    assert len(commands) >= at_least, printed
    for words in commands:
        quiet = ["--quiet"] if words[0] in ("run", "repair") else []
        ended = call(*words, *quiet)
        assert ended.exit_code == 0, (words, ended.output)


def assert_more(*words) -> str:
    """Asserts that a command says which option shows the rest, and that it does; gives what it prints without it."""
    short, whole = call(*words), call(*words, "--full")
    assert short.exit_code == whole.exit_code == 0, short.output + whole.output
    assert "More: --full" in short.stdout and "More: " not in whole.stdout
    assert len(whole.stdout) > len(short.stdout)
    return short.stdout


def options_of(command: str) -> set[str]:
    """The options that a command knows."""
    return {option for param in main.get_command(None, command).params for option in param.opts}


def test_commands_are_written_by_one_function_and_have_the_options_that_they_are_given():
    written = 0
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            literals = [one.value for one in node.args if isinstance(one, ast.Constant)]
            words = [word for word in literals if isinstance(word, str)]
            if name not in WRITERS or not set(words) & set(COMMANDS):
                continue
            command = next(word for word in words if word in COMMANDS)
            asked = {word for word in words if word.startswith("--")}
            assert asked <= options_of(command), (file.name, command, asked)
            written += 1
    assert written > 12


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """A folder with blanks and Chinese in its name, with a model and studies of it, to be in."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("我的 model.py").write_text(MODELS.read_text(), encoding="utf-8")
    renamed = BRIDGE.replace("[policies.strong]", '[policies."更强"]')
    Path("the 桥.toml").write_text(renamed, encoding="utf-8")
    Path("the pond.toml").write_text(POND, encoding="utf-8")
    return folder


OWN = ["--model", "我的 model.py:Bridge"]


def test_what_follows_a_run_its_risks_and_a_replay_works(inside):
    assert_work(assert_more("run", "the 桥.toml", *OWN, "--quiet", "--out", "my run"))
    assert_more("risk", "my run")
    assert_work(assert_more("risk", "my run", "--given", "margin >= -1"), at_least=0)
    assert_more("replay", "my run", "--path", 3, "--policy", "更强")
    worst = call("replay", "my run", "--worst", 2, "--variable", "damage", "--policy", "更强")
    assert_work(worst.stdout, at_least=1)


def test_what_a_study_that_has_not_been_run_is_told_works(inside):
    refused = call("risk", "the 桥.toml", *OWN)
    assert refused.exit_code == 2 and "Run it first" in refused.stderr
    assert_work(refused.stderr)
    ran("risk", "the 桥.toml", *OWN)
    Path("plain.toml").write_text(BRIDGE.replace('"bridge"', '"z bridge"'), encoding="utf-8")
    ran("run", "plain.toml", *OWN, "--quiet")
    assert_work(call("plot").stdout)
    Path("the 桥.toml").write_text(BRIDGE.replace("strength = 14", "strength = 13"), encoding="utf-8")
    refused = call("replay", "the 桥.toml", *OWN, "--worst", 2, "--variable", "damage", "--seed", 3)
    assert refused.exit_code == 2 and "--seed 3" in refused.stderr
    assert_work(refused.stderr)


def test_what_an_unfinished_run_is_told_finishes_it(inside):
    words = ["run", "the 桥.toml", *OWN, "--paths", "2e5", "--out", "my run", "--shard", "1/2"]
    begun = ran(*words)
    (status,) = suggested(begun.stderr.splitlines()[-1])
    ran(*status)
    refused = call("risk", "my run")
    assert refused.exit_code == 2
    (finishing,) = suggested(refused.stderr)
    assert finishing in suggested(call(*status).stdout)
    assert_work(refused.stderr)
    ran("risk", "my run")


def test_what_is_written_to_start_from_works_also_on_top_of_a_study_of_an_own_model(inside):
    begun = call("init", "my first.toml", *OWN)
    (check,) = suggested(begun.stdout)
    lacking = call(*check)
    assert lacking.exit_code == 2 and "has no prior" in lacking.stderr
    on_top = ran("init", "更多.toml", "--extends", "the 桥.toml", *OWN)
    assert_work(on_top.stdout, at_least=2)
