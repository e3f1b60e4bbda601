"""A study held against what was observed, and scored."""
