"""Study files: TOML to a `Study`, all problems at once."""
