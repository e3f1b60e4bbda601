"""What stands at the top of the project: what is kept there by name, and what tools make there."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = {
    *("engine", "configs", "outputs", "tests", "docs", "benchmarks"),
    *(".ci", ".github", ".gitignore", ".pre-commit-config.yaml", "pyproject.toml", "mkdocs.yml"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"),
}
MADE = {"build", "dist", "site"}
"""By tools, and ignored by git, as is what begins with a dot or ends in .egg-info."""


def strays(top: Path = ROOT) -> set[str]:
    """Names at the top that neither the project nor its tools keep there."""
    names = {path.name for path in top.iterdir() if path.name[0] != "." and path.suffix != ".egg-info"}
    return names - KEPT - MADE
