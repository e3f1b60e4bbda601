"""The documentation runs: models and studies of the pages, snippets and commands of the README, links."""

import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import engine
from engine.cli import COMMANDS, REMOVED, main
from tests import pages

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md"), *ROOT.glob("outputs/*.md")])
FILE = re.compile(r"`([\w-]+\.(?:py|toml))`\n```(?:python|toml)\n(.*?)```", re.DOTALL)
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return [code for name, code in BLOCK.findall(text) if name == language]


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder with the files of docs/writing-a-model.md, as the current one."""
    page = (ROOT / "docs" / "writing-a-model.md").read_text(encoding="utf-8")
    for name, code in FILE.findall(page):
        (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_model_of_the_page_runs_from_python(models):
    """The reservoir: below; the levee: from the command line."""
    own = engine.load_model_file("towns.py:Towns")
    study = engine.load_study("towns.toml", model=own, paths=512)
    finished = engine.run(study, out=models / "run")
    assert not finished.rounding
    cube = engine.open_cube(finished.folder)
    for outcome in own.outcomes:
        assert cube["paths"][outcome].sizes == {"policy": len(study.policies), "path": 512}
    assert {record.variable for record in finished.answers.all_tables.risk} == {
        *own.outcomes,
        *(e.name for e in study.events),
    }


def test_model_of_the_page_runs_from_the_command_line(models):
    words = ["levee.toml", "--model", "levee.py:Levee"]
    ran = CliRunner().invoke(main, ["run", *words, "--paths", "512", "--quiet"])
    assert ran.exit_code == 0, ran.output
    page = (ROOT / "docs" / "writing-a-model.md").read_text(encoding="utf-8")
    assert f"rustbelt run {' '.join(words)}" in page
    asked = CliRunner().invoke(
        main, ["risk", *words, "--variable", next(iter(engine.load_model_file(words[2]).outcomes))]
    )
    assert asked.exit_code == 0, asked.output


def test_policies_of_the_page_do_what_their_names_say(models):
    own = engine.load_model_file("reservoir.py:Reservoir")
    study = engine.load_study("reservoir.toml", model=own, paths=512)
    released = {policy.name: policy.levers["release"] for policy in study.policies}
    assert set(released["save"]) == {0.12}
    assert [float(released["save_slowly"][year - 2020]) for year in (2024, 2025, 2030)] == [0.2, 0.16, 0.12]
    finished = engine.run(study, out=models / "run")
    stock = engine.open_cube(finished.folder)["moments"]["stock"].sel(moment="mean").load()
    early = stock.sel(year=slice(2020, 2029))
    assert (early.sel(policy="save_later") == early.sel(policy="keep")).all()
    assert (stock.sel(policy="save", year=2039) > stock.sel(policy="keep", year=2039)).item()


@pytest.mark.slow
def test_python_block_of_the_page_runs(models, capsys):
    page = (ROOT / "docs" / "writing-a-model.md").read_text(encoding="utf-8")
    code = next(code for code in blocks(page, "python") if "load_study" in code)
    exec(compile(code.replace("10_000", "512"), "writing-a-model.md", "exec"), {})
    assert "save_later" in capsys.readouterr().out


def test_model_of_the_readme_is_that_of_the_page_in_short(models):
    (code,) = [code for code in blocks(README, "python") if "StaticModel" in code]
    page = engine.load_model_file("levee.py:Levee")
    (models / "levee.py").write_text(code, encoding="utf-8")
    short = engine.load_model_file("levee.py:Levee")
    assert short.factors.keys() == page.factors.keys() and short.outcomes.keys() < page.outcomes.keys()
    study = engine.load_study("levee.toml", model=short, paths=512)
    assert engine.run(study, out=models / "run").study.policy_names == ("as_it_is", "raised")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A run of the shipped study, with as many paths as the pages show."""
    folder = tmp_path_factory.mktemp("shipped")
    return engine.run(engine.load_study("rustbelt", paths=131_072), out=folder / "outputs" / "run").folder


STAND_IN = """
name = "stand-in"
baseline = "old"
run = { paths = 512, seed = 7 }
time = { first = 2016, last = 2018 }
factors.national_growth_decline = { family = "normal", mean = 3, sd = 1 }
factors.job_creation_rate = { family = "normal", mean = 1, sd = 0.2 }
policies.old = {}
policies.reform = { job_protection = 0.5 }
events.three_million = { outcome = "layoffs", above = 8 }
"""


@pytest.fixture
def stand_in(tmp_path):
    """A run of a small study with the names of the one that ships, of which every question can be asked fast."""
    (tmp_path / "stand-in.toml").write_text(STAND_IN, encoding="utf-8")
    model = engine.load_model_file(f"{ROOT / 'tests' / 'data' / 'stand_in.py'}:StandIn")
    study = engine.load_study(tmp_path / "stand-in.toml", model=model)
    return engine.run(study, out=tmp_path / "outputs" / "run")


@pytest.mark.slow
def test_python_of_the_readme_opens_the_cube_of_a_run(shipped, stand_in, tmp_path, monkeypatch):
    """Questions are asked of the stand-in; `tests/cli/test_one_screen.py` asks the study that ships."""
    monkeypatch.chdir(tmp_path)  # it saves tables
    snippets = blocks(README, "python")
    assert snippets
    names = {"xr": __import__("xarray")}
    for code in snippets:
        place = stand_in.folder if "open_run" in code else shipped
        exec(compile(placed(code, place), "README.md", "exec"), names)


def placed(code: str, folder: Path) -> str:
    """A snippet that opens this run in place of the page's."""
    return re.sub(r"outputs/rustbelt-[0-9a-f]{8,12}", str(folder), code)


def answers(folder: Path) -> list[tuple[str, str]]:
    """Of each snippet in docs/cube.md: the result that the page shows, and the result on this run."""
    names, told = {}, []
    for box in pages.boxes((ROOT / "docs" / "cube.md").read_text(encoding="utf-8")):
        if box.kind == "python":
            value = pages.last_value(placed(box.code, folder), names)
        elif box.kind == "text":
            told.append((box.code, value or ""))
    return told


@pytest.mark.slow
def test_questions_of_the_cube_have_the_answers_that_are_shown(shipped):
    for shown, given in answers(shipped):
        assert pages.not_printed(shown, given) is None, given


def called(text: str) -> list[str]:
    """The commands that a text calls, in blocks and in its sentences."""
    codes = *blocks(text, "sh"), *re.findall(r"`(rustbelt [^`]+)`", text)
    return [match[1] for code in codes for match in re.finditer(r"(?:^|[/ ])rustbelt (\w+)", code, re.MULTILINE)]


def test_commands_of_the_pages_exist():
    """Only the changelog of versions before the latest may call commands that were removed since."""
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    changes = ROOT / "CHANGELOG.md"
    begin, latest, *released = re.split(r"^(?=## \[)", texts[changes], flags=re.MULTILINE)
    texts[changes] = begin + latest
    assert any(map(called, texts.values())) and any(map(called, released))
    for page, text in texts.items():
        for command in called(text):
            assert command in COMMANDS, f"{page}: rustbelt {command}"
    for text in released:
        assert {*called(text)} <= {*COMMANDS, *REMOVED}


def test_options_of_the_readme_exist():
    for line in re.findall(r"rustbelt (\w+ .*)", "\n".join(blocks(README, "sh"))):
        name, *words = line.split()
        known = {option for param in main.get_command(None, name).params for option in param.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_the_version_is_stated_alike():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["version"]
    version = build["fallback-version"]
    assert build["raw-options"]["fallback_version"] == version
    patterns = {
        "CHANGELOG.md": r"^## \[([\d.]+)\]",
        "CONTRIBUTING.md": r"`([\d.]+)` where there is none",
        "docs/tutorial.md": r"rustbelt (\d[\d.]+\d) with jax",
    }
    for page, pattern in patterns.items():
        stated = re.search(pattern, (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert stated and stated[1] == version, page


def test_files_that_contributing_names_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/])((?:engine|tests|docs|\.ci)/[\w./-]*\w/?|[A-Z]+\.md)", text)
    assert len(set(named)) > 15
    assert not [name for name in named if not (ROOT / name).exists()]
    recipes = {f"Add a {what}" for what in ("law", "fold", "measure", "question", "command", "figure")}
    assert recipes | {"Release"} <= set(re.findall(r"^## (.*)", text, re.M))


def test_tests_that_pages_name_are_there():
    named = {name for page in PAGES for name in re.findall(r"\btest_\w+\.py", page.read_text(encoding="utf-8"))}
    assert len(named) > 40 and named <= {file.name for file in (ROOT / "tests").rglob("test_*.py")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target.split("#")[0]).exists(), f"{page.name}: {target}"
