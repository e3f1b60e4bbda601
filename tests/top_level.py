"""Names at the top of the project: those of kept files, and of files that tools make there."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = {
    *("engine", "configs", "outputs", "tests", "docs", "benchmarks"),
    *(".ci", ".github", ".gitignore", ".pre-commit-config.yaml", "pyproject.toml", "mkdocs.yml"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"),
}
MADE = {"build", "dist", "site"}
"""Names that tools make and git ignores, as it does names that begin with a dot or end in .egg-info."""


def strays(top: Path = ROOT) -> set[str]:
    """Names at the top that neither the project nor its tools keep there."""
    names = {path.name for path in top.iterdir() if path.name[0] != "." and path.suffix != ".egg-info"}
    return names - KEPT - MADE
